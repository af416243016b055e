import CommandRunning
import Foundation
import ProfileModel
import Testing

/// What the commands for stored tasks do with a network task.
@Suite struct NetworkReportTests {
  private let desk: CommandDesk
  private let id: TaskID

  init() throws {
    desk = try CommandDesk()
    try desk.store(targets: ["pid 1 (stacks)"])
    id = try desk.storeNetwork()
  }

  private func report(_ arguments: String...) throws -> CommandResult {
    try desk.run(["report"] + arguments + ["--db", desk.database])
  }

  @Test func `the latest task may be a network task, and is summed up`() throws {
    let result = try report()
    #expect(result.status == 0, "\(result.errors)")
    #expect(result.output.hasPrefix("task \(id), network: comm nginx\n"))
    #expect(result.output.contains("nginx (7) [target]\n  └─ 10.0.0.7:80\n"))
  }

  @Test(arguments: [
    ("--json", "{\n  \"schema\": \"swprof.network\""), ("--svg", "<svg "), ("--html", "<!DOCTYPE html>"),
    ("--dot", "digraph swprof {"),
  ])
  func `each format begins as it should, and the account goes beside it`(flag: String, start: String) throws {
    let result = try report("\(id)", flag)
    #expect(result.status == 0)
    #expect(result.output.hasPrefix(start))
    #expect(result.errors.contains("missed: 5 calls with more data than is looked at"))
  }

  @Test func `a file's name chooses the format`() throws {
    let file = desk.path("x.dot")
    #expect(try report("\(id)", "-o", file).status == 0)
    #expect(try String(contentsOfFile: file, encoding: .utf8).hasPrefix("digraph"))
  }

  @Test(arguments: ["--folded", "--speedscope", "--pprof", "--perf-script", "--top", "--lines", "--per-thread"])
  func `a network task has nothing to show as stacks`(flag: String) throws {
    let result = try report("\(id)", flag)
    #expect(result.status == 64)
    #expect(result.output.isEmpty && result.errorLines.count == 1)
    #expect(result.errors.contains("stacks"))
  }

  @Test func `stacks can't be chosen from a network task`() throws {
    #expect(try report("\(id)", "--focus", "x").status == 64)
    #expect(try report("\(id)", "--title", "x", "--svg").output.contains("<title>x</title>"))
  }

  @Test func `stacks are no topology`() throws {
    for arguments in [["1", "--dot"], ["--from", desk.stacks, "--dot"], ["1", "-o", desk.path("x.gv")]] {
      let result = try desk.run(["report"] + arguments + ["--db", desk.database])
      #expect(result.status == 64)
      #expect(
        result.errors == "swprof: --dot draws network tasks; stacks are drawn by --svg\n"
          || result.errorLines.count == 1)
    }
    #expect(try desk.run(["oncpu", "--all", "--dot"]).status == 64)
    #expect(try desk.run(["offcpu", "--all", "-o", "x.dot"]).status == 64)
  }

  @Test func `a network task is not put together with others, nor compared`() throws {
    for arguments in [
      ["report", "1", "\(id)"], ["report", "\(id)", "1"], ["diff", "1", "\(id)"],
      ["check", "--baseline", "1", "--candidate", "\(id)"],
    ] {
      let result = try desk.run(arguments + ["--db", desk.database])
      #expect(result.status == 64, "\(arguments)")
      #expect(result.errors.hasPrefix("swprof: task \(id) is a network task, which "))
      #expect(result.errorLines.count == 1)
    }
  }

  @Test func `lists, details and a window's page have it`() throws {
    func run(_ arguments: String...) throws -> String { try desk.run(arguments + ["--db", desk.database]).output }
    #expect(try run("tasks").contains("network  comm nginx"))
    #expect(try run("tasks", "show", "\(id)").contains("kept         slow (250ms or more), 4xx, 5xx\n"))
    #expect(try run("tasks", "show", "\(id)", "--json").contains("\"slower_than_ns\": 250000000"))
    let page = try run("report", "--window", "1h", "--html")
    #expect(page.contains("<section id=\"task-\(id)\">") && page.contains("class=\"talks\""))
  }
}
