import CommandRunning
import Foundation
import Testing

extension EndToEnd {
  @Suite struct LifecycleTests {
    private let bench: Workbench

    init() throws { bench = try Workbench() }

    @Test(arguments: [SIGINT, SIGTERM])
    func `a signal ends the capture early and keeps it`(signal: Int32) throws {
      let workload = try bench.startWorkload([try bench.compile("burn")])
      let capture = try bench.startCapture(["--pid", "\(workload.pid)", "--duration", "100s", "--folded"])
      // Half a second of the workload's CPU time, so that there is something to keep.
      try waitUntil("CPU time of the workload") { try cpuTicks(of: workload.pid) > 50 }
      capture.send(signal)

      let result = try capture.wait(deadlineSeconds: 20)

      let task = try bench.latestTask()
      #expect(result.status == 0, "\(result.errors)")
      #expect(try FoldedStacks(result.output).total == task.taken)
      #expect(task.taken > 0)
      #expect(task.status == "done")
    }

    @Test func `a capture that was killed is marked interrupted by the next one`() throws {
      let killed = try bench.startCapture(["--all", "--duration", "100s"])
      killed.send(SIGKILL)
      _ = try killed.wait()

      try #require(try bench.run(bench.oncpu(["--all", "--duration", "200ms"])).status == 0)

      let states = try bench.tasks().sorted { $0.id < $1.id }.map(\.status)
      #expect(states == ["interrupted", "done"])
    }

    @Test func `the end of the target ends the capture`() throws {
      let workload = try bench.startWorkload([try bench.compile("burn"), "3"])

      let result = try bench.run(
        bench.oncpu(["--pid", "\(workload.pid)", "--duration", "100s", "--folded"]), deadlineSeconds: 30)

      #expect(result.status == 0, "\(result.errors)")
      #expect(try FoldedStacks(result.output).count(leaf: "burn_here") > 0)
      #expect(try bench.latestTask().status == "done")
    }

    @Test func `a target that ends while the capture is armed ends it`() throws {
      // Kept from being reaped by its parent, which sleeps: it has a number, and nothing else.
      let parent = try bench.startWorkload(["sh", "-c", "sh -c 'echo ready $$' & exec sleep 60"])
      let number = try #require(try parent.waitForLine(startingWith: "ready").split(separator: " ").last)
      try waitUntil("the end of \(number)") {
        try String(contentsOfFile: "/proc/\(number)/status", encoding: .utf8).contains("State:\tZ")
      }

      let result = try bench.run(bench.oncpu(["--pid", String(number), "--duration", "100s"]), deadlineSeconds: 30)

      #expect(result.status == 0, "\(result.errors)")
      #expect(try bench.latestTask().taken == 0)
    }

    @Test(arguments: [("exit 7", 7), ("exit 0", 0), ("kill -9 $$", 137)] as [(String, Int32)])
    func `a command's status becomes that of swprof`(script: String, status: Int32) throws {
      let result = try bench.run(bench.oncpu(["--", "sh", "-c", script]))

      #expect(result.status == status, "\(result.errors)")
      #expect(try bench.latestTask().status == "done")
    }

    @Test func `a command keeps its standard output and error`() throws {
      let file = bench.path("stacks.folded")

      let result = try bench.run(
        bench.oncpu(["--folded", "-o", file, "--", "sh", "-c", "echo to output; echo to error >&2"]))

      #expect(result.output == "to output\n")
      #expect(result.errors.hasPrefix("to error\nswprof: "))
      #expect(FileManager.default.fileExists(atPath: file))
    }

    @Test func `the first instructions of a command are seen`() throws {
      // The program lives a millisecond, nearly all of it in the loader; a probe armed late would miss it.
      let stacks = try bench.capture(["--freq", "9997", "--", "true"])

      #expect(stacks.total > 0)
    }

    @Test func `children of the target are followed, unless told otherwise`() throws {
      let program = try bench.compile("burn")
      let command = ["--", "sh", "-c", "\(program) 1; exit 0"]

      let with = try bench.capture(command)
      let without = try bench.capture(["--no-include-children"] + command)

      #expect(with.count(leaf: "burn_here") > 80)
      #expect(without.count(leaf: "burn_here") == 0)
    }

    @Test func `two captures write to one database at once`() throws {
      let workload = try bench.startWorkload([try bench.compile("burn")])
      let options = ["--pid", "\(workload.pid)", "--duration", "2s"]
      let captures = [try bench.start(bench.oncpu(options)), try bench.start(bench.oncpu(options))]

      let results = try captures.map { try $0.wait() }

      #expect(results.allSatisfy { $0.status == 0 }, "\(results.map(\.errors))")
      let tasks = try bench.tasks()
      #expect(tasks.map(\.status) == ["done", "done"])
      // Both saw the same target for the same time; 20 % for what the two cost each other at start and end.
      let counts = tasks.map(\.taken).sorted()
      #expect(Double(try #require(counts.first)) >= 0.8 * Double(try #require(counts.last)))
    }

    /// The CPU time that a process has used, in hundredths of a second.
    private func cpuTicks(of pid: Int32) throws -> Int {
      let text = try String(contentsOfFile: "/proc/\(pid)/stat", encoding: .utf8)
      // Fields 14 and 15, counted from the state, which is the third and follows the name in parentheses.
      let fields = text[(text.lastIndex(of: ")") ?? text.startIndex)...].split(separator: " ")
      return try #require(Int(fields[12])) + #require(Int(fields[13]))
    }
  }
}
