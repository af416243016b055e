import Comparison
import Compression
import Foundation
import GRDB
import Pprof
import ProfileModel
import Rendering
import SeededRandom
import Testing

@testable import Storage

/// A database of which every number may be any: it is an error, or everything can be made of it.
@Suite struct HostileNumberTests {
  private let directory: TemporaryDirectory
  private let process = ProcessID(rawValue: 7)

  init() throws {
    directory = try TemporaryDirectory()
    let store = try TaskStore.open(path: directory.database)
    var triggered = Sample.task()
    triggered.trigger = #"""
      {"policy":"p","pid":7,"process_name":"x","metric":"process_cpu","unit":"%","threshold":80,"period_s":10,"count":5,
      "values":[81,92.5,null],"fired_at":{"nanoseconds":5},"cooldown_s":60,"lookback_ns":3000000000}
      """#
    triggered.endedAt = WallTime(nanoseconds: 1_010_000_000_000)
    _ = try store.add(triggered)
    _ = try store.add(Sample.waitTask, profile: Sample.waitProfile)
    _ = try store.add(Sample.waitTask, profile: Sample.waitProfile)
    var network = Sample.task()
    network.spec.kind = .network(NetworkOptions())
    network.id = try store.begin(network)
    try store.finish(network, network: Self.network)
    try keepWatch(in: store)
  }

  private static let network: NetworkProfile = {
    var totals = NetworkTotals()
    (totals.connections, totals.opened, totals.closed, totals.resets) = (9, 8, 7, 1)
    (totals.bytesSent, totals.bytesReceived, totals.sends, totals.receives) = (1 << 20, 1 << 30, 99, 98)
    totals.roundTrip.add(nanoseconds: 45_000)
    totals.requests.count = 30
    totals.requests.statusClasses = [0, 20, 0, 5, 5]
    totals.requests.durations.add(nanoseconds: 5_000_000)
    let client = ProcessID(rawValue: 7)
    return NetworkProfile(
      source: NetworkSource(kind: .sockets, received: .sockets, sent: .sockets, hasCallTimes: true),
      nodes: [.process(client, name: "a", isTarget: true, cgroup: "/x"), .remote(address: "::1", port: 80, name: nil)],
      edges: [
        NetworkEdge(client: 0, server: 1, transport: .tcp, speaks: .http1, clientView: totals, serverView: totals)
      ],
      connections: [
        NetworkConnection(
          edge: 0, role: .client, process: client, processName: "a", descriptor: 3, local: "[::1]:1",
          remote: "[::1]:80",
          openedAt: WallTime(nanoseconds: 1), closedAt: WallTime(nanoseconds: 2), totals: totals)
      ], connectionCount: 9,
      endpoints: [
        HTTPEndpoint(
          process: client, processName: "a", role: .client, method: "GET", path: "/", totals: totals.requests)
      ],
      samples: [
        RequestSample(
          reason: .slow, process: client, processName: "a", role: .client, method: "GET", path: "/", status: 200,
          startedAt: WallTime(nanoseconds: 5), durationNanoseconds: 7, firstByteNanoseconds: 6, requestBytes: 5,
          responseBytes: 4, peer: "[::1]:80")
      ], drops: ["TCP_CSUM": 4], losses: [.payloadSkipped: 5])
  }()

  private func keepWatch(in store: TaskStore) throws {
    let entry = MetricHistory.Entry(
      cpuPerMille: 500, threads: 4, residentKiB: 9000,
      requests: RequestSums(finished: 10, serverErrors: 1, microseconds: 99))
    let key = ProcessKey(process: process, startTicks: 70)
    try store.append(
      [1, 10].map {
        MetricHistory(
          process: key, processName: "x", resolution: $0, start: 1_000, entries: [entry, nil, entry, entry])
      })
    try store.log([
      TriggerLogEntry(
        firedAt: WallTime(nanoseconds: 5), policy: "p", process: process, processName: "x", outcome: .started,
        task: TaskID(rawValue: 1))
    ])
    let state = WatchState(
      pid: process, startedAt: WallTime(nanoseconds: 4), policyFile: "p.yaml",
      policies: [
        WatchState.Policy(
          name: "p", kind: .onCPU, rules: ["process_cpu >= 80 %"], processCount: 2,
          processes: [
            WatchState.Process(pid: process, name: "x", cpu: 12.5, threads: 4, residentMiB: 9, cooldownSeconds: 60)
          ])
      ], runningTasks: 1)
    try store.keepWatchState(
      String(decoding: try JSONEncoder().encode(state), as: UTF8.self), at: WallTime(nanoseconds: 9))
  }

  // MARK: - What is made of a database

  /// Reads everything and renders it in every form; whatever cannot be read is left out.
  private func makeEverything() throws {
    let store = try TaskStore.openReadOnly(path: directory.database)
    let tasks = (1...4).compactMap { try? store.task(TaskID(rawValue: $0)) }
    _ = TaskTable.render(tasks) + TaskJSON.render(tasks) + tasks.map(TaskDetails.render).joined()
    var profiles: [(task: ProfilingTask, profile: Profile)] = []
    for task in tasks {
      if let network = try? store.networkProfile(of: task.id) { render(task, network) }
      if let profile = try? store.profile(of: task.id) {
        profiles.append((task, profile))
        render(task, profile)
      }
    }
    let all = profiles.map(\.profile)
    if Profile.areSummable(all), let task = profiles.first?.task { render(task, Profile.merged(all)) }
    compare(all)
    let now = WallTime(nanoseconds: 1_800_000_000_000_000_000)
    let report = WindowReport(tasks: tasks, window: WallTime(nanoseconds: 0)..<now)
    _ = report.text
    _ = report.html { task in
      if let profile = try? store.profile(of: task.id) { return .profile(profile) }
      return (try? store.networkProfile(of: task.id)).map { .network($0) }
    }
    if let state = try? store.watchState(), let triggers = try? store.triggers(since: WallTime(nanoseconds: 0)) {
      let status = StatusReport(state: state, isRunning: true, triggers: triggers, since: WallTime(nanoseconds: 0))
      _ = status.text + status.json
    }
    if let histories = try? store.history(of: process, since: WallTime(nanoseconds: 0)) {
      let metrics = MetricsReport(histories, of: process, since: WallTime(nanoseconds: 0))
      _ = metrics.table + metrics.sparklines + metrics.json
    }
    _ = try? store.cooldowns()
  }

  private func render(_ task: ProfilingTask, _ profile: Profile) {
    for measure in [WeightMeasure.count, .microseconds] {
      _ = Folded.render(profile, measure: measure)
      _ = SVG.render(profile, title: "t", subtitle: "s", measure: measure)
      _ = TopReport.render(task: task, profile: profile, measure: measure, nextCommands: [], isColored: false)
      _ = Speedscope.render(profile, name: "t", measure: measure)
      _ = HTMLReport.render(
        HTMLReport.Subject(
          title: "t", task: task, unit: task.kind.unit, isOffCPU: task.kind == .offCPU, hasThreads: true),
        profile, measure: measure)
    }
    _ = Summary.render(task: task, profile: profile, isColored: false)
    _ = ProfileJSON.render(task, profile)
    _ = PprofWriter.render(task, profile)
    _ = PerfScript.render(
      profile, kind: task.kind, event: "cpu-clock", elapsedNanoseconds: task.elapsedNanoseconds)
    if let timeline = profile.timeline { _ = profile.during(timeline.slots(touching: 0..<2_000_000_000)) }
  }

  private func render(_ task: ProfilingTask, _ profile: NetworkProfile) {
    _ = NetworkSummary.render(task: task, profile: profile, isColored: false)
    _ = NetworkSummary.account(of: task, profile)
    _ = NetworkJSON.render(task, profile)
    _ = NetworkReport.render(task, profile, title: "t")
    _ = NetworkMap.render(task, profile, title: "t")
    _ = NetworkDOT.render(task, profile)
  }

  private func compare(_ profiles: [Profile]) {
    let runs = profiles.map { profile in
      ComparedRun(
        name: "r", costs: FunctionCosts(profile), quality: RunQuality(kind: .onCPU, unit: "samples", of: profile))
    }
    let check = Check(base: runs + runs, new: runs + runs)
    _ = CheckText.render(check) + CheckJSON.render(check) + CheckMarkdown.render(check) + CheckJUnit.render(check)
    guard Profile.areSummable(profiles + profiles), let first = profiles.first, let last = profiles.last else { return }
    _ = DiffGraph.svg(base: first, new: last, title: "t", subtitle: "", measure: .microseconds)
    _ = DiffFolded.render(base: first, new: last)
  }

  // MARK: - Damage

  private static let integers: [Int64] = [
    .min, .min + 1, .max, .max - 1, 1 << 62, -(1 << 62), 1 << 61, 1 << 60, 1 << 53, 1 << 40, 1 << 32, 1 << 31, -1, 0, 1,
    1_000_000_000,
  ]

  private static let integerColumns: [(table: String, column: String)] =
    [
      "started_at", "ended_at", "ticks", "taken", "lost_ns",
    ].map { ("task", $0) }
    + [("frame", "module"), ("frame", "address"), ("frame", "origin"), ("frame", "source_line"), ("thread", "pid")]
    + ["resolution", "start", "start_ticks"].map { ("metric_history", $0) }
    + [("trigger_log", "fired_at"), ("trigger_log", "task"), ("watch", "updated_at")]

  private static let documents: [(table: String, column: String)] =
    ["parameters", "losses", "defects", "left_out", "trigger"].map { ("task", $0) } + [("watch", "document")]

  private static let blobs: [(table: String, column: String)] = [
    ("profile", "stacks"), ("profile", "timeline"), ("thread", "weights"), ("thread", "extremes"),
    ("metric_history", "entries"),
  ]

  /// Puts another number into one place of a row that `draw` chooses.
  private func damage(_ bytes: [UInt8], _ draw: inout SplitMix) throws {
    try directory.write(bytes)
    var configuration = Configuration()
    configuration.foreignKeysEnabled = false
    let queue = try DatabaseQueue(path: directory.database, configuration: configuration)
    try queue.write { database in
      switch Int.random(in: 0..<10, using: &draw) {
      case 0..<3:
        let (table, column) = Self.integerColumns.randomElement(using: &draw) ?? ("task", "ticks")
        let number = Self.integers.randomElement(using: &draw) ?? 0
        try Self.change(table, column, in: database, &draw) { _, _ in number.databaseValue }
      case 3..<5:
        let (table, column) = Self.documents.randomElement(using: &draw) ?? ("task", "parameters")
        try Self.change(table, column, in: database, &draw) { old, draw in
          String.fromDatabaseValue(old).map { Self.damaged($0, &draw).databaseValue }
        }
      case 5..<7:
        try Self.change("network_profile", "document", in: database, &draw) { old, draw in
          guard let packed = Data.fromDatabaseValue(old) else { return nil }
          let json = String(decoding: try Gzip.decompress([UInt8](packed), limitBytes: 1 << 24), as: UTF8.self)
          return Gzip.compress(Array(Self.damaged(json, &draw).utf8)).map { Data($0).databaseValue }
        }
      default:
        let (table, column) = Self.blobs.randomElement(using: &draw) ?? ("profile", "stacks")
        try Self.change(table, column, in: database, &draw) { old, draw in
          Data.fromDatabaseValue(old).map { Data(Self.damaged([UInt8]($0), &draw)).databaseValue }
        }
      }
    }
    try queue.close()
  }

  private static func change(
    _ table: String, _ column: String, in database: Database, _ draw: inout SplitMix,
    _ change: (DatabaseValue, inout SplitMix) throws -> DatabaseValue?
  ) throws {
    let keys = try String.fetchAll(
      database, sql: "SELECT name FROM pragma_table_info(?) WHERE pk > 0", arguments: [table])
    let rows = try Row.fetchAll(database, sql: "SELECT * FROM \(table)")
    guard let row = rows.randomElement(using: &draw) else { return }
    let old: DatabaseValue = row[column]
    guard !old.isNull, let new = try change(old, &draw) else { return }
    let condition = keys.map { "\($0) = ?" }.joined(separator: " AND ")
    let values = [new] + keys.map { row[$0] as DatabaseValue }
    // What a constraint forbids, a file may hold all the same; these are tested without.
    try? database.execute(
      sql: "UPDATE \(table) SET \(column) = ? WHERE \(condition)", arguments: StatementArguments(values))
  }

  /// Text with one of its numbers changed.
  private static func damaged(_ text: String, _ draw: inout SplitMix) -> String {
    let numbers = text.matches(of: /-?[0-9]+(\.[0-9]+)?/)
    guard let place = numbers.randomElement(using: &draw)?.range else { return text }
    let other =
      ["18446744073709551615", "9223372036854775807", "-9223372036854775808", "4611686018427387904", "-1", "0"]
      + ["1e308", "1e999", "0.5", "1000000000000", "2147483648"]
    return text.replacingCharacters(in: place, with: other.randomElement(using: &draw) ?? "0")
  }

  /// Varints with some of them changed.
  private static func damaged(_ bytes: [UInt8], _ draw: inout SplitMix) -> [UInt8] {
    var reader = VarintReader(bytes)
    var numbers: [UInt64] = []
    while let number = try? reader.next() { numbers.append(number) }
    guard !numbers.isEmpty else { return bytes }
    for _ in 0..<Int.random(in: 1...3, using: &draw) {
      let number: [UInt64] = [.max, .max - 1, 1 << 63, 1 << 62, 1 << 61, 1 << 60, 1 << 40, 1 << 32, 1 << 31, 0, 1, 255]
      numbers[Int.random(in: 0..<numbers.count, using: &draw)] = number.randomElement(using: &draw) ?? 0
    }
    var writer = VarintWriter()
    for number in numbers { writer.append(number) }
    return writer.bytes
  }

  @Test func `a database with any number changed is an error, or everything can be made of it`() throws {
    try checkpoint()
    let whole = try directory.bytes()
    var draw = SplitMix(state: 20)
    for _ in 0..<150 {
      try damage(whole, &draw)
      // A trap ends the tests.
      try makeEverything()
    }
  }

  /// Puts all of the log into the file.
  private func checkpoint() throws {
    let queue = try DatabaseQueue(path: directory.database)
    try queue.writeWithoutTransaction { _ = try $0.checkpoint(.truncate) }
    try queue.close()
  }

  // MARK: - What is refused

  @Test(arguments: [
    ("UPDATE metric_history SET resolution = 4611686018427387904 WHERE resolution = 1", "column 'resolution'"),
    ("UPDATE metric_history SET resolution = 0 WHERE resolution = 1", "column 'resolution'"),
    ("UPDATE metric_history SET start = 9223372036854775807", "column 'start'"),
    ("UPDATE metric_history SET entries = x'ff'", "damaged at byte"),
  ])
  func `values of a process that cannot be are an error`(change: String, detail: String) throws {
    try execute(change)
    let store = try TaskStore.openReadOnly(path: directory.database)
    let error = #expect(throws: StoreError.self) { try store.history(of: process, since: WallTime(nanoseconds: 0)) }
    #expect(error?.kind == .malformed)
    #expect(error?.description.hasPrefix("malformed database '\(directory.database)': values of process 7") == true)
    #expect(error?.description.contains(detail) == true)
  }

  @Test(arguments: [
    "UPDATE trigger_log SET fired_at = 9223372036854775807", "UPDATE trigger_log SET outcome = 'burnt'",
    "UPDATE watch SET updated_at = -9223372036854775807",
    "UPDATE watch SET document = replace(document, '\"processCount\":2', '\"processCount\":-9223372036854775808')",
    "UPDATE watch SET document = replace(document, '\"cooldownSeconds\":60', '\"cooldownSeconds\":9223372036854775807')",
  ])
  func `the state of a watch that cannot be is an error`(change: String) throws {
    try execute(change)
    let store = try TaskStore.openReadOnly(path: directory.database)
    let error = #expect(throws: StoreError.self) {
      _ = try store.triggers(since: WallTime(nanoseconds: 0))
      _ = try store.watchState()
    }
    #expect(error?.kind == .malformed)
  }

  @Test(arguments: [
    ("started_at", "9223372036854775807"), ("ended_at", "-9223372036854775807"),
    ("trigger", "replace(trigger, '\"cooldown_s\":60', '\"cooldown_s\":9223372036854775807')"),
    ("trigger", "replace(trigger, '\"period_s\":10', '\"period_s\":-10')"),
  ])
  func `a task of an impossible time or trigger is an error`(column: String, value: String) throws {
    try execute("UPDATE task SET \(column) = \(value) WHERE id = 1")
    let id = TaskID(rawValue: 1)
    #expect(
      throws: StoreError.malformedTask(id, detail: "column '\(column)' has a value that this swprof does not know")
    ) {
      try TaskStore.openReadOnly(path: directory.database).task(id)
    }
  }

  @Test(arguments: [
    "CREATE TRIGGER t AFTER INSERT ON task BEGIN DELETE FROM profile; END",
    "ALTER TABLE watch RENAME TO w; CREATE VIEW watch AS SELECT * FROM w",
  ])
  func `SQL of another hand is not run`(change: String) throws {
    try execute(change, changesRows: false)
    let error = #expect(throws: StoreError.self) { try TaskStore.openReadOnly(path: directory.database) }
    #expect(error?.kind == .malformed)
    #expect(throws: StoreError.self) { try TaskStore.open(path: directory.database) }
  }

  @Test func `a view of the user's own is none of our business`() throws {
    try execute("CREATE VIEW slow AS SELECT id FROM task", changesRows: false)
    #expect(try TaskStore.openReadOnly(path: directory.database).tasks().count == 4)
  }

  private func execute(_ sql: String, changesRows: Bool = true) throws {
    let queue = try DatabaseQueue(path: directory.database)
    try queue.write { database in
      try database.execute(sql: sql)
      if changesRows { try #require(database.changesCount > 0, "\(sql)") }
    }
    try queue.close()
  }
}
