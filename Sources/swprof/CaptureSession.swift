import Capture
import Glibc
import LinuxSystem
import ProfileModel
import Rendering
import Storage
import Symbolication

/// What a capture command does from its arguments to its output: arm, record, name, store, print.
struct CaptureSession {
  private let plan: CapturePlan
  /// What is to be recorded, with what the capture itself tells left open.
  private let kind: TaskSpec.Kind

  init(_ plan: CapturePlan, _ kind: TaskSpec.Kind) {
    self.plan = plan
    self.kind = kind
  }

  /// A finished task, stored and printed.
  struct Conclusion {
    let store: (TaskStore) throws -> Void
    let write: (inout OutputSink) throws -> Void
  }

  /// How long a capture of running processes takes unless told otherwise.
  private static let defaultDuration = Duration(nanoseconds: 30_000_000_000)

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
          try ProfileOutput(options: plan.output, verbosity: verbosity).write(ReportSubject(task, profile), to: &sink)
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
    var sink = try OutputSink(plan.output.output)
    var child: ChildProcess?
    if !plan.target.command.isEmpty {
      child = try ChildProcess(arguments: plan.target.command, in: surroundings, signals: signals)
    }
    let childID = child?.process
    let duration = plan.duration ?? (childID == nil ? Self.defaultDuration : nil)
    let targets = childID == nil ? plan.target.listedProcesses : []
    let observation = TargetObservation(targets, includesChildren: plan.target.includeChildren)

    var task = makeTask(duration: duration)
    let capture = try arm(request(task.spec, child: childID))
    task.startedAt = Clock.wall(at: capture.armedAt)
    (task.event, task.unwind, task.jitterSeed) = (capture.event, capture.unwind, capture.jitterSeed)
    timings.mark("armed", at: capture.armedAt)
    let store = plan.noStore ? nil : try StoreAccess.writable(plan.store)
    if let store {
      task.id = try store.begin(task)
      verbosity.detail("task \(task.id) in database '\(StoreAccess.path(plan.store))'")
    }
    verbosity.detail("event \(capture.event), user stacks by \(capture.unwind), probes loaded and attached")

    do {
      let watching = watchedProcesses(child: childID)
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
          kind.name, observation.facts(frequencyHertz: kind.onCPU?.frequencyHertz))
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

  private var verbosity: Verbosity { plan.verbosity }

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

  private func request(_ spec: TaskSpec, child: ProcessID?) -> ResolvedTask {
    var request = ResolvedTask(
      spec, child: child, missingFeatures: plan.missingFeatures, ringBufferBytes: plan.ringBufferBytes)
    request.capacities = Dictionary(plan.capacities.map { ($0.table, $0.count) }) { $1 }
    return request
  }

  private func makeTask(duration: Duration?) -> ProfilingTask {
    var spec = TaskSpec(target: plan.target.target, kind: kind, durationNanoseconds: duration?.nanoseconds)
    spec.options.side = plan.side
    spec.options.unwind = plan.unwind
    spec.options.includesChildren = plan.target.includeChildren
    return ProfilingTask(
      target: plan.target.description(isRedacted: plan.redactArgs), spec: spec, host: Host.name,
      kernel: Host.kernelRelease, startedAt: Clock.wall, note: plan.note)
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
