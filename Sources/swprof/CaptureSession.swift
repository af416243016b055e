import Capture
import Glibc
import LinuxSystem
import ProfileModel
import Rendering
import Storage
import Symbolication

/// What a capture command does from its arguments to its output: arm, record, name, store, print.
struct CaptureSession {
  private let spec: TaskSpec
  private let result: ResultOptions
  private let tuning: TuningOptions

  init(_ spec: TaskSpec, _ result: ResultOptions, _ tuning: TuningOptions) {
    self.spec = spec
    self.result = result
    self.tuning = tuning
  }

  /// A finished task, stored and printed.
  struct Conclusion {
    let store: (TaskStore) throws -> Void
    let write: (inout OutputSink) throws -> Void
  }

  /// Records stacks.
  ///
  /// - Parameter arm: starts the capture.
  func run<Armed: ArmedCapture & ~Copyable>(arm: (ResolvedTask) throws -> Armed) throws
  where Armed.Recording == RawProfile {
    try run(arm: arm) { raw, task, timings in
      let profile = try name(raw, task: &task, timings: &timings)
      let task = task
      return Conclusion(
        store: { try $0.finish(task, profile: profile) },
        write: { sink in
          for sentence in Self.namelessModules(of: profile) { verbosity.detail(sentence) }
          try ProfileOutput(options: result.output, verbosity: verbosity).write(ReportSubject(task, profile), to: &sink)
        })
    }
  }

  /// - Parameters:
  ///   - arm: starts the capture.
  ///   - conclude: completes the task by what was recorded.
  func run<Armed: ArmedCapture & ~Copyable>(
    arm: (ResolvedTask) throws -> Armed,
    conclude: (Armed.Recording, inout ProfilingTask, inout Timings) throws -> Conclusion
  ) throws {
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
    let childID = child?.process
    let targets = spec.target.listedProcesses
    let observation = TargetObservation(targets, includesChildren: spec.options.includesChildren)

    var task = makeTask()
    let capture = try arm(tuning.resolve(task.spec, child: childID))
    task.startedAt = Clock.wall(at: capture.armedAt)
    (task.event, task.unwind, task.jitterSeed) = (capture.event, capture.unwind, capture.jitterSeed)
    timings.mark("armed", at: capture.armedAt)
    let store = result.noStore ? nil : try StoreAccess.writable(result.store)
    if let store {
      task.id = try store.begin(task)
      verbosity.detail("task \(task.id) in database '\(StoreAccess.path(result.store))'")
    }
    verbosity.detail("event \(capture.event), user stacks by \(capture.unwind), probes loaded and attached")

    do {
      let watching = watchedProcesses(child: childID)
      let duration = spec.durationNanoseconds.map { TimeLength(nanoseconds: $0) }
      var run = CaptureRun(capture, signals: signals, duration: duration, watching: watching, verbosity: verbosity)
      try start(child)
      let end = try run.run(command: child)
      if case .signal(SIGTERM) = end { child?.send(signal: SIGTERM) }
      if let first = run.firstRecordAt { timings.mark("first_sample", at: first) }
      timings.tables = run.tableCost
      task.endedAt = Clock.wall
      let recording = try run.finish()
      if !targets.isEmpty {
        task.warnings = EmptyResult.advice(
          task.kind, observation.facts(frequencyHertz: spec.kind.onCPU?.frequencyHertz))
      }
      let interruption = Interruption()
      let conclusion = try conclude(recording, &task, &timings)
      let isCut = interruption.hasCome
      let stored = Result { if let store { try conclusion.store(store) } }
      if store != nil, (try? stored.get()) != nil, !isCut { try interruption.leaveInstead(ofDrawing: task.id) }
      try conclusion.write(&sink)
      SignalDescriptor.stayOnSignal()
      timings.mark("reported")
      if verbosity == .verbose || Environment.variables["SWPROF_TIMINGS"] != nil { Terminal.complain(timings.line) }
      run.detach()
      // The result has been printed: it is not lost with the database.
      try stored.get()
      try leave(child, end)
    } catch let error where !(error is CommandStatus || error is Terminal.QuietEnd) {
      // A task that has been stored stays as it is. Where the database is the trouble, this fails as well, and the
      // next start marks the task as interrupted.
      if let store, let known = try? store.task(task.id), known.status == .running {
        try? store.fail(task.id, error: Failure(error).sentence, endedAt: Clock.wall)
      }
      throw error
    }
  }

  private var verbosity: Verbosity { result.manners.verbosity }

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
      kernel: Host.kernelRelease, startedAt: Clock.wall, note: result.note)
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

  private func name(_ raw: RawProfile, task: inout ProfilingTask, timings: inout Timings) throws -> Profile {
    timings.mark("stopped")
    var progress = ProgressLine(verbosity)
    progress.show("naming…; Ctrl-C leaves the rest without names")
    verbosity.detail("naming \(raw.locations.count) places of \(raw.sources.count) files and other sources")
    let interruption = Interruption()
    let assembled = ProfileAssembly.assemble(raw, NamingBudget(isInterrupted: { interruption.hasCome }))
    progress.clear()
    try Self.close(&task, assembled.account, assembled.warnings)
    timings.mark("symbolicated")
    return assembled.profile
  }

  /// Ends a task with its account, which must be balanced. What the task warned of before is why there may be nothing: it
  /// stays where there is nothing.
  static func close(_ task: inout ProfilingTask, _ account: SampleAccount, _ warnings: [String]) throws {
    task.account = account
    task.warnings = warnings + (account.ticks == 0 ? task.warnings : [])
    guard account.isBalanced else {
      throw Failure(
        "a bug of swprof: \(account.ticks) \(task.kind.unit) seen, but \(account.taken) taken and"
          + " \(account.lost) lost; please report it", .internalError)
    }
    task.status = .done
  }

  /// Ends a task of connections, which lasted as long as calls were counted.
  static func close(_ task: inout ProfilingTask, _ recording: NetworkRecording) throws {
    (task.startedAt, task.endedAt) = (recording.startedAt, recording.endedAt)
    try close(&task, recording.account, recording.warnings)
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
