import Capture
import Glibc
import LinuxSystem
package import ProfileModel
import Symbolication
import Version

/// What a recording tells while it runs.
package enum RecordingNews: Sendable {
  /// What is being done.
  case detail(String)
  /// How far a step is; nil when the step is over.
  case progress(String?)
  /// The task is stored as begun.
  case began(TaskID)
}

/// One task in the foreground, from its preparation to its end: arm, record, name, store.
package struct RecordingSession {
  package struct Request {
    package var spec: TaskSpec
    package var tuning = RecordingTuning()
    package var note: String?
    /// Whether only the program of a command line is stored.
    package var isRedacted = false

    package init(_ spec: TaskSpec) { self.spec = spec }
  }

  private let request: Request
  private let report: (RecordingNews) -> Void
  private let surroundings: CommandSurroundings
  private let signals: SignalDescriptor
  private var timings = Timings(origin: ProcessTable.startTime())

  /// Takes over the signals of this process and raises its limit of open descriptors. A command gets what it had before.
  package init(_ request: Request, report: @escaping (RecordingNews) -> Void) throws {
    self.request = request
    self.report = report
    surroundings = .current
    Host.raiseDescriptorLimit()
    signals = try SignalDescriptor()
  }

  /// Records and stores the task. From then on a signal ends the process, so that no drawing holds it up.
  ///
  /// - Parameter openSink: called when the capture is armed; nil for a task that is not stored.
  package mutating func record(openSink: () throws -> (any TaskSink)?) throws -> RecordedTask {
    var child: ChildProcess?
    if case .command(let arguments) = spec.target {
      child = try ChildProcess(arguments: arguments, in: surroundings, signals: signals)
    }
    let observation = TargetObservation(spec)
    var task = makeTask()
    let capture = try CaptureKinds.standard.prepare(request.tuning.order(spec, child: child?.process))
    let armedAt = try arm(capture, &task)
    let sink = try openSink()
    if let sink {
      task.id = try sink.begin(task)
      report(.began(task.id))
    }
    report(.detail("event \(task.event), user stacks by \(task.unwind), probes loaded and attached"))
    let end: CaptureEnd
    let result: TaskResult
    let interruption: Interruption
    do {
      end = try follow(capture, armedAt: armedAt, &task, child)
      let outcome = try capture.finish()
      task.warnings = observation.advice
      interruption = Interruption()
      result = try complete(&task, outcome)
    } catch {
      fail(task, sink, error)
      throw error
    }
    let isCut = interruption.hasCome
    let stored: Result<Void, any Error> = Result { if let sink { try sink.finish(task, result) } }
    switch stored {
    case .success: if sink != nil, !isCut { try interruption.leaveInstead(ofDrawing: task.id) }
    case .failure(let error): fail(task, sink, error)
    }
    return RecordedTask(
      task: task, result: result, end: end, command: child?.process, capture: capture, timings: timings, stored: stored)
  }

  /// Stores why the task has no result. If the database is the trouble, that fails as well, and the next start marks the
  /// task as interrupted.
  private func fail(_ task: ProfilingTask, _ sink: (any TaskSink)?, _ error: any Error) {
    try? sink?.fail(task.id, error: FailureSentence.of(error), endedAt: Clock.wall)
  }

  private var spec: TaskSpec { request.spec }

  private func makeTask() -> ProfilingTask {
    ProfilingTask(
      target: spec.targetWords(isRedacted: request.isRedacted), spec: spec, host: Host.name,
      kernel: Host.kernelRelease, version: SwprofVersion.text, startedAt: Clock.wall, note: request.note)
  }

  /// Starts the capture, and notes in the task what it tells of itself.
  private mutating func arm(
    _ capture: any CaptureLifecycle, _ task: inout ProfilingTask
  ) throws -> MonotonicTime {
    let start = try capture.arm()
    task.startedAt = Clock.wall(at: start.armedAt)
    (task.event, task.unwind, task.jitterSeed) = (start.event, start.unwind, start.jitterSeed)
    timings.mark("armed", at: start.armedAt)
    return start.armedAt
  }

  /// Starts the command, and records until the end.
  private mutating func follow(
    _ capture: any CaptureLifecycle, armedAt: MonotonicTime, _ task: inout ProfilingTask, _ child: ChildProcess?
  ) throws -> CaptureEnd {
    var run = CaptureRun(
      capture, armedAt: armedAt, signals: signals, durationNanoseconds: spec.durationNanoseconds,
      watching: watchedProcesses(child: child?.process))
    if case .command(let arguments) = spec.target, let command = arguments.first {
      do { try child?.start() } catch { throw CommandError.cannotRun(command, error) }
    }
    defer { report(.progress(nil)) }
    let end = try run.run(command: child) { report(.progress($0)) }
    if case .signal(SIGTERM) = end { child?.send(signal: SIGTERM) }
    if let first = capture.firstRecordAt { timings.mark("first_sample", at: first) }
    timings.tables = capture.tableCost
    task.endedAt = Clock.wall
    return end
  }

  /// The processes whose end ends the capture.
  private func watchedProcesses(child: ProcessID?) -> [ProcessID] {
    if let child { return [child] }
    if case .processes(let processes) = spec.target { return processes }
    return []
  }

  /// Names what was recorded.
  private mutating func complete(_ task: inout ProfilingTask, _ outcome: CaptureOutcome) throws -> TaskResult {
    timings.mark("stopped")
    guard case .profile(let raw) = outcome else { return try TaskCompletion.complete(&task, outcome) }
    report(.progress("naming…; Ctrl-C leaves the rest without names"))
    report(.detail("naming \(raw.locations.count) places of \(raw.sources.count) files and other sources"))
    let interruption = Interruption()
    let result = Result {
      try TaskCompletion.complete(&task, outcome, budget: NamingBudget(isInterrupted: { interruption.hasCome }))
    }
    report(.progress(nil))
    timings.mark("symbolicated")
    if case .stacks(let profile) = try? result.get() { reportNamelessModules(of: profile) }
    return try result.get()
  }

  /// Tells which modules have places without a name, those with most of them first.
  private func reportNamelessModules(of profile: Profile) {
    var places: [Int: Int] = [:]
    for frame in profile.frames where frame.origin == .unresolved {
      if let module = frame.module { places[module, default: 0] += 1 }
    }
    for (module, count) in places.sorted(by: { ($1.value, $0.key) < ($0.value, $1.key) }).prefix(10) {
      report(
        .detail("\(count) places without a name in \(profile.modules[module].path); see 'swprof doctor --pid'"))
    }
  }
}

/// A task that was recorded, before its user has seen it.
package struct RecordedTask {
  package let task: ProfilingTask
  package let result: TaskResult
  package let end: CaptureEnd
  /// The process of the command; nil for a task of other processes.
  package let command: ProcessID?
  fileprivate let capture: any CaptureLifecycle
  fileprivate let timings: Timings
  fileprivate let stored: Result<Void, any Error>

  /// Ends the recording after its result was shown, which is then not lost with the database.
  ///
  /// - Parameter reportTimings: gets where the time went, as a line.
  /// - Throws: why the task could not be stored.
  package func close(reportTimings: (String) -> Void) throws {
    SignalDescriptor.stayOnSignal()
    var timings = timings
    timings.mark("reported")
    reportTimings(timings.line)
    capture.detach()
    try stored.get()
  }
}
