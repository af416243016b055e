import CommandRunning
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
    swprof = try Executable.find()
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
    // Without the last two, the frame of a function that calls nothing is dropped, or made late.
    let framePointers = ["-fno-omit-frame-pointer", "-mno-omit-leaf-frame-pointer", "-fno-shrink-wrap"]
    return try compile(
      ["gcc", "-O2", "-pthread", "-fno-optimize-sibling-calls"] + framePointers + options, "\(name).c",
      as: output ?? name)
  }

  /// Compiles a workload as distributions do: optimized, with rbp for any use.
  func compileWithoutFramePointers(_ name: String, _ suffix: String = "c", options: [String] = []) throws -> String {
    let compiler = suffix == "c" ? "gcc" : "g++"
    return try compile(
      [compiler, "-O2", "-pthread", "-fomit-frame-pointer"] + options, "\(name).\(suffix)", as: name)
  }

  /// Compiles a workload in Swift.
  func compileSwift(_ name: String, options: [String] = []) throws -> String {
    try compile(["swiftc", "-O"] + options, "\(name).swift", as: name)
  }

  /// Compiles a workload in Go.
  func compileGo(_ name: String, options: [String] = []) throws -> String {
    try compile(["go", "build"] + options, "\(name).go", as: name)
  }

  /// Compiles a workload in D.
  func compileD(_ name: String) throws -> String { try compile(["gdc", "-O1", "-g"], "\(name).d", as: name) }

  private func compile(_ command: [String], _ source: String, as output: String) throws -> String {
    let program = path(output)
    let key = (command + [source]).joined(separator: " ")
    if let workloads = PrecompiledWorkloads.current, !workloads.isFilling {
      try workloads.take(key, as: program)
      return program
    }
    let result = try launch(command + ["-o", program, workload(source)]).wait()
    try #require(result.status == 0, "\(result.errors)")
    try PrecompiledWorkloads.current?.put(program, key)
    return program
  }

  /// The path of a source among the workloads.
  func workload(_ name: String) -> String {
    URL(filePath: #filePath).deletingLastPathComponent().appending(path: "Workloads/\(name)").path
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
}
