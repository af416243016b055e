import LinuxSystem
import ProfileModel

/// What a sink could not take, in the order in which it came, until there is room.
struct StoreBacklog {
  /// Something small, which is written as a whole.
  enum Entry {
    case cooldowns([Cooldown])
    case decision(TriggerLogEntry)
    case history([MetricHistory])
    /// The end of a task that has no result.
    case failure(TaskID, error: String, endedAt: WallTime)
  }

  private(set) var tasks: [(task: ProfilingTask, result: TaskResult)] = []
  private var entries: [Entry] = []
  /// Rows of `entries`.
  private var rows = 0
  /// Entries that were dropped since `takeDropped()`.
  private var dropped = 0

  private let sizeLimit: Int
  private let rowLimit: Int

  /// - Parameters:
  ///   - sizeLimit: for finished tasks, the newest of which is kept however large it is.
  ///   - rowLimit: for the rest; a row of history has a kilobyte.
  init(sizeLimit: Int = 1_000_000, rowLimit: Int = 10_000) {
    self.sizeLimit = sizeLimit
    self.rowLimit = rowLimit
  }

  var isEmpty: Bool { tasks.isEmpty && entries.isEmpty }

  /// Keeps a finished task.
  ///
  /// - Returns: tasks that there is no memory for any more, the oldest first.
  mutating func add(_ task: ProfilingTask, _ result: TaskResult) -> [ProfilingTask] {
    tasks.append((task, result))
    var lost: [ProfilingTask] = []
    while tasks.count > 1, tasks.reduce(0, { $0 + $1.result.size }) > sizeLimit {
      lost.append(tasks.removeFirst().task)
    }
    return lost
  }

  mutating func add(_ entry: Entry) {
    entries.append(entry)
    rows += entry.rows
    while rows > rowLimit, entries.count > 1 {
      let first = entries.removeFirst()
      rows -= first.rows
      dropped += first.rows
    }
  }

  /// How many rows found no memory since the last call.
  mutating func takeDropped() -> Int {
    defer { dropped = 0 }
    return dropped
  }

  /// Writes what there is room for.
  ///
  /// - Returns: whether a task was written.
  mutating func write(to sink: some TaskSink) throws -> Bool {
    var hasWritten = false
    while let (waiting, result) = tasks.first {
      var task = waiting
      do {
        if task.id.rawValue == 0 {
          task.id = try sink.begin(task)
          tasks[0].task.id = task.id
        }
        try sink.finish(task, result)
      } catch is TaskRemoved {}
      tasks.removeFirst()
      hasWritten = true
    }
    while let entry = entries.first {
      do { try entry.write(to: sink) } catch is TaskRemoved {}
      entries.removeFirst()
      rows -= entry.rows
    }
    return hasWritten
  }
}

extension TaskResult {
  /// How much memory it takes, in units of some 100 bytes: a value with its stack, a row of a table.
  fileprivate var size: Int {
    switch self {
    case .stacks(let profile): profile.values.count + profile.stacks.nodes.count / 4
    case .network(let profile):
      // A request that was kept has the texts of its messages.
      profile.nodes.count + 8 * (profile.edges.count + profile.connections.count + profile.endpoints.count)
        + 32 * profile.samples.count
    }
  }
}

extension StoreBacklog.Entry {
  fileprivate var rows: Int {
    switch self {
    case .cooldowns(let cooldowns): cooldowns.count
    case .history(let histories): histories.count
    case .decision, .failure: 1
    }
  }

  func write(to sink: some TaskSink) throws {
    switch self {
    case .cooldowns(let cooldowns):
      try sink.keep(cooldowns, now: Int(Clock.monotonic.nanoseconds / 1_000_000_000))
    case .decision(let entry): try sink.log([entry])
    case .history(let histories): try sink.append(histories)
    case .failure(let id, let error, let endedAt): try sink.fail(id, error: error, endedAt: endedAt)
    }
  }
}
