import Capture
import Glibc
import LinuxSystem
package import ProfileModel
import Symbolication
import Version

/// On-CPU profiles of whole runs of commands, one after the other, for a comparison.
package struct CommandRecording {
  private let options: OnCPUOptions
  /// The signal mask that commands get, once the first run has found it.
  private var mask: SignalMask?

  private let surroundings: CommandSurroundings
  private let showProgress: (String?) -> Void

  /// Raises this process's limit of open descriptors; commands get the one that it had.
  ///
  /// - Parameter showProgress: called a few times a second with what was recorded so far; with nil when a run is over.
  package init(_ options: OnCPUOptions, showProgress: @escaping (String?) -> Void) {
    self.options = options
    self.showProgress = showProgress
    surroundings = .current
    Host.raiseDescriptorLimit()
  }

  /// Runs a command from its start to its end. Its standard output goes to standard error: ours is for the result.
  ///
  /// - Throws: where it does not end with status 0, since what it did is then not what was to be measured.
  package mutating func record(_ command: [String]) throws -> (ProfilingTask, Profile) {
    let name = command.joined(separator: " ")
    let signals = try SignalDescriptor(originalMask: mask)
    mask = signals.originalMask
    let child = try Self.withOutputOnStandardError {
      try ChildProcess(arguments: command, in: surroundings, signals: signals)
    }
    let spec = TaskSpec(target: .command(command), kind: .onCPU(options))
    let capture = try CaptureKinds.standard.prepare(RecordingTuning().order(spec, child: child.process))
    let start = try capture.arm()
    var task = ProfilingTask(
      target: "command \(name)", spec: spec, event: start.event, unwind: start.unwind, host: Host.name,
      kernel: Host.kernelRelease, version: SwprofVersion.text, startedAt: Clock.wall(at: start.armedAt))
    task.jitterSeed = start.jitterSeed
    var run = CaptureRun(
      capture, armedAt: start.armedAt, signals: signals, durationNanoseconds: nil, watching: [child.process])
    do { try child.start() } catch { throw CommandError.cannotRun(name, error) }
    switch try runShowingProgress(&run, child) {
    case .commandEnded(.exited(0)): break
    case .commandEnded(let end):
      throw CommandError.ended(name, status: end.exitCode)
    case .signal(let signal):
      child.send(signal: SIGTERM)
      throw EndedBySignal(signal: signal, sentence: nil)
    case .duration, .targetsGone:
      break
    }
    task.endedAt = Clock.wall
    let result = try TaskCompletion.complete(
      &task, try capture.finish(), budget: NamingBudget(isInterrupted: { SignalDescriptor.count > 0 }))
    // Runs without names cannot be compared.
    if let signal = SignalDescriptor.last { throw EndedBySignal(signal: signal, sentence: nil) }
    guard case .stacks(let profile) = result else { preconditionFailure("an on-CPU capture records stacks") }
    return (task, profile)
  }

  private func runShowingProgress(_ run: inout CaptureRun, _ child: ChildProcess) throws -> CaptureEnd {
    defer { showProgress(nil) }
    return try run.run(command: child, showProgress: showProgress)
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
