import CommandRunning
import Foundation
import Testing

extension EndToEnd {
  /// Processes whose code is elsewhere than their events, or their main thread, tell.
  @Suite struct MappingTests {
    private let bench: Workbench

    init() throws { bench = try Workbench() }

    @Test func `a process whose main thread has ended is named and walked by another one`() throws {
      let workload = try bench.startWorkload([try bench.compileWithoutFramePointers("orphaned_threads")])

      let stacks = try capture(workload)

      try expect(stacks, ["start_orphan", "orphan_caller", "orphan_leaf"])
    }

    @Test func `workers of the kernel have no user stack`() throws {
      let file = bench.path("written")
      let workload = try bench.startWorkload([try bench.compile("uring_workers"), file])

      let stacks = try capture(workload)

      // Linux 6.1 calls it io_wqe_worker.
      let workers = stacks.stacks.filter { !Set($0.names).isDisjoint(with: ["io_wq_worker_[k]", "io_wqe_worker_[k]"]) }
      #expect(workers.reduce(0) { $0 + $1.count } > 20)
      #expect(workers.allSatisfy { $0.userFrames.isEmpty })
      #expect(!stacks.stacks.contains { $0.names.contains("[0x0]") })
    }

    @Test func `of two segments in one page of a file, each is walked and named by itself`() throws {
      let options = [
        "-no-pie",
        "-Wl,-z,noseparate-code,-z,max-page-size=4096,--section-start=.init_array=0xa00df8,--section-start=.second=0x600900",
      ]
      let workload = try bench.startWorkload([
        try bench.compileWithoutFramePointers("shared_pages", options: options)
      ])

      let stacks = try capture(workload)

      try expect(stacks, ["main", "second_caller", "second_leaf"])
    }

    @Test func `code that was copied to anonymous memory in its place is that of its file`() throws {
      let workload = try bench.startWorkload([try bench.compileWithoutFramePointers("copied_code")])

      let stacks = try capture(workload)

      // Until the mappings have been looked at, stacks are cut, and say so.
      try expect(stacks, ["main", "copied_caller", "copied_leaf"], atLeast: 50)
    }

    @Test func `a program in a memfd is a program`() throws {
      let workload = try bench.startWorkload([try bench.compileWithoutFramePointers("memory_program")])

      let stacks = try capture(workload)

      try expect(stacks, ["main", "memory_caller", "memory_leaf"])
    }

    @Test func `code that is moved during a capture keeps its name`() throws {
      let workload = try bench.startWorkload([try bench.compileWithoutFramePointers("moved_code")])

      let stacks = try captureMove(in: workload)

      #expect(stacks.count { $0.names.contains("main") && $0.userFrames.last == "moved_leaf" } > 100)
      // Until the mappings have been read again, frames have no name.
      #expect(stacks.percentage { !$0.isTruncated && $0.userFrames.last == "moved_leaf" } >= 50)
    }

    @Test func `what a parent maps for a child that shares its memory is found`() throws {
      let workload = try bench.startWorkload([try bench.compileWithoutFramePointers("moved_code"), "child"])

      let stacks = try captureMove(in: workload)

      #expect(stacks.count { $0.userFrames.suffix(2).elementsEqual(["burn", "moved_leaf"]) } > 100)
      // Until the mappings have been read again, frames have no name.
      #expect(stacks.percentage { !$0.isTruncated && $0.userFrames.last == "moved_leaf" } >= 50)
    }

    private func captureMove(in workload: RunningCommand) throws -> FoldedStacks {
      let options = ["--pid", "\(workload.pid)", "--freq", "499", "--duration", "2s", "--folded"]
      let capture = try bench.startCapture(options)
      workload.send(SIGUSR1)
      try workload.waitForLine(startingWith: "moved")
      let result = try capture.wait()
      #expect(result.status == 0, "\(result.errors)")
      return try FoldedStacks(result.output)
    }

    private func capture(_ workload: RunningCommand) throws -> FoldedStacks {
      try bench.capture(["--pid", "\(workload.pid)", "--freq", "499", "--duration", "1s"])
    }

    /// What runs is these functions, from caller to callee.
    private func expect(_ stacks: FoldedStacks, _ functions: [String], atLeast percentage: Double = 95) throws {
      #expect(stacks.total > 100)
      let share = stacks.percentage {
        !$0.isTruncated && $0.userFrames.suffix(functions.count).elementsEqual(functions)
      }
      #expect(share >= percentage, "\(stacks.stacks.max { $0.count < $1.count }?.names ?? [])")
    }
  }
}
