import CommandRunning
import Foundation
import Testing

/// What `tasks list --json` and `tasks show --json` say of a task.
struct StoredTask: Decodable {
  let id: Int
  let target: String
  let status: String
  let ticks: Int
  let taken: Int
  let lost: Int
  let losses: [String: Int]
  let defects: [String: Int]
  let lostNanoseconds: Int
  let leftOut: [String: LeftOut]
  let durationNanoseconds: Int?
  let jitterSeed: UInt32?

  enum CodingKeys: String, CodingKey {
    case id, target, status, ticks, losses, defects
    case lostNanoseconds = "lost_ns"
    case leftOut = "left_out"
    case taken = "samples_taken"
    case lost = "samples_lost"
    case durationNanoseconds = "duration_ns"
    case jitterSeed = "jitter_seed"
  }

  struct LeftOut: Decodable {
    let count: Int
    let nanoseconds: Int

    enum CodingKeys: String, CodingKey {
      case count
      case nanoseconds = "ns"
    }
  }
}

extension Workbench {
  /// The command line of a capture that keeps its task in the bench's database.
  func oncpu(_ arguments: [String]) -> [String] { [swprof, "oncpu", "--db", database] + arguments }

  /// The same for waits.
  func offcpu(_ arguments: [String]) -> [String] { [swprof, "offcpu", "--db", database] + arguments }

  /// Runs a capture to its end and returns its stacks.
  func capture(_ arguments: [String], deadlineSeconds: Double = 60) throws -> FoldedStacks {
    // Not on standard output, where a profiled command may write too.
    let file = path("capture.folded")
    let result = try run(oncpu(["--folded", "-o", file] + arguments), deadlineSeconds: deadlineSeconds)
    try #require(result.status == 0, "\(result.errors)")
    return try FoldedStacks(String(contentsOfFile: file, encoding: .utf8))
  }

  /// Starts a capture and waits until it is armed.
  func startCapture(_ arguments: [String]) throws -> RunningCommand { try startCapture(command: oncpu(arguments)) }

  /// Starts a capture of any kind and waits until it is armed.
  func startCapture(command: [String]) throws -> RunningCommand {
    let known = Set(try tasks().map(\.id))
    let capture = try start(command)
    try waitUntil("a running task of \(command.joined(separator: " "))") {
      try tasks().contains { !known.contains($0.id) && $0.status == "running" }
    }
    return capture
  }

  /// The stored tasks, newest first; none where there is no database yet.
  func tasks() throws -> [StoredTask] {
    guard FileManager.default.fileExists(atPath: database) else { return [] }
    let result = try run([swprof, "tasks", "list", "--json", "--db", database])
    // A database that is being made at this moment cannot be read yet.
    guard result.status == 0 else { return [] }
    return try JSONDecoder().decode(TaskList.self, from: Data(result.output.utf8)).tasks
  }

  private struct TaskList: Decodable {
    let tasks: [StoredTask]
  }

  func latestTask() throws -> StoredTask { try #require(try tasks().max { $0.id < $1.id }) }

  func task(_ id: Int) throws -> StoredTask {
    let result = try run([swprof, "tasks", "show", "\(id)", "--json", "--db", database])
    try #require(result.status == 0, "\(result.errors)")
    return try JSONDecoder().decode(StoredTask.self, from: Data(result.output.utf8))
  }
}
