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

    private func capture(_ workload: RunningCommand) throws -> FoldedStacks {
      try bench.capture(["--pid", "\(workload.pid)", "--freq", "499", "--duration", "1s"])
    }

    /// What runs is these functions, from caller to callee.
    private func expect(_ stacks: FoldedStacks, _ functions: [String]) throws {
      #expect(stacks.total > 100)
      let share = stacks.percentage {
        !$0.isTruncated && $0.userFrames.suffix(functions.count).elementsEqual(functions)
      }
      #expect(share >= 95, "\(stacks.stacks.max { $0.count < $1.count }?.names ?? [])")
    }
  }
}
