import Capture
import Glibc
import LinuxSystem
import ProfileModel
import Recording
import Rendering
import Storage
import Symbolication

/// What a capture command does from its arguments to its output: arm, record, name, store, print.
struct CaptureSession {
  private let plan: CapturePlan
  /// What is to be recorded, with what the capture itself tells left open.
  private let kind: TaskKind
  private let parameters: CaptureParameters
  private let tableCapacity: UInt32

  /// - Parameters:
  ///   - frequency: in Hz; nil where nothing ticks.
  ///   - jitterSeed: what the times of ticks are drawn by; nil for ticks at a fixed rate.
  ///   - tableCapacity: how many stacks and threads, or connections, the kernel keeps.
  init(
    _ plan: CapturePlan, _ kind: TaskKind, frequencyHertz frequency: Int? = nil, jitterSeed: UInt32? = nil,
    offCPU: OffCPUParameters? = nil, network: NetworkParameters? = nil, tableCapacity: UInt32 = 1 << 16
  ) {
    self.plan = plan
    self.kind = kind
    self.tableCapacity = tableCapacity
    var parameters = CaptureParameters(
      durationNanoseconds: nil, frequencyHertz: frequency, side: plan.side,
      includeChildren: plan.target.includeChildren, offCPU: offCPU, network: network)
    parameters.jitterSeed = jitterSeed
    self.parameters = parameters
  }

  /// How long a capture of running processes takes unless told otherwise.
  private static let defaultDuration = Duration(nanoseconds: 30_000_000_000)

  func run() throws {
    var timings = Timings(origin: ProcessTable.startTime())
    verbosity.noteCaller()
    let surroundings = CommandSurroundings.current
    Host.raiseDescriptorLimit()
    let signals = try SignalDescriptor()
    var sink = try OutputSink(plan.output.output)
    var child: ChildProcess?
    if !plan.target.command.isEmpty {
      child = try ChildProcess(arguments: plan.target.command, in: surroundings, signals: signals)
    }
    let targets = child == nil ? plan.target.listedProcesses : []
    let observation = TargetObservation(targets, includesChildren: plan.target.includeChildren)

    var task = makeTask(hasCommand: child != nil)
    let capture = try CaptureKinds.standard.prepare(kind, order(child: child?.process))
    let armedAt = try arm(capture, &task)
    timings.mark("armed", at: armedAt)
    let store = plan.noStore ? nil : StoreSink(try StoreAccess.writable(plan.store))
    if let store {
      task.id = try store.begin(task)
      verbosity.detail("task \(task.id) in database '\(StoreAccess.path(plan.store))'")
    }
    verbosity.detail(
      "event \(task.parameters.event), user stacks by \(task.parameters.unwind), probes loaded and attached")

    var isStored = false
    do {
      let end = try record(capture, armedAt: armedAt, &task, child, signals, &timings)
      let outcome = try capture.finish()
      if !targets.isEmpty {
        task.warnings = EmptyResult.advice(kind, observation.facts(frequencyHertz: parameters.frequencyHertz))
      }
      let interruption = Interruption()
      let result = try complete(&task, outcome, &timings)
      let isCut = interruption.hasCome
      let stored = Result { if let store { try store.finish(task, result) } }
      isStored = store != nil && (try? stored.get()) != nil
      if isStored, !isCut { try interruption.leaveInstead(ofDrawing: task.id) }
      try write(task, result, to: &sink)
      SignalDescriptor.stayOnSignal()
      timings.mark("reported")
      if verbosity == .verbose || Environment.variables["SWPROF_TIMINGS"] != nil { Terminal.complain(timings.line) }
      capture.detach()
      // The result has been printed: it is not lost with the database.
      try stored.get()
      try leave(child, end)
    } catch let error where !(error is CommandStatus || error is Terminal.QuietEnd) {
      // A task that has been stored stays as it is. Where the database is the trouble, this fails as well, and the
      // next start marks the task as interrupted.
      if let store, !isStored {
        try? store.fail(task.id, error: Failure(error).sentence, endedAt: Clock.wall)
      }
      throw error
    }
  }

  /// Starts the capture, and notes in the task what it tells of itself.
  private func arm(_ capture: any CaptureLifecycle, _ task: inout ProfilingTask) throws -> MonotonicTime {
    let start = try capture.arm()
    task.startedAt = Clock.wall(at: start.armedAt)
    task.parameters.event = start.event
    task.parameters.unwind = start.unwind
    task.parameters.jitterSeed = start.jitterSeed
    return start.armedAt
  }

  /// Starts the command, and records until the end.
  private func record(
    _ capture: any CaptureLifecycle, armedAt: MonotonicTime, _ task: inout ProfilingTask, _ child: ChildProcess?,
    _ signals: SignalDescriptor, _ timings: inout Timings
  ) throws -> CaptureEnd {
    var run = CaptureRun(
      capture, armedAt: armedAt, signals: signals, durationNanoseconds: task.parameters.durationNanoseconds,
      watching: watchedProcesses(child: child?.process))
    try start(child)
    var progress = ProgressLine(verbosity)
    defer { progress.clear() }
    let end = try run.run(command: child) { progress.show($0) }
    if case .signal(SIGTERM) = end { child?.send(signal: SIGTERM) }
    if let first = capture.firstRecordAt { timings.mark("first_sample", at: first) }
    timings.tables = capture.tableCost
    task.endedAt = Clock.wall
    return end
  }

  private var verbosity: Verbosity { plan.verbosity }

  private func write(_ task: ProfilingTask, _ result: TaskResult, to sink: inout OutputSink) throws {
    switch result {
    case .stacks(let profile):
      for sentence in Self.namelessModules(of: profile) { verbosity.detail(sentence) }
      try ProfileOutput(options: plan.output, verbosity: verbosity).write(ReportSubject(task, profile), to: &sink)
    case .network(let profile):
      try NetworkOutput(options: plan.output, verbosity: verbosity).write(task, profile, to: &sink)
    }
  }

  /// Says which modules have places without a name, the ones with most of them first.
  private static func namelessModules(of profile: Profile) -> [String] {
    var places: [Int: Int] = [:]
    for frame in profile.frames where frame.origin == .unresolved {
      if let module = frame.module { places[module, default: 0] += 1 }
    }
    return places.sorted { ($1.value, $0.key) < ($0.value, $1.key) }.prefix(10).map { module, count in
      "\(count) places without a name in \(profile.modules[module].path); see 'swprof doctor --pid'"
    }
  }

  private func request(child: ProcessID?) -> CaptureRequest {
    var request = CaptureRequest(
      target: plan.target.target(command: child), side: plan.side, includesChildren: plan.target.includeChildren,
      unwind: plan.unwind, missingFeatures: plan.missingFeatures, ringBufferBytes: plan.ringBufferBytes)
    request.capacities = Dictionary(plan.capacities.map { ($0.table, $0.count) }) { $1 }
    if child != nil { request.awaitedCommand = AwaitedCommand(plan.target.command) }
    return request
  }

  private func order(child: ProcessID?) -> CaptureKinds.Order {
    CaptureKinds.Order(request: request(child: child), parameters: parameters, tableCapacity: tableCapacity)
  }

  private func makeTask(hasCommand: Bool) -> ProfilingTask {
    var parameters = parameters
    // The capture says what it has used.
    parameters.jitterSeed = nil
    parameters.durationNanoseconds = (plan.duration ?? (hasCommand ? nil : Self.defaultDuration))?.nanoseconds
    return ProfilingTask(
      kind: kind, target: plan.target.description(isRedacted: plan.redactArgs), parameters: parameters,
      host: Host.name, kernel: Host.kernelRelease, startedAt: Clock.wall, note: plan.note)
  }

  /// The processes whose end ends the capture.
  private func watchedProcesses(child: ProcessID?) -> [ProcessID] {
    if let child { return [child] }
    return plan.target.pid?.processes ?? []
  }

  private func start(_ child: ChildProcess?) throws {
    do { try child?.start() } catch {
      let status: ExitStatus = error == .accessDenied ? .notPermitted : .noInput
      throw Failure("cannot run '\(plan.target.command[0])': \(error)", status)
    }
  }

  /// Names what was recorded.
  private func complete(
    _ task: inout ProfilingTask, _ outcome: CaptureOutcome, _ timings: inout Timings
  ) throws -> TaskResult {
    timings.mark("stopped")
    guard case .profile(let raw) = outcome else { return try TaskCompletion.complete(&task, outcome) }
    var progress = ProgressLine(verbosity)
    progress.show("naming…; Ctrl-C leaves the rest without names")
    verbosity.detail("naming \(raw.locations.count) places of \(raw.sources.count) files and other sources")
    let interruption = Interruption()
    let result = Result {
      try TaskCompletion.complete(&task, outcome, budget: NamingBudget(isInterrupted: { interruption.hasCome }))
    }
    progress.clear()
    timings.mark("symbolicated")
    return try result.get()
  }

  /// Ends as the command did; a command that still runs is left alone.
  private func leave(_ child: ChildProcess?, _ end: CaptureEnd) throws {
    switch end {
    case .commandEnded(let end):
      if end.exitCode != 0 { throw CommandStatus(code: end.exitCode) }
    case .duration:
      if let child { verbosity.note("the command still runs, as process \(child.process)") }
    case .signal, .targetsGone:
      break
    }
  }
}
