import Foundation
import Testing

/// All end-to-end tests, one after the other: each of them measures shares of the same CPUs.
///
/// They run the built executable, need root, and find their truth in the programs of `Workloads/`.
@Suite(.serialized)
enum EndToEnd {}

/// A temporary directory, a task database in it, and the processes of one test; all of it goes with the bench.
final class Workbench {
  let directory: URL
  let swprof: String
  private var running: [RunningCommand] = []
  private var mountPoints: [String] = []

  init() throws {
    try #require(geteuid() == 0, "run as root; see 'swprof doctor'")
    swprof = try Self.findExecutable()
    directory = FileManager.default.temporaryDirectory.appending(path: "swprof-test-\(UUID().uuidString)")
    // Open to other users, as some tests run a program as one.
    try FileManager.default.createDirectory(
      at: directory, withIntermediateDirectories: false, attributes: [.posixPermissions: 0o755])
  }

  deinit {
    for command in running.reversed() { command.kill() }
    for mountPoint in mountPoints { umount2(mountPoint, Int32(MNT_DETACH)) }
    try? FileManager.default.removeItem(at: directory)
  }

  var database: String { path("tasks.db") }

  func path(_ name: String) -> String { directory.appending(path: name).path }

  /// Compiles a workload with frame pointers everywhere, or takes it ready-made, and returns the path of the program.
  func compile(_ name: String, as output: String? = nil, options: [String] = []) throws -> String {
    let source = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "Workloads/\(name).c").path
    let program = path(output ?? name)
    if let workloads = PrecompiledWorkloads.current, !workloads.isFilling {
      try workloads.take(name, options, as: program)
      return program
    }
    // Without the last two, the frame of a function that calls nothing is dropped, or made late.
    let framePointers = ["-fno-omit-frame-pointer", "-mno-omit-leaf-frame-pointer", "-fno-shrink-wrap"]
    let result = try launch(
      ["gcc", "-O2", "-fno-optimize-sibling-calls", "-pthread"] + framePointers + options + ["-o", program, source]
    ).wait()
    try #require(result.status == 0, "gcc: \(result.errors)")
    try PrecompiledWorkloads.current?.put(program, name, options)
    return program
  }

  /// Starts a command in the background.
  func start(_ arguments: [String]) throws -> RunningCommand {
    if let workloads = PrecompiledWorkloads.current, workloads.isFilling {
      try Test.cancel("its workloads are compiled, and that was all")
    }
    return try launch(arguments)
  }

  private func launch(_ arguments: [String]) throws -> RunningCommand {
    let command = try RunningCommand(arguments, directory: directory, number: running.count)
    running.append(command)
    return command
  }

  /// Starts a workload and waits until it says that it is ready.
  func startWorkload(_ arguments: [String]) throws -> RunningCommand {
    let workload = try start(arguments)
    try workload.waitForLine(startingWith: "ready")
    return workload
  }

  func run(_ arguments: [String], deadlineSeconds: Double = 60) throws -> CommandResult {
    try start(arguments).wait(deadlineSeconds: deadlineSeconds)
  }

  /// Mounts an empty tmpfs of a size on a directory of the bench.
  func mountTemporaryFileSystem(_ name: String, size: String) throws -> String {
    let mountPoint = path(name)
    try FileManager.default.createDirectory(atPath: mountPoint, withIntermediateDirectories: false)
    let result = try run(["mount", "-t", "tmpfs", "-o", "size=\(size)", "none", mountPoint])
    try #require(result.status == 0, "mount: \(result.errors)")
    mountPoints.append(mountPoint)
    return mountPoint
  }

  /// The executable beside the test bundle, or the one that `SWPROF_BINARY` names.
  private static func findExecutable() throws -> String {
    if let path = ProcessInfo.processInfo.environment["SWPROF_BINARY"] { return URL(filePath: path).path }
    let bundle = URL(filePath: "/proc/self/exe").resolvingSymlinksInPath()
    let path = bundle.deletingLastPathComponent().appending(path: "swprof").path
    try #require(FileManager.default.isExecutableFile(atPath: path), "no swprof beside \(bundle.path); swift build")
    return path
  }
}
