import CommandRunning
import Foundation
import Testing

extension EndToEnd {
  @Suite struct AccountTests {
    private let bench: Workbench

    init() throws { bench = try Workbench() }

    @Test func `folded counts, samples taken and ticks agree`() throws {
      let workload = try bench.startWorkload([try bench.compile("split"), "3"])

      let stacks = try bench.capture(["--pid", "\(workload.pid)", "--duration", "2s", "--freq", "997"])

      let task = try bench.task(try bench.latestTask().id)
      #expect(stacks.total == task.taken)
      #expect(task.ticks == task.taken + task.lost)
      #expect(task.lost == task.losses.values.reduce(0, +))
      #expect(task.taken > 1_000)
    }

    @Test func `a stored task draws the same stacks as its capture`() throws {
      let workload = try bench.startWorkload([try bench.compile("threads")])
      let options = ["--folded", "--per-thread"]
      let captured = try bench.run(bench.oncpu(options + ["--pid", "\(workload.pid)", "--duration", "1s"]))

      let reported = try bench.run([bench.swprof, "report", "--db", bench.database] + options)

      #expect(reported.status == 0)
      #expect(!reported.output.isEmpty)
      #expect(reported.output == captured.output)
    }

    @Test func `a report shows the part that was asked for, and several tasks as one`() throws {
      let workload = try bench.startWorkload([try bench.compile("split"), "1"])
      for _ in 0..<2 {
        _ = try bench.run(bench.oncpu(["--pid", "\(workload.pid)", "--duration", "1s"]))
      }
      func report(_ arguments: [String]) throws -> CommandResult {
        try bench.run([bench.swprof, "report", "--db", bench.database] + arguments)
      }

      let both = try FoldedStacks(try report(["1", "2", "--folded"]).output)
      let parts = try ["1", "2"].map { try FoldedStacks(try report([$0, "--folded"]).output).total }
      let focused = try FoldedStacks(try report(["1", "2", "--folded", "--focus", "^burn_one$"]).output)
      let reversed = try FoldedStacks(try report(["--folded", "--root", "none", "--reverse", "--user"]).output)
      let plain = try report([])

      #expect(both.total == parts.reduce(0, +))
      #expect(focused.total == both.count { $0.names.contains("burn_one") })
      #expect(focused.total > 0)
      #expect(
        reversed.stacks.allSatisfy { $0.names.last == "_start" || $0.names.last?.hasPrefix("[truncated") ?? false })
      #expect(plain.output.contains("hottest path"))
      #expect(try report(["--focus", "("]).status == 64)
    }

    @Test func `samples that a tiny ring buffer loses are counted and reported`() throws {
      let workload = try bench.startWorkload([try bench.compile("recursion"), "500"])
      let options = ["--pid", "\(workload.pid)", "--duration", "2s", "--freq", "997", "--ring-buffer-size", "4k"]

      // A stack of 500 frames is nearly as long as the whole buffer.
      let stacks = try bench.capture(options)

      let task = try bench.latestTask()
      #expect(task.lost > 0)
      #expect(task.losses["ring_buffer_full"] == task.lost)
      #expect(task.ticks == task.taken + task.lost)
      #expect(stacks.total == task.taken)
    }

    @Test func `the summary says how many samples were lost and why`() throws {
      let workload = try bench.startWorkload([try bench.compile("recursion"), "500"])
      let options = ["--pid", "\(workload.pid)", "--duration", "1s", "--freq", "997", "--ring-buffer-size", "4k"]

      let result = try bench.run(bench.oncpu(options))

      #expect(result.status == 0)
      #expect(result.output.contains("lost"))
      #expect(result.output.contains("ring buffer full"))
    }

    @Test func `the summary names the hottest functions, the task and how to draw it`() throws {
      let workload = try bench.startWorkload([try bench.compile("split")])

      let result = try bench.run(bench.oncpu(["--pid", "\(workload.pid)", "--duration", "1s"]))

      let task = try bench.latestTask()
      #expect(result.output.contains("burn_three"))
      #expect(result.output.contains("burn_one"))
      #expect(result.output.contains("swprof report \(task.id)"))
      #expect(result.output.contains("\(task.taken)"))
    }

    @Test func `a flame graph is well-formed XML with the names in it`() throws {
      let workload = try bench.startWorkload([try bench.compile("split")])
      let file = bench.path("flames.svg")
      let options = ["--pid", "\(workload.pid)", "--duration", "1s", "--svg", "-o", file]
      try #require(try bench.run(bench.oncpu(options)).status == 0)

      let lint = try bench.run(["xmllint", "--noout", "--nonet", file])

      #expect(lint.status == 0, "\(lint.errors)")
      #expect(try String(contentsOfFile: file, encoding: .utf8).contains("burn_three"))
    }
  }
}
