import Capture
import Glibc
import LinuxSystem
import ProfileModel
import Rendering
import Storage
import Symbolication

/// What a capture command does from its arguments to its output: arm, record, name, store, print.
struct CaptureSession {
  private let options: CaptureOptions
  /// What is to be recorded, with what the capture itself tells left open.
  private let kind: TaskKind
  private let frequencyHertz: Int?
  private let offCPU: OffCPUParameters?

  init(_ options: CaptureOptions, _ kind: TaskKind, frequencyHertz: Int? = nil, offCPU: OffCPUParameters? = nil) {
    self.options = options
    self.kind = kind
    self.frequencyHertz = frequencyHertz
    self.offCPU = offCPU
  }

  /// How long a capture of running processes takes unless told otherwise.
  private static let defaultDuration = Duration(nanoseconds: 30_000_000_000)

  /// - Parameter arm: starts the capture.
  func run<Armed: ArmedCapture & ~Copyable>(arm: (CaptureRequest) throws -> Armed) throws {
    var timings = Timings(origin: ProcessTable.startTime())
    verbosity.noteCaller()
    Host.raiseDescriptorLimit()
    var sink = try OutputSink(options.output.output)
    let signals = try SignalDescriptor()
    var child: ChildProcess?
    if !options.target.command.isEmpty {
      child = try ChildProcess(arguments: options.target.command, signals: signals)
    }
    let childID = child?.process
    let duration = options.duration ?? (childID == nil ? Self.defaultDuration : nil)

    var task = makeTask(duration: duration)
    let capture = try arm(request(child: childID))
    task.startedAt = Clock.wall
    task.parameters.event = capture.event
    task.parameters.unwind = capture.unwind
    timings.mark("armed", at: capture.armedAt)
    let store = options.noStore ? nil : try StoreAccess.writable(options.store)
    if let store {
      task.id = try store.begin(task)
      verbosity.detail("task \(task.id) in database '\(StoreAccess.path(options.store))'")
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
      let profile = try name(run.finish(), task: &task, timings: &timings)
      let stored = Result { try store?.finish(task, profile: profile) }
      for sentence in Self.namelessModules(of: profile) { verbosity.detail(sentence) }
      try ProfileOutput(options: options.output, verbosity: verbosity).write(
        ReportSubject(task, profile), to: &sink)
      timings.mark("reported")
      if verbosity == .verbose || Environment.variables["SWPROF_TIMINGS"] != nil { Terminal.complain(timings.line) }
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

  private var verbosity: Verbosity { options.manners.verbosity }

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
    CaptureRequest(
      target: options.target.target(command: child), side: side, includesChildren: options.target.includeChildren,
      unwind: options.unwind,
      missingFeatures: Set(options.withoutFeature), ringBufferBytes: options.ringBufferSize.bytes)
  }

  private var side: CaptureParameters.Side {
    switch options.side {
    case nil: .both
    case .user: .user
    case .kernel: .kernel
    }
  }

  private func makeTask(duration: Duration?) -> ProfilingTask {
    ProfilingTask(
      kind: kind, target: options.target.description(isRedacted: options.redactArgs),
      parameters: CaptureParameters(
        durationNanoseconds: duration?.nanoseconds, frequencyHertz: frequencyHertz, side: side,
        includeChildren: options.target.includeChildren, offCPU: offCPU),
      host: Host.name, kernel: Host.kernelRelease, startedAt: Clock.wall, note: options.note)
  }

  /// The processes whose end ends the capture.
  private func watchedProcesses(child: ProcessID?) -> [ProcessID] {
    if let child { return [child] }
    return options.target.pid?.processes ?? []
  }

  private func start(_ child: ChildProcess?) throws {
    do { try child?.start() } catch {
      let status: ExitStatus = error == .accessDenied ? .notPermitted : .noInput
      throw Failure("cannot run '\(options.target.command[0])': \(error)", status)
    }
  }

  private func name(_ raw: RawProfile, task: inout ProfilingTask, timings: inout Timings) throws -> Profile {
    task.endedAt = Clock.wall
    timings.mark("stopped")
    let assembled = ProfileAssembly.assemble(raw)
    task.account = assembled.account
    task.warnings = assembled.warnings
    guard task.account.isBalanced else {
      throw Failure(
        "a bug of swprof: \(task.account.ticks) \(kind.unit) seen, but \(task.account.taken) taken and"
          + " \(task.account.lost) lost; please report it", .internalError)
    }
    task.status = .done
    timings.mark("symbolicated")
    return assembled.profile
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
