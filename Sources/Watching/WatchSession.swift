import Capture
import Glibc
package import LinuxSystem
import Metrics
import Policies
import ProfileModel
package import Recording

/// Watches processes by policies and takes profiles of them: one loop around slots, records and signals.
package struct WatchSession: ~Copyable {
  private var source: PolicySource
  private let report: (WatchNews) -> Void
  /// Nil where nothing is to be heard of signals.
  private let signals: SignalDescriptor?
  private var engine: PolicyEngine
  private var discovery: ProcessDiscovery
  private var reader: MetricReader
  private var tasks: WatchedTasks
  private var flight: Flight?
  private let tables: SharedTables
  private var preparation: TablePreparation
  private let recorder: TaskRecorder
  private var history = ValueHistory()
  private let startedAt = Clock.wall
  /// The last slot that was closed: whole seconds of the monotonic clock.
  private var lastSlot: Int
  private var flightTrouble = false
  private let requests: WatchedRequests?

  /// More slots than this are not made up for: their values would say nothing of a second.
  private static var longestLag: Int { 5 }
  private static var flightMilliseconds: Int32 { 100 }
  private static var stateSeconds: Int { 10 }
  private static var pruneSeconds: Int { 300 }
  private static var slotNanoseconds: UInt64 { 1_000_000_000 }
  /// For how long tables are built ahead before the watch is ready, and then between two looks at the rest.
  private static var firstPreparation: UInt64 { 1_000_000_000 }
  private static var preparationTime: UInt64 { 5_000_000 }

  /// Reads the policies, listens to processes, and loads what tasks will need.
  ///
  /// - Parameters:
  ///   - signals: those that end the watch, and SIGHUP, by which it reads the policies again; nil for none.
  ///   - report: told what happens, in the thread of the watch.
  package init(
    source: PolicySource, sink: any TaskSink, kinds: CaptureKinds = .standard, signals: SignalDescriptor?,
    requests: WatchedRequests? = nil, report: @escaping (WatchNews) -> Void
  ) throws {
    var source = source
    let policies = try source.read()
    var engine = PolicyEngine(policies, cpuCount: try Host.onlineCPUs().count)
    for cooldown in try sink.cooldowns() {
      engine.restoreCooldown(policy: cooldown.policy, process: cooldown.process, until: cooldown.until)
    }
    let discovery: ProcessDiscovery
    do { discovery = try ProcessDiscovery() } catch { throw WatchError.noProcessRecords(error) }
    let tables = SharedTables()
    let recorder = try TaskRecorder(sink)
    var tasks = WatchedTasks(ProbeShelf(kinds, tables), recorder, report: report)
    try tasks.stock(for: policies.policies.map(\.task))
    self.recorder = recorder
    self.signals = signals
    self.engine = engine
    self.discovery = discovery
    self.tasks = tasks
    self.tables = tables
    preparation = TablePreparation(tables)
    reader = MetricReader(measures: engine.measures, http: requests?.totals)
    self.requests = requests
    self.source = source
    self.report = report
    lastSlot = Self.slot(of: Clock.monotonic) - 1
  }

  /// The slot that a time lies in.
  private static func slot(of time: MonotonicTime) -> Int { Int(time.nanoseconds / slotNanoseconds) }

  // MARK: - The loop

  /// Watches until a signal comes.
  package mutating func run() {
    begin()
    while step() {}
    stop()
  }

  mutating func begin() {
    apply(discovery.update())
    _ = reader.sample(engine.processes, answering: engine.answeringProcesses, now: Clock.monotonic, bootNow: Clock.boot)
    followFlight()
    prepareTables()
    preparation.work(until: Clock.monotonic + Self.firstPreparation)
    report(.ready(policies: engine.policies.count, processes: engine.processes.count))
  }

  /// Waits for something to happen, at most to the end of the slot, and does what follows from it.
  ///
  /// - Returns: whether the watch goes on: no signal has asked for its end.
  mutating func step() -> Bool {
    let descriptors =
      [recorder.descriptor] + (signals.map { [$0.descriptor] } ?? []) + discovery.descriptors + tasks.descriptors
      + (flight?.descriptors ?? [])
    let readable = Poll.readable(descriptors, timeoutMilliseconds: timeout)
    var isWanted = true
    while let signal = signals?.next() {
      if signal == SIGHUP { reload() } else { isWanted = false }
    }
    if !readable.isDisjoint(with: discovery.descriptors) { discovery.drain() }
    for start in tasks.drive(now: Clock.monotonic) { engine.ended(start) }
    flight?.drain()
    if preparation.hasWork { preparation.work(until: Clock.monotonic + Self.preparationTime) }
    if Self.slot(of: Clock.monotonic) - 1 > lastSlot { closeSlot() }
    for reply in recorder.takeReplies() { tasks.hear(reply) }
    return isWanted
  }

  private var timeout: Int32 {
    let now = Clock.monotonic
    let slotEnd = MonotonicTime(nanoseconds: UInt64(lastSlot + 2) * Self.slotNanoseconds)
    var timeout = Int32(clamping: slotEnd.nanoseconds(since: now) / 1_000_000 + 1)
    if let next = tasks.timeoutMilliseconds(now: now) { timeout = min(timeout, next) }
    if flight?.hasPending == true { timeout = min(timeout, Self.flightMilliseconds) }
    return preparation.hasWork ? min(timeout, 1) : timeout
  }

  // MARK: - Slots

  private mutating func closeSlot() {
    let now = Clock.monotonic
    let slot = Self.slot(of: now) - 1
    let slots = slot - lastSlot > Self.longestLag ? slot...slot : lastSlot + 1...slot
    lastSlot = slot
    let ended = reader.sample(
      engine.processes, answering: engine.answeringProcesses, now: now, bootNow: Clock.boot)
    for key in ended { forget(key) }
    let reader = reader
    let decisions = engine.close(slots: slots, hostLoad: reader.hostLoad) { reader.values(of: $0) }
    for decision in decisions { carryOut(decision) }
    // What follows may take its time, and what is new now has its first whole slot before it.
    apply(discovery.update())
    noteHistory()
    report(.slotClosed)
    housekeeping(slot)
    followFlight()
    prepareTables()
  }

  /// Has the tables ready of the processes whose stacks tasks may walk.
  private mutating func prepareTables() {
    let processes = zip(engine.policies, engine.processesByPolicy).filter {
      $0.0.task.kind.network == nil && $0.0.task.options.unwind != .fp
    }
    preparation.look(at: Set(processes.flatMap { $0.1.map(\.key) }), now: Clock.monotonic)
  }

  /// Keeps the flight recorder at the processes that on-CPU tasks may be for.
  private mutating func followFlight() {
    let span = engine.limits.lookbackSeconds
    guard span > 0 else { return flight = nil }
    do {
      if flight?.spanSeconds != span { flight = try Flight(spanSeconds: span, tables: tables) }
      let processes = zip(engine.policies, engine.processesByPolicy).filter { $0.0.task.kind.onCPU != nil }
        .flatMap { $0.1.map(\.key) }
      try flight?.look(at: Set(processes))
    } catch {
      if !flightTrouble { report(.trouble("no flight recorder: \(FailureSentence.of(error))")) }
      flightTrouble = true
    }
  }

  private mutating func apply(_ changes: ProcessDiscovery.Changes) {
    for key in changes.ended { forget(key) }
    let own = ProcessTable.own
    for process in changes.changed where process.key.process != own {
      if !engine.observe(process) { reader.forget(process.key) }
    }
  }

  private mutating func forget(_ key: ProcessKey) {
    engine.forget(key)
    reader.forget(key)
    discovery.forget(key)
    let rows = history.takeAll(of: key)
    if !rows.isEmpty { recorder.send(.keep(rows)) }
  }

  private mutating func noteHistory() {
    let second = Clock.wall.nanoseconds / 1_000_000_000 - 1
    for process in engine.processes {
      guard let values = reader.basicValues(of: process.key) else { continue }
      history.add(
        values, reader.requests(of: process.key), of: process.key, name: process.name, second: second)
    }
    let rows = history.takeFull(second: second)
    if !rows.isEmpty { recorder.send(.keep(rows)) }
  }

  private mutating func housekeeping(_ slot: Int) {
    if source.hasChanged() { reload() }
    tasks.restock(for: engine.policies.map(\.task))
    if slot % Self.stateSeconds == 0 { publish() }
    if slot % Self.pruneSeconds == 0 {
      let retention = Retention(
        seconds: engine.limits.retentionSeconds, maximumBytes: engine.limits.maximumDatabaseBytes)
      recorder.send(.prune(retention, Clock.wall))
    }
  }

  /// Tells how the watch is doing.
  private mutating func publish() {
    let state = state()
    recorder.send(.state(state, Clock.wall))
    report(.state(state, processes: engine.processes.count, starts: tasks.starts))
  }

  /// How many processes of a policy are told one by one.
  private static var listedProcesses: Int { 100 }

  private func state() -> WatchState {
    let policies = zip(engine.policies, engine.processesByPolicy).map { policy, processes in
      let states = processes.map { process in
        let values = reader.basicValues(of: process.key)
        return WatchState.Process(
          pid: process.key.process, name: process.name, cpu: finite(values?.cpu), threads: finite(values?.threads),
          residentMiB: finite(values?.residentSize),
          cooldownSeconds: engine.cooldown(policy: policy.name, process: process.key, slot: lastSlot).map {
            $0 - lastSlot
          })
      }
      let busiest = states.sorted { ($0.cpu ?? 0, $1.pid) > ($1.cpu ?? 0, $0.pid) }
      return WatchState.Policy(
        name: policy.name, kind: policy.task.kind.name, rules: policy.rules.map(\.sentence),
        processCount: processes.count,
        processes: Array(busiest.prefix(Self.listedProcesses)))
    }
    return WatchState(
      pid: ProcessTable.own, startedAt: startedAt, policyFile: source.path, policies: policies,
      runningTasks: tasks.runningCount, requestLosses: requests?.losses)
  }

  private func finite(_ value: Double?) -> Double? { value.flatMap { $0.isFinite ? $0 : nil } }

  // MARK: - Tasks

  private mutating func carryOut(_ decision: PolicyEngine.Decision) {
    switch decision {
    case .start(let start): begin(start)
    case .heldBack(let policy, let process, let reason):
      let (sentence, now) = (words(reason), Clock.wall)
      report(.heldBack(policy: policy, process, reason: sentence, at: now))
      recorder.send(
        .log(
          TriggerLogEntry(
            firedAt: now, policy: policy, process: process.key.process, processName: process.name,
            outcome: .heldBack, reason: sentence)))
    }
  }

  private func words(_ reason: PolicyEngine.Reason) -> String {
    switch reason {
    case .hostLoad:
      "the load of \(reader.hostLoad.map { "\($0)" } ?? "?") is at the limit of \(engine.limits.hostLoadLimit ?? 0)"
        + " (host_load_limit)"
    case .tasksPerHour:
      "\(engine.limits.maximumTasksPerHour ?? 0) tasks were started within an hour (max_tasks_per_hour)"
    case .concurrentTasks:
      "\(engine.limits.maximumConcurrentTasks) tasks run already (max_concurrent_tasks)"
    }
  }

  private mutating func begin(_ start: PolicyEngine.Start) {
    let flight = flight
    let isRecording = tasks.begin(start, firedAt: Clock.wall, hostLoad: reader.hostLoad) { armedAt in
      flight?.lookback(for: start, armedAt: armedAt)
    }
    if !isRecording { engine.failed(start, slot: start.slot) }
  }

  // MARK: - Policies

  private mutating func reload() {
    do {
      let policies = try source.read()
      engine.reload(policies, processes: discovery.processes)
      reader.change(to: engine.measures)
      let engine = engine
      reader.keep { engine.isWatched($0) }
      tasks.noteChangedPolicies()
      report(.reloaded(policies: policies.policies.count, processes: engine.processes.count))
    } catch let error as PolicyFileError {
      let count = error.problems.count
      report(
        .refused(
          problems: error.lines, summary: "\(count) \(count == 1 ? "problem" : "problems") in '\(source.path)'"))
    } catch let error as WatchError {
      report(.refused(problems: [], summary: error.description))
    } catch {
      report(.refused(problems: [], summary: FailureSentence.of(error)))
    }
  }

  // MARK: - The end

  mutating func stop() {
    report(.stopping)
    for start in tasks.endAll() { engine.ended(start) }
    recorder.send(.keep(history.takeAll()))
    publish()
    var replies: [RecorderReply] = []
    recorder.finish { replies.append($0) }
    for reply in replies { tasks.hear(reply) }
    report(.stopped)
  }
}
