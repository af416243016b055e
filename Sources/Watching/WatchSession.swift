import Capture
import Glibc
import LinuxSystem
import Metrics
import Policies
import ProfileModel
package import Recording

/// Watches processes by policies and takes profiles of them: one loop around slots, records and signals.
package struct WatchSession: ~Copyable {
  private var source: PolicySource
  private let report: (WatchNews) -> Void
  private let signals: SignalDescriptor
  private var engine: PolicyEngine
  private var discovery: ProcessDiscovery
  private var reader: MetricReader
  private var shelf: ProbeShelf
  private var flight: Flight?
  private let tables: SharedTables
  private var preparation: TablePreparation
  private let recorder: TaskRecorder
  private var history = ValueHistory()
  private var running: [RunningTask] = []
  /// Tasks that have been told to the recorder and not yet to the user.
  private var announced: [Int: RunningTask] = [:]
  private var failures: [Int: (start: PolicyEngine.Start, trigger: Trigger, error: String)] = [:]
  private var starts: [String: Int] = [:]
  private let startedAt = Clock.wall
  /// The last slot that was closed: whole seconds of the monotonic clock.
  private var lastSlot: Int
  private var isStocked = false
  private var flightTrouble = false
  private let requests: WatchedRequests?

  /// More slots than this are not made up for: their values would say nothing of a second.
  private static var longestLag: Int { 5 }
  private static var drainMilliseconds: Int32 { 100 }
  private static var stateSeconds: Int { 10 }
  private static var pruneSeconds: Int { 300 }
  private static var slotNanoseconds: UInt64 { 1_000_000_000 }
  /// For how long tables are built ahead before the watch is ready, and then between two looks at the rest.
  private static var firstPreparation: UInt64 { 1_000_000_000 }
  private static var preparationTime: UInt64 { 5_000_000 }

  /// Reads the policies, listens to processes, and loads what tasks will need.
  ///
  /// - Parameter report: told what happens, in the thread of the watch.
  package init(
    source: PolicySource, sink: any TaskSink, requests: WatchedRequests? = nil, report: @escaping (WatchNews) -> Void
  ) throws {
    var source = source
    let policies = try source.read()
    try Privileges.check()
    Host.raiseDescriptorLimit()
    let signals = try SignalDescriptor(hangup: .message)
    var engine = PolicyEngine(policies, cpuCount: try Host.onlineCPUs().count)
    for cooldown in try sink.cooldowns() {
      engine.restoreCooldown(policy: cooldown.policy, process: cooldown.process, until: cooldown.until)
    }
    let discovery: ProcessDiscovery
    do { discovery = try ProcessDiscovery() } catch { throw WatchError.noProcessRecords(error) }
    let tables = SharedTables()
    var shelf = ProbeShelf(.standard, tables)
    while try !shelf.restock(for: policies.policies.map(\.task)) {}
    recorder = try TaskRecorder(sink)
    self.signals = signals
    self.engine = engine
    self.discovery = discovery
    self.shelf = shelf
    self.tables = tables
    preparation = TablePreparation(tables)
    isStocked = true
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
    apply(discovery.update())
    _ = reader.sample(engine.processes, answering: engine.answeringProcesses, now: Clock.monotonic, bootNow: Clock.boot)
    followFlight()
    prepareTables()
    preparation.work(until: Clock.monotonic + Self.firstPreparation)
    report(.ready(policies: engine.policies.count, processes: engine.processes.count))
    var end: Int32?
    while end == nil {
      let descriptors =
        [signals.descriptor, recorder.descriptor] + discovery.descriptors + running.flatMap(\.capture.descriptors)
        + (flight?.descriptors ?? [])
      let readable = Poll.readable(descriptors, timeoutMilliseconds: timeout)
      while let signal = signals.next() {
        if signal == SIGHUP { reload() } else { end = signal }
      }
      if !readable.isDisjoint(with: discovery.descriptors) { discovery.drain() }
      driveTasks()
      flight?.drain()
      if preparation.hasWork { preparation.work(until: Clock.monotonic + Self.preparationTime) }
      if Self.slot(of: Clock.monotonic) - 1 > lastSlot { closeSlot() }
      for reply in recorder.takeReplies() { tell(reply) }
    }
    stop()
  }

  private var timeout: Int32 {
    let slotEnd = MonotonicTime(nanoseconds: UInt64(lastSlot + 2) * Self.slotNanoseconds)
    var timeout = Int32(clamping: slotEnd.nanoseconds(since: Clock.monotonic) / 1_000_000 + 1)
    for task in running {
      timeout = min(timeout, task.capture.hasPending ? 1 : Self.drainMilliseconds, task.millisecondsLeft)
    }
    if flight?.hasPending == true { timeout = min(timeout, Self.drainMilliseconds) }
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
      $0.0.task.kind != .network && $0.0.task.unwind != UnwindChoice.fp.rawValue
    }
    preparation.look(at: Set(processes.flatMap { $0.1.map(\.key) }), now: Clock.monotonic)
  }

  /// Keeps the flight recorder at the processes that on-CPU tasks may be for.
  private mutating func followFlight() {
    let span = engine.limits.lookbackSeconds
    guard span > 0 else { return flight = nil }
    do {
      if flight?.spanSeconds != span { flight = try Flight(spanSeconds: span, tables: tables) }
      let processes = zip(engine.policies, engine.processesByPolicy).filter { $0.0.task.kind == .onCPU }
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
    if !isStocked {
      do { isStocked = try shelf.restock(for: engine.policies.map(\.task)) } catch {
        // The task that needs them will say so.
        isStocked = true
      }
    }
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
    report(.state(state, processes: engine.processes.count, starts: starts))
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
        name: policy.name, kind: policy.task.kind, rules: policy.rules.map(\.sentence), processCount: processes.count,
        processes: Array(busiest.prefix(Self.listedProcesses)))
    }
    return WatchState(
      pid: ProcessTable.own, startedAt: startedAt, policyFile: source.path, policies: policies,
      runningTasks: running.count, requestLosses: requests?.losses)
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
    var trigger = start.trigger(firedAt: Clock.wall, hostLoad: reader.hostLoad)
    var task = start.task(trigger: trigger)
    do {
      let capture = try shelf.take(start.policy.task, start.processes.map(\.key.process))
      let begun = try capture.arm()
      isStocked = false
      (task.parameters.event, task.parameters.unwind) = (begun.event, begun.unwind)
      task.parameters.jitterSeed = begun.jitterSeed
      task.startedAt = Clock.wall(at: begun.armedAt)
      let lookback = flight?.lookback(for: start, armedAt: begun.armedAt)
      if let lookback {
        trigger.lookbackNanoseconds = lookback.nanoseconds
        task.trigger = TriggerText.encode(trigger)
        task.startedAt = WallTime(nanoseconds: task.startedAt.nanoseconds - Int64(lookback.nanoseconds))
      }
      let runningTask = RunningTask(
        start: start, capture: capture, armedAt: begun.armedAt, trigger: trigger, lookback: lookback)
      running.append(runningTask)
      announced[start.id] = runningTask
      starts[start.policy.name, default: 0] += 1
      recorder.send(.begin(start.id, task, start.cooldowns))
    } catch {
      engine.failed(start, slot: start.slot)
      let sentence = FailureSentence.of(error)
      failures[start.id] = (start, trigger, sentence)
      recorder.send(.fail(start.id, task, error: sentence))
    }
  }

  private mutating func driveTasks() {
    for task in running {
      do { try task.capture.drain() } catch {
        end(task, failedBy: error)
        continue
      }
      if task.isOver { end(task) }
    }
  }

  private mutating func end(_ task: RunningTask, failedBy failure: (any Error)? = nil) {
    running.removeAll { $0 === task }
    engine.ended(task.start)
    report(.promptness(task.promptness))
    let number = task.start.id
    // What finishing takes is no part of the capture.
    let endedAt = Clock.wall
    do {
      if let failure { throw failure }
      recorder.send(.finish(number, try task.capture.finish(), task.lookback, endedAt: endedAt))
    } catch {
      recorder.send(.abandon(number, error: FailureSentence.of(error), endedAt: endedAt))
    }
  }

  // MARK: - Policies

  private mutating func reload() {
    do {
      let policies = try source.read()
      engine.reload(policies, processes: discovery.processes)
      reader.change(to: engine.measures)
      let engine = engine
      reader.keep { engine.isWatched($0) }
      isStocked = false
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

  // MARK: - What is told

  private mutating func tell(_ reply: RecorderReply) {
    switch reply {
    case .began(let number, let id):
      guard let task = announced[number] else { return }
      report(.started(task.start, task.trigger, id))
    case .failed(let number, let id):
      guard let (start, trigger, error) = failures.removeValue(forKey: number) else { return }
      report(.failed(start, trigger, id, error: error))
    case .ended(let number, let task):
      guard let known = announced.removeValue(forKey: number) else { return }
      report(.ended(known.start, known.trigger, task))
    case .trouble(let sentence): report(.trouble(sentence))
    case .stopped: break
    }
  }

  // MARK: - The end

  private mutating func stop() {
    report(.stopping)
    for task in running { end(task) }
    recorder.send(.keep(history.takeAll()))
    publish()
    var replies: [RecorderReply] = []
    recorder.finish { replies.append($0) }
    for reply in replies { tell(reply) }
    report(.stopped)
  }
}
