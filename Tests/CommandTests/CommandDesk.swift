import CommandRunning
import Foundation
import ProfileModel
import Storage
import Testing

/// A temporary directory with a database and a file of stacks, and the program to run on them. Needs no eBPF.
final class CommandDesk {
  let directory: URL
  let swprof: String
  private var commands = 0

  /// A caller of sudo that no system has.
  static let callerUID: UInt32 = 12345
  static let callerGID: UInt32 = 12346

  init() throws {
    swprof = try Executable.find()
    directory = FileManager.default.temporaryDirectory.appending(path: "swprof-desk-\(UUID().uuidString)")
    try FileManager.default.createDirectory(
      at: directory, withIntermediateDirectories: false, attributes: [.posixPermissions: 0o755])
    try "app;main;parse 70\napp;main;print 30\n".write(toFile: stacks, atomically: false, encoding: .utf8)
  }

  deinit { try? FileManager.default.removeItem(at: directory) }

  var database: String { path("tasks.db") }
  var stacks: String { path("app.folded") }

  func path(_ name: String) -> String { directory.appending(path: name).path }

  /// Runs the program. What the environment of the tests says of terminals and users is unset.
  func run(_ arguments: [String], environment: [String] = []) throws -> CommandResult {
    try runAny([swprof] + arguments, environment: environment)
  }

  /// Runs a command line with `$SWPROF` for the program's path.
  func shell(_ line: String, environment: [String] = []) throws -> CommandResult {
    try runAny(["bash", "-c", line], environment: ["SWPROF=\(swprof)"] + environment)
  }

  private func runAny(_ arguments: [String], environment: [String]) throws -> CommandResult {
    commands += 1
    let unset = ["NO_COLOR", "CI", "SUDO_UID", "SUDO_GID", "SWPROF_DB", "STATE_DIRECTORY", "XDG_STATE_HOME"]
    let clean = ["env"] + unset.flatMap { ["-u", $0] } + ["TERM=xterm", "HOME=\(directory.path)"] + environment
    return try RunningCommand(clean + arguments, directory: directory, number: commands).wait()
  }

  /// Runs the program with both streams on a terminal of its own, and returns what the terminal got.
  func onTerminal(_ arguments: String, environment: [String] = []) throws -> String {
    try shell("script -qec \"$SWPROF \(arguments)\" /dev/null", environment: environment).output
  }

  /// Stores tasks with a profile of one stack, and returns their ids.
  @discardableResult
  func store(targets: [String]) throws -> [TaskID] {
    let store = try TaskStore.open(path: database)
    return try targets.map { target in
      var task = ProfilingTask(
        target: target, spec: TaskSpec(kind: .onCPU(OnCPUOptions())), host: "host", kernel: "6.18",
        startedAt: WallTime(nanoseconds: 1_000_000_000))
      task.id = try store.begin(task)
      task.endedAt = WallTime(nanoseconds: 2_000_000_000)
      try store.finish(task, profile: Profile())
      return task.id
    }
  }

  /// Stores a network task of two nodes and an edge that ran a moment ago.
  func storeNetwork() throws -> TaskID {
    let store = try TaskStore.open(path: database)
    let now = WallTime(nanoseconds: Int64(Date().timeIntervalSince1970 * 1e9))
    var task = ProfilingTask(
      target: "comm nginx", spec: TaskSpec(target: .name("nginx"), kind: .network(NetworkOptions())), host: "host",
      kernel: "6.18", startedAt: now)
    task.id = try store.begin(task)
    task.endedAt = now
    var totals = NetworkTotals()
    totals.connections = 3
    let profile = NetworkProfile(
      source: NetworkSource(kind: .sockets, received: .sockets, sent: .sockets, hasCallTimes: false),
      nodes: [
        .process(ProcessID(rawValue: 7), name: "nginx", isTarget: true, cgroup: nil),
        .remote(address: "10.0.0.7", port: 80, name: nil),
      ], edges: [NetworkEdge(client: 0, server: 1, transport: .tcp, speaks: .http1, clientView: totals)],
      connectionCount: 3, losses: [.payloadSkipped: 5])
    try store.finish(task, network: profile)
    return task.id
  }

  /// Owner, group and permission bits of a file itself, links not followed.
  func status(_ path: String) throws -> (owner: UInt32, group: UInt32, mode: UInt32) {
    var status = stat()
    try #require(lstat(path, &status) == 0, "\(path)")
    return (status.st_uid, status.st_gid, status.st_mode & 0o7777)
  }
}
