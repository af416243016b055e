import FoundationEssentials
import GRDB
import ProfileModel

/// Tasks as rows of the table `task`.
enum TaskRecord {
  private static let columns = """
    id, kind, target, parameters, host, kernel, started_at, ended_at, status, error, ticks, taken, losses, defects, \
    lost_ns, left_out, note, trigger, warnings, version
    """

  static func insert(_ task: ProfilingTask, owner: TaskOwner, into database: Database) throws -> TaskID {
    var task = task
    task.status = .running
    let arguments =
      try arguments(of: task) + [
        owner.process.rawValue, Int64(bitPattern: owner.startTicks), owner.bootID, owner.pidNamespace,
      ]
    try database.execute(
      sql: """
        INSERT INTO task (kind, target, parameters, host, kernel, started_at, ended_at, status, error, ticks, taken,
          losses, defects, lost_ns, left_out, note, trigger, warnings, version, owner_pid, owner_start_ticks, owner_boot_id,
          owner_pid_namespace)
        VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
        """, arguments: StatementArguments(arguments))
    return TaskID(rawValue: database.lastInsertedRowID)
  }

  /// - Returns: whether there is such a task.
  static func update(_ task: ProfilingTask, in database: Database) throws -> Bool {
    try database.execute(
      sql: """
        UPDATE task SET kind = ?, target = ?, parameters = ?, host = ?, kernel = ?, started_at = ?, ended_at = ?,
          status = ?, error = ?, ticks = ?, taken = ?, losses = ?, defects = ?, lost_ns = ?, left_out = ?, note = ?,
          trigger = ?, warnings = ?, version = ?
        WHERE id = ?
        """, arguments: StatementArguments(try arguments(of: task) + [task.id.rawValue]))
    return database.changesCount > 0
  }

  /// - Parameter condition: the SQL behind `FROM task`.
  static func fetch(
    _ condition: String, _ arguments: StatementArguments, from database: Database
  ) throws -> [ProfilingTask] {
    try Row.fetchAll(database, sql: "SELECT \(columns) FROM task \(condition)", arguments: arguments).map(task(from:))
  }

  static func running(in database: Database) throws -> [(id: TaskID, owner: TaskOwner)] {
    let sql = """
      SELECT id, owner_pid, owner_start_ticks, owner_boot_id, owner_pid_namespace FROM task WHERE status = ?
      """
    return try Row.fetchAll(database, sql: sql, arguments: [TaskStatus.running.rawValue]).map { row in
      var reader = RowReader(row)
      let id = TaskID(rawValue: try reader.integer())
      do throws(RowReader.Malformed) {
        let owner = TaskOwner(
          process: ProcessID(rawValue: try reader.integer()), startTicks: try reader.bits(),
          bootID: try reader.text(), pidNamespace: try reader.integer())
        return (id, owner)
      } catch {
        throw malformed(id, error)
      }
    }
  }

  private static func arguments(of task: ProfilingTask) throws -> [(any DatabaseValueConvertible)?] {
    let account = task.account
    return [
      task.kind.rawValue, StoredText(task.target), try json(TaskParameters(task)), StoredText(task.host),
      StoredText(task.kernel), task.startedAt.nanoseconds, task.endedAt?.nanoseconds, task.status.rawValue,
      StoredText(task.error), Int64(bitPattern: account.ticks), Int64(bitPattern: account.taken),
      try json(account.losses), try json(account.defects), Int64(bitPattern: account.lostNanoseconds),
      try json(account.leftOut), StoredText(task.note), StoredText(task.trigger), try json(task.warnings),
      StoredText(task.version),
    ]
  }

  private static func task(from row: Row) throws -> ProfilingTask {
    var reader = RowReader(row)
    let id = TaskID(rawValue: try reader.integer())
    do {
      return try task(id, &reader)
    } catch {
      throw malformed(id, error)
    }
  }

  private static func task(_ id: TaskID, _ reader: inout RowReader) throws(RowReader.Malformed) -> ProfilingTask {
    let kind = try reader.text(TaskKind.init)
    let target = try reader.text()
    let parameters: TaskParameters = try reader.json()
    guard let spec = parameters.spec(of: kind) else { throw RowReader.Malformed(column: "parameters") }
    var task = ProfilingTask(
      id: id, target: target, spec: spec, event: parameters.event, unwind: parameters.unwind,
      host: try reader.text(), kernel: try reader.text(), startedAt: try reader.time())
    task.jitterSeed = parameters.jitterSeed
    task.endedAt = try reader.optionalTime()
    task.status = try reader.text(TaskStatus.init)
    task.error = try reader.optionalText()
    task.account = SampleAccount(ticks: try reader.bits(), taken: try reader.bits())
    let losses = Causes<LossCause>(try reader.json())
    let defects = Causes<DefectCause>(try reader.json())
    task.account.losses = losses.known
    task.account.defects = defects.known
    task.account.lostNanoseconds = try reader.bits()
    task.account.leftOut = try reader.json()
    task.note = try reader.optionalText()
    task.trigger = try reader.trigger()
    task.warnings = try reader.json()
    task.version = try reader.optionalText()
    task.warnings += losses.warnings("samples lost") + defects.warnings("defects counted")
    return task
  }

  private static func malformed(_ id: TaskID, _ error: RowReader.Malformed) -> StoreError {
    .malformedTask(id, detail: "column '\(error.column)' has a value that this swprof does not know")
  }

  private static func json(_ value: some Encodable) throws -> String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    return String(decoding: try encoder.encode(value), as: UTF8.self)
  }
}

/// Counts by cause. A cause that a newer swprof added is told in a warning instead of being dropped without a word.
private struct Causes<Cause: RawRepresentable<String> & Hashable> {
  private(set) var known: [Cause: UInt64] = [:]
  private var unknown: [String: UInt64] = [:]

  init(_ counts: [String: UInt64]) {
    for (name, count) in counts {
      if let cause = Cause(rawValue: name) { known[cause] = count } else { unknown[name] = count }
    }
  }

  func warnings(_ what: String) -> [String] {
    unknown.sorted { $0.key < $1.key }.map {
      "\(what) for a cause that this swprof does not know, '\($0.key)': \($0.value)"
    }
  }
}

extension RowReader {
  /// Why a task was started, as the document that it is. One that another swprof wrote may have any form.
  fileprivate mutating func trigger() throws(Malformed) -> String? {
    guard let document = try optionalText() else { return nil }
    if let trigger = try? JSONDecoder().decode(Trigger.self, from: Data(document.utf8)), !trigger.isConsistent {
      throw Malformed(column: "trigger")
    }
    return document
  }

  fileprivate mutating func json<Value: Decodable>() throws(Malformed) -> Value {
    try text { try? JSONDecoder().decode(Value.self, from: Data($0.utf8)) }
  }
}
