import Capture
import Glibc
import LinuxSystem
import ProfileModel
import Recording
import Symbolication
import Version

/// On-CPU profiles of whole runs of commands, one after the other, for a comparison.
struct CommandRecording {
  let frequencyHertz: Int
  private let jitter: JitterOptions
  /// The signal mask that commands get, once the first run has found it.
  private var mask: SignalMask?

  private let surroundings: CommandSurroundings
  private let verbosity: Verbosity

  /// Raises this process's limit of open descriptors; commands get the one that it had.
  init(frequencyHertz: Int, jitter: JitterOptions, verbosity: Verbosity) {
    self.frequencyHertz = frequencyHertz
    self.jitter = jitter
    self.verbosity = verbosity
    surroundings = .current
    Host.raiseDescriptorLimit()
  }

  /// Runs a command from its start to its end. Its standard output goes to standard error: ours is for the result.
  ///
  /// - Throws: where it does not end with status 0, since what it did is then not what was to be measured.
  mutating func record(_ command: [String]) throws -> (ProfilingTask, Profile) {
    let name = command.joined(separator: " ")
    let signals = try SignalDescriptor(originalMask: mask)
    mask = signals.originalMask
    let child = try Self.withOutputOnStandardError {
      try ChildProcess(arguments: command, in: surroundings, signals: signals)
    }
    let spec = TaskSpec(target: .command(command), kind: .onCPU(jitter.options(frequencyHertz: frequencyHertz)))
    let request = ResolvedTask(spec, child: child.process, ringBufferBytes: 1 << 21)
    let capture = try CaptureKinds.standard.prepare(CaptureKinds.Order(request))
    let start = try capture.arm()
    var task = ProfilingTask(
      target: "command \(name)", spec: spec, event: start.event, unwind: start.unwind, host: Host.name,
      kernel: Host.kernelRelease, version: SwprofVersion.text, startedAt: Clock.wall(at: start.armedAt))
    task.jitterSeed = start.jitterSeed
    var run = CaptureRun(
      capture, armedAt: start.armedAt, signals: signals, durationNanoseconds: nil, watching: [child.process])
    do { try child.start() } catch {
      throw Failure("cannot run '\(name)': \(error)", error == .accessDenied ? .notPermitted : .noInput)
    }
    switch try runShowingProgress(&run, child) {
    case .commandEnded(.exited(0)): break
    case .commandEnded(let end):
      throw Failure("'\(name)' ended with status \(end.exitCode): nothing was compared", .unavailable)
    case .signal(let signal):
      child.send(signal: SIGTERM)
      throw CommandStatus(code: 128 + signal)
    case .duration, .targetsGone:
      break
    }
    task.endedAt = Clock.wall
    let result = try TaskCompletion.complete(
      &task, try capture.finish(), budget: NamingBudget(isInterrupted: { SignalDescriptor.count > 0 }))
    // Runs without names cannot be compared.
    if let signal = SignalDescriptor.last { throw CommandStatus(code: 128 + signal) }
    guard case .stacks(let profile) = result else { preconditionFailure("an on-CPU capture records stacks") }
    return (task, profile)
  }

  private func runShowingProgress(_ run: inout CaptureRun, _ child: ChildProcess) throws -> CaptureEnd {
    var progress = ProgressLine(verbosity)
    defer { progress.clear() }
    return try run.run(command: child) { progress.show($0) }
  }

  private static func withOutputOnStandardError<Value>(_ body: () throws -> Value) throws -> Value {
    let output = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3)
    guard output >= 0 else { throw Errno.last }
    dup2(STDERR_FILENO, STDOUT_FILENO)
    defer {
      dup2(output, STDOUT_FILENO)
      close(output)
    }
    return try body()
  }
}
