import CLinux
import Glibc
package import ProfileModel

/// A command that waits to be started until the probes are armed.
package final class ChildProcess {
  package enum End: Equatable, Sendable {
    case exited(Int32)
    case killed(signal: Int32)

    /// The status as a shell tells it.
    package var exitCode: Int32 {
      switch self {
      case .exited(let code): code
      case .killed(let signal): 128 + signal
      }
    }
  }

  package let process: ProcessID
  private var gate: Int32?

  /// Forks a child that has this process's standard streams and does nothing yet.
  package init(
    arguments: [String], in surroundings: CommandSurroundings, signals: SignalDescriptor
  ) throws(Errno) {
    var pointers: [UnsafeMutablePointer<CChar>?] = unsafe arguments.map { unsafe strdup($0) } + [nil]
    var environment: [UnsafeMutablePointer<CChar>?] = unsafe surroundings.environment.map { unsafe strdup($0) } + [nil]
    defer {
      unsafe pointers.forEach { unsafe free($0) }
      unsafe environment.forEach { unsafe free($0) }
    }
    var mask = signals.originalMask.signals
    var limit = surroundings.descriptorLimit
    var gate: Int32 = -1
    let child = unsafe swprof_spawn_gated(&pointers, &environment, &limit, &mask, &gate)
    guard child > 0 else { throw Errno.last }
    self.process = ProcessID(rawValue: child)
    self.gate = gate
  }

  deinit {
    // A child whose gate is closed unopened exits by itself.
    if let gate { close(gate) }
  }

  /// Lets the command run. Throws the error of exec.
  package func start() throws(Errno) {
    guard let gate else { return }
    self.gate = nil
    let failure = swprof_release(gate)
    if failure != 0 { throw Errno(code: failure) }
  }

  /// How the command ended; nil while it runs, unless told to wait.
  package func end(waiting: Bool) throws(Errno) -> End? {
    var status: Int32 = 0
    let process = process.rawValue
    let result = try retryingOnInterrupt { unsafe waitpid(process, &status, waiting ? 0 : WNOHANG) }
    guard result != 0 else { return nil }
    let signal = status & 0x7F
    return signal == 0 ? .exited(status >> 8 & 0xFF) : .killed(signal: signal)
  }

  package func send(signal: Int32) {
    kill(process.rawValue, signal)
  }
}

/// The file that a command runs.
package enum ExecutableFile {
  /// Opens the file that a command's name stands for (execvp(3)); nil where there is none.
  package static func open(_ name: String) -> OpenFile? {
    if name.contains("/") { return file(name) }
    for directory in searchPath.split(separator: ":", omittingEmptySubsequences: false) {
      let path = directory.isEmpty ? name : "\(directory)/\(name)"
      if unsafe access(path, X_OK) == 0, let found = file(path) { return found }
    }
    return nil
  }

  /// The path of an open file.
  package static func path(of file: OpenFile) -> String? { SymbolicLink.destination(of: file.ownPath) }

  /// Where the commands that this process starts have their libraries looked for first (ld.so(8)).
  package static var libraryPath: String? {
    unsafe getenv("LD_LIBRARY_PATH").map { unsafe String(cString: $0) }
  }

  private static var searchPath: String {
    guard let path = unsafe getenv("PATH") else { return "/bin:/usr/bin" }
    return unsafe String(cString: path)
  }

  private static func file(_ path: String) -> OpenFile? { try? OpenFile.examined(path) }
}

/// A descriptor that becomes readable when a process has exited (pidfd_open(2)).
package enum ProcessDescriptor {
  package static func open(_ process: ProcessID) throws(Errno) -> OpenFile {
    OpenFile(adopting: try retryingOnInterrupt { swprof_pidfd_open(process.rawValue) })
  }

  /// Whether a process has ended, all its threads with it, be it reaped or not.
  package static func hasEnded(_ process: ProcessID) -> Bool {
    guard let descriptor = try? open(process) else { return true }
    return !Poll.readable([descriptor.descriptor], timeoutMilliseconds: 0).isEmpty
  }
}
