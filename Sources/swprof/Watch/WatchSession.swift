import Capture
import FoundationEssentials
import Glibc
import LinuxSystem
import Metrics
import Policies
import ProfileModel
import Rendering
import Storage

/// Watches processes by policies and takes profiles of them: one loop around slots, records and signals.
struct WatchSession: ~Copyable {
  private var source: PolicySource
  private let output: WatchOutput
  private let metricsFile: OpenMetricsFile?
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
  private var metricsTrouble = false
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
  init(
    source: PolicySource, store: TaskStore, output: WatchOutput, metricsFile: String?,
    requests: WatchedRequests? = nil
  ) throws {
    var source = source
    let policies = try source.read()
    try Privileges.check()
    Host.raiseDescriptorLimit()
    let signals = try SignalDescriptor(hangup: .message)
    var engine = PolicyEngine(policies, cpuCount: try Host.onlineCPUs().count)
    for cooldown in try store.cooldowns() {
      engine.restoreCooldown(policy: cooldown.policy, process: cooldown.process, until: cooldown.until)
    }
    let discovery: ProcessDiscovery
    do { discovery = try ProcessDiscovery() } catch {
      throw Failure("cannot listen to the kernel's records of processes: \(error)", .unavailable)
    }
    let tables = SharedTables()
    var shelf = ProbeShelf(tables)
    while try !shelf.restock(for: policies.policies.map(\.task)) {}
    recorder = try TaskRecorder(store)
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
    self.output = output
    self.metricsFile = metricsFile.map { OpenMetricsFile(path: $0) }
    lastSlot = Self.slot(of: Clock.monotonic) - 1
  }

  /// The slot that a time lies in.
  private static func slot(of time: MonotonicTime) -> Int { Int(time.nanoseconds / slotNanoseconds) }

  // MARK: - The loop

  /// Watches until a signal comes.
  mutating func run() {
    apply(discovery.update())
    _ = reader.sample(engine.processes, answering: engine.answeringProcesses, now: Clock.monotonic, bootNow: Clock.boot)
    followFlight()
    prepareTables()
    preparation.work(until: Clock.monotonic + Self.firstPreparation)
    output.tell(.ready, "\(counted(engine.policies.count, "policy", "policies")) watch \(watchedWords)")
    output.notifyService("READY=1\nSTATUS=\(engine.policies.count) policies, \(engine.processes.count) processes")
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

  private var watchedWords: String { counted(engine.processes.count, "process", "processes") }

  private func counted(_ count: Int, _ one: String, _ many: String) -> String { "\(count) \(count == 1 ? one : many)" }

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
    output.flush()
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
      if !flightTrouble { output.tell(.trouble, "no flight recorder: \(Failure(error).sentence)") }
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
      let retention = TaskStore.Retention(
        seconds: engine.limits.retentionSeconds, maximumBytes: engine.limits.maximumDatabaseBytes)
      recorder.send(.prune(retention, Clock.wall))
    }
  }

  /// Tells how the watch is doing.
  private mutating func publish() {
    let state = state()
    if let document = try? JSONEncoder().encode(state) {
      recorder.send(.state(String(decoding: document, as: UTF8.self), Clock.wall))
    }
    output.notifyService("STATUS=\(engine.policies.count) policies, \(engine.processes.count) processes")
    guard let metricsFile else { return }
    do {
      try metricsFile.write(state, starts: starts)
      metricsTrouble = false
    } catch {
      if !metricsTrouble { output.tell(.trouble, Failure(error).sentence) }
      metricsTrouble = true
    }
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
      runningTasks: running.count, requestLosses: requests?.losses)
  }

  private func finite(_ value: Double?) -> Double? { value.flatMap { $0.isFinite ? $0 : nil } }

  // MARK: - Tasks

  private mutating func carryOut(_ decision: PolicyEngine.Decision) {
    switch decision {
    case .start(let start): begin(start)
    case .heldBack(let policy, let process, let reason):
      let sentence = words(reason)
      var event = WatchEvent(
        .heldBack, "\(policy): no task for \(process.name) (\(process.key.process)): \(sentence)", time: Clock.wall)
      (event.policy, event.process, event.processName) = (policy, process.key.process, process.name)
      output.tell(event)
      recorder.send(
        .log(
          TriggerLogEntry(
            firedAt: event.time, policy: policy, process: process.key.process, processName: process.name,
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
      let capture = try shelf.arm(start.policy.task, start.processes.map(\.key.process))
      isStocked = false
      (task.event, task.unwind) = (capture.event, capture.unwind)
      task.jitterSeed = capture.jitterSeed
      task.startedAt = Clock.wall(at: capture.armedAt)
      let lookback = flight?.lookback(for: start, armedAt: capture.armedAt)
      if let lookback {
        trigger.lookbackNanoseconds = lookback.nanoseconds
        task.trigger = TriggerText.encode(trigger)
        task.startedAt = WallTime(nanoseconds: task.startedAt.nanoseconds - Int64(lookback.nanoseconds))
      }
      let begun = RunningTask(start: start, capture: capture, trigger: trigger, lookback: lookback)
      running.append(begun)
      announced[start.id] = begun
      starts[start.policy.name, default: 0] += 1
      recorder.send(.begin(start.id, task, start.cooldowns))
    } catch {
      engine.failed(start, slot: start.slot)
      let sentence = Failure(error).sentence
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
    output.verbosity.detail(task.promptness)
    let number = task.start.id
    // What finishing takes is no part of the capture.
    let endedAt = Clock.wall
    do {
      if let failure { throw failure }
      recorder.send(.finish(number, try task.capture.finish(), task.lookback, endedAt: endedAt))
    } catch {
      recorder.send(.abandon(number, error: Failure(error).sentence, endedAt: endedAt))
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
      output.tell(
        .reloaded,
        "policies read again: \(counted(policies.policies.count, "policy", "policies")) watch \(watchedWords)")
    } catch let error as PolicyFileError {
      for line in error.lines { output.complain(line) }
      output.tell(
        .refused, "\(counted(error.problems.count, "problem", "problems")) in '\(source.path)'; the old policies stay")
    } catch {
      output.tell(.refused, "\(Failure(error).sentence); the old policies stay")
    }
  }

  // MARK: - What is told

  private mutating func tell(_ reply: RecorderReply) {
    switch reply {
    case .began(let number, let id):
      guard let task = announced[number] else { return }
      output.tell(event(.started, task.start, task.trigger, id, "\(taskWords(task.start, id)) started"))
    case .failed(let number, let id):
      guard let (start, trigger, error) = failures.removeValue(forKey: number) else { return }
      output.tell(event(.failed, start, trigger, id, "\(taskWords(start, id)) not started: \(error)"))
    case .ended(let number, let task):
      guard let known = announced.removeValue(forKey: number) else { return }
      let result =
        task.error.map { "failed: \($0)" } ?? "done, \(task.account.taken) \(task.kind.unit), \(task.account.lost) lost"
      var event = WatchEvent(
        .ended, "\(known.start.policy.name): \(taskWords(known.start, task.id)) \(result)", time: Clock.wall)
      (event.policy, event.task, event.taskKind) = (known.start.policy.name, task.id, task.kind)
      (event.process, event.processName) = (known.trigger.process, known.trigger.processName)
      output.tell(event)
    case .trouble(let sentence): output.tell(.trouble, sentence)
    case .stopped: break
    }
  }

  private func taskWords(_ start: PolicyEngine.Start, _ id: TaskID) -> String {
    "\(start.policy.task.kind.name.rawValue) task\(id.rawValue == 0 ? "" : " \(id)")"
  }

  private func event(
    _ kind: WatchEvent.Kind, _ start: PolicyEngine.Start, _ trigger: Trigger, _ id: TaskID, _ what: String
  ) -> WatchEvent {
    var event = WatchEvent(kind, "\(trigger.policy): \(WatchEvent.reason(trigger)): \(what)", time: trigger.firedAt)
    (event.policy, event.process, event.processName) = (trigger.policy, trigger.process, trigger.processName)
    (event.task, event.taskKind, event.trigger) = (id, start.policy.task.kind.name, trigger)
    return event
  }

  // MARK: - The end

  private mutating func stop() {
    output.notifyService("STOPPING=1")
    for task in running { end(task) }
    recorder.send(.keep(history.takeAll()))
    publish()
    var replies: [RecorderReply] = []
    recorder.finish { replies.append($0) }
    for reply in replies { tell(reply) }
    output.tell(.stopped, "stopped")
    output.close()
  }
}
