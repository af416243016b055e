import CommandRunning
import Foundation
import Testing

extension EndToEnd {
  /// Signals while a capture is named, stored and drawn: the first ends early with what there is, the second at once.
  @Suite struct SignalTests {
    private let bench: Workbench

    init() throws { bench = try Workbench() }

    private func startNaming(_ options: [String]) throws -> RunningCommand {
      let workload = try bench.startWorkload([try bench.compile("slow_names")])
      let capture = try bench.start(
        bench.oncpu(["--pid", "\(workload.pid)", "--duration", "1s", "--verbose"] + options))
      try waitUntil("the naming: \(capture.errors)") { try capture.errors.contains("naming") }
      return capture
    }

    @Test func `the first signal ends naming with what there is, and the task is stored`() throws {
      let capture = try startNaming(["--folded"])
      capture.send(SIGTERM)

      let result = try capture.wait(deadlineSeconds: 8)

      #expect(result.status == 0, "\(result.errors)")
      #expect(result.errors.contains("ended early"), "\(result.errors)")
      #expect(try FoldedStacks(result.output).total == bench.latestTask().taken)
      #expect(try bench.latestTask().status == "done")
    }

    @Test func `the second signal leaves at once, and the database is whole`() throws {
      let capture = try startNaming(["-o", bench.path("result.svg"), "--svg"])
      // Again and again: two that come within a tenth of a second are one.
      try waitUntil("the end") {
        capture.send(SIGINT)
        return kill(capture.pid, 0) != 0
      }

      let result = try capture.wait()

      // With what there is, where that was written between the two.
      #expect(result.status == 128 + SIGINT || result.status == 0)
      #expect(try bench.run([bench.swprof, "tasks", "list", "--db", bench.database]).status == 0)
      let left = try FileManager.default.contentsOfDirectory(atPath: bench.directory.path)
      #expect(!left.contains { $0.hasSuffix(".partial") }, "\(left)")
    }

    @Test func `a signal while the result is written to nobody ends it, as the task is stored`() throws {
      // A pipe that is full (pipe(7): 64 KiB), and a reader that takes nothing.
      let fifo = bench.path("fifo")
      try #require(mkfifo(fifo, 0o600) == 0)
      let reader = try bench.start([
        "sh", "-c", "exec 3<>\(fifo); head -c 65536 /dev/zero >&3; echo ready; exec sleep 100",
      ])
      try reader.waitForLine(startingWith: "ready")
      let workload = try bench.startWorkload([try bench.compile("burn")])
      let capture = try bench.start([
        "sh", "-c",
        "exec \(bench.oncpu(["--pid", "\(workload.pid)", "--duration", "1s", "--html"]).joined(separator: " ")) > \(fifo)",
      ])
      try waitUntil("the end of the task") { try bench.tasks().first?.status == "done" }
      try waitUntil("the end") {
        capture.send(SIGTERM)
        return kill(capture.pid, 0) != 0
      }

      let result = try capture.wait()

      #expect(result.status == 128 + SIGTERM)
      #expect(result.errors.contains("'swprof report"), "\(result.errors)")
    }

    @Test func `a signal that comes twice at once, as timeout sends it, is one`() throws {
      let workload = try bench.startWorkload([try bench.compile("burn")])
      let result = try bench.run(
        ["timeout", "-s", "INT", "2"]
          + bench.oncpu(["--pid", "\(workload.pid)", "--duration", "100s", "--folded", "-o", bench.path("out")]))

      #expect(result.status == 124)
      #expect(try bench.latestTask().status == "done")
      #expect(try String(contentsOfFile: bench.path("out"), encoding: .utf8).contains("burn_here"))
    }
  }
}
