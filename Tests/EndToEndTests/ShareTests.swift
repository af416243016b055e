import CommandRunning
import Foundation
import Testing

extension EndToEnd {
  @Suite struct ShareTests {
    private let bench: Workbench

    init() throws { bench = try Workbench() }

    @Test(arguments: [1, 3])
    func `work of 3 to 1 shows as 75 and 25 percent at 997 Hz`(threads: Int) throws {
      try expectSplit(threads: threads, frequency: 997, duration: "5s")
    }

    // By chance alone, the share of 495 samples, which are 5 s at 99 Hz of one CPU, is off by more than 3 points in one
    // run of eight. The standard error of 3,000 samples is 0.8 points.
    @Test(arguments: [(1, "30s"), (3, "15s")])
    func `work of 3 to 1 shows as 75 and 25 percent at 99 Hz`(threads: Int, duration: String) throws {
      try expectSplit(threads: threads, frequency: 99, duration: duration)
    }

    private func expectSplit(threads: Int, frequency: Int, duration: String) throws {
      let workload = try bench.startWorkload([try bench.compile("split"), "\(threads)"])

      let stacks = try bench.capture(["--pid", "\(workload.pid)", "--duration", duration, "--freq", "\(frequency)"])

      // 3 points: over three standard errors of the smallest sample here.
      #expect(abs(stacks.percentage { $0.userFrames.last == "burn_three" } - 75) <= 3)
      #expect(abs(stacks.percentage { $0.userFrames.last == "burn_one" } - 25) <= 3)
    }

    @Test func `a program in step with the mean rate shows its shares, and the seed is kept`() throws {
      // With ticks at a fixed rate, all samples are in one function.
      let workload = try bench.startWorkload([try bench.compile("grid"), "2004008"])

      let stacks = try bench.capture(["--pid", "\(workload.pid)", "--duration", "3s", "--freq", "499"])

      // Seven standard errors of 1,500 samples, the largest of which is 1.2 points.
      for (function, share) in [("burn_seventy", 70.0), ("burn_twenty", 20), ("burn_ten", 10)] {
        #expect(abs(stacks.percentage { $0.userFrames.contains(function) } - share) <= 8.5, "share of \(function)")
      }
      #expect(try bench.latestTask().jitterSeed != nil)
    }

    @Test func `without jitter no seed is kept`() throws {
      _ = try bench.capture(["--no-jitter", "--", try bench.compile("burn"), "1"])
      #expect(try bench.latestTask().jitterSeed == nil)
    }

    @Test func `the number of samples is the rate times the CPU time of the target`() throws {
      let program = try bench.compile("burn")
      let file = bench.path("capture.folded")

      // 3 s of CPU time, whatever else runs on the machine.
      let result = try bench.run(bench.oncpu(["--folded", "-o", file, "--freq", "997", "--", program, "3"]))

      let stacks = try FoldedStacks(String(contentsOfFile: file, encoding: .utf8))
      let used = try #require(result.output.split(separator: "\n").last { $0.hasPrefix("used ") }?.dropFirst(5))
      let usedSeconds = try #require(Double(used)) / 1_000_000
      #expect(usedSeconds >= 3)
      // 2 %: a process uses some time before it has its name and after it has said how much; a late timer drops a tick.
      #expect(abs(Double(stacks.count { $0.processName == "burn" }) / (997 * usedSeconds) - 1) <= 0.02)
    }

    @Test func `named threads show their shares of 4 to 3 to 2 to 1`() throws {
      let workload = try bench.startWorkload([try bench.compile("threads")])

      let stacks = try bench.capture([
        "--pid", "\(workload.pid)", "--duration", "5s", "--freq", "997", "--per-thread",
      ])

      // 3 points: some 5,000 samples have a standard error of 0.7 points; waking up at barriers costs the rest.
      for (thread, share) in [("w1", 40.0), ("w2", 30), ("w3", 20), ("w4", 10)] {
        #expect(abs(stacks.percentage { $0.names[1] == thread } - share) <= 3, "share of \(thread)")
      }
      #expect(stacks.stacks.allSatisfy { $0.processName == "threads" })
    }
  }
}
