import Capture
import Glibc
import LinuxSystem
import ProfileModel
import Recording
import Rendering
import Storage
import Symbolication
import Version

/// What a capture command does from its arguments to its output: arm, record, name, store, print.
struct CaptureSession {
  private let spec: TaskSpec
  private let result: ResultOptions
  private let tuning: TuningOptions
  private let tableCapacity: UInt32

  /// - Parameter tableCapacity: how many stacks and threads, or connections, the kernel keeps.
  init(_ spec: TaskSpec, _ result: ResultOptions, _ tuning: TuningOptions, tableCapacity: UInt32 = 1 << 16) {
    self.spec = spec
    self.result = result
    self.tuning = tuning
    self.tableCapacity = tableCapacity
  }

  func run() throws {
    var timings = Timings(origin: ProcessTable.startTime())
    verbosity.noteCaller()
    let surroundings = CommandSurroundings.current
    Host.raiseDescriptorLimit()
    let signals = try SignalDescriptor()
    var sink = try OutputSink(result.output.output)
    var child: ChildProcess?
    if case .command(let arguments) = spec.target {
      child = try ChildProcess(arguments: arguments, in: surroundings, signals: signals)
    }
    let targets = spec.target.listedProcesses
    let observation = TargetObservation(targets, includesChildren: spec.options.includesChildren)

    var task = makeTask()
    let capture = try CaptureKinds.standard.prepare(
      CaptureKinds.Order(tuning.resolve(spec, child: child?.process), tableCapacity: tableCapacity))
    let armedAt = try arm(capture, &task)
    timings.mark("armed", at: armedAt)
    let store = result.noStore ? nil : StoreSink(try StoreAccess.writable(result.store))
    if let store {
      task.id = try store.begin(task)
      verbosity.detail("task \(task.id) in database '\(StoreAccess.path(result.store))'")
    }
    verbosity.detail("event \(task.event), user stacks by \(task.unwind), probes loaded and attached")

    var isStored = false
    do {
      let end = try record(capture, armedAt: armedAt, &task, child, signals, &timings)
      let outcome = try capture.finish()
      if !targets.isEmpty {
        task.warnings = EmptyResult.advice(
          task.kind, observation.facts(frequencyHertz: spec.kind.onCPU?.frequencyHertz))
      }
      let interruption = Interruption()
      let recorded = try complete(&task, outcome, &timings)
      let isCut = interruption.hasCome
      let stored = Result { if let store { try store.finish(task, recorded) } }
      isStored = store != nil && (try? stored.get()) != nil
      if isStored, !isCut { try interruption.leaveInstead(ofDrawing: task.id) }
      try write(task, recorded, to: &sink)
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
    (task.event, task.unwind, task.jitterSeed) = (start.event, start.unwind, start.jitterSeed)
    return start.armedAt
  }

  /// Starts the command, and records until the end.
  private func record(
    _ capture: any CaptureLifecycle, armedAt: MonotonicTime, _ task: inout ProfilingTask, _ child: ChildProcess?,
    _ signals: SignalDescriptor, _ timings: inout Timings
  ) throws -> CaptureEnd {
    var run = CaptureRun(
      capture, armedAt: armedAt, signals: signals, durationNanoseconds: spec.durationNanoseconds,
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

  private var verbosity: Verbosity { result.manners.verbosity }

  private func write(_ task: ProfilingTask, _ recorded: TaskResult, to sink: inout OutputSink) throws {
    switch recorded {
    case .stacks(let profile):
      for sentence in Self.namelessModules(of: profile) { verbosity.detail(sentence) }
      try ProfileOutput(options: result.output, verbosity: verbosity).write(
        ReportSubject(task, result.output.native.shown(profile)), to: &sink)
    case .network(let profile):
      try NetworkOutput(options: result.output, verbosity: verbosity).write(task, profile, to: &sink)
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

  private func makeTask() -> ProfilingTask {
    ProfilingTask(
      target: spec.targetWords(isRedacted: result.redactArgs), spec: spec, host: Host.name,
      kernel: Host.kernelRelease, version: SwprofVersion.text, startedAt: Clock.wall, note: result.note)
  }

  /// The processes whose end ends the capture.
  private func watchedProcesses(child: ProcessID?) -> [ProcessID] {
    if let child { return [child] }
    if case .processes(let processes) = spec.target { return processes }
    return []
  }

  private func start(_ child: ChildProcess?) throws {
    guard case .command(let arguments) = spec.target, let command = arguments.first else { return }
    do { try child?.start() } catch {
      let status: ExitStatus = error == .accessDenied ? .notPermitted : .noInput
      throw Failure("cannot run '\(command)': \(error)", status)
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
