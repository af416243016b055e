import CommandRunning
import Foundation
import Testing

@Suite struct TaskListTests {
  private let desk: CommandDesk

  init() throws {
    desk = try CommandDesk()
    try desk.store(targets: ["all processes", "pid 1\n(x)"])
  }

  @Test func `tasks are one document, or one document a line`() throws {
    let whole = try desk.run(["tasks", "--json", "--db", desk.database])
    let lines = try desk.run(["tasks", "--json-lines", "--db", desk.database])

    let document = try #require(
      try JSONSerialization.jsonObject(with: Data(whole.output.utf8)) as? [String: Any])
    #expect(document["schema"] as? String == "swprof.tasks")
    let tasks = try #require(document["tasks"] as? [[String: Any]])
    let read = try lines.output.split(separator: "\n").map {
      try JSONSerialization.jsonObject(with: Data($0.utf8)) as? [String: Any]
    }
    #expect(tasks.map { $0["target"] as? String } == ["pid 1\n(x)", "all processes"])
    #expect(read.map { $0?["target"] as? String } == ["pid 1\n(x)", "all processes"])
    #expect(read.allSatisfy { $0?["schema"] as? String == "swprof.task" })
  }

  @Test func `a database is its owner's alone`() throws {
    #expect(try desk.status(desk.database).mode == 0o600)
  }
}
