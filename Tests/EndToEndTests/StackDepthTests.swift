import CommandRunning
import Testing

extension EndToEnd {
  @Suite struct StackDepthTests {
    private let bench: Workbench

    init() throws { bench = try Workbench() }

    // 127 is the kernel helper's limit, 512 the least that swprof promises: main and what calls it need room too.
    @Test(arguments: [1, 126, 127, 128, 250, 500])
    func `a recursion comes out whole and rooted at main`(depth: Int) throws {
      let workload = try bench.startWorkload([try bench.compile("recursion"), "\(depth)"])

      let stacks = try bench.capture(["--pid", "\(workload.pid)", "--duration", "2s", "--freq", "499"])

      let whole = ["main"] + Array(repeating: "recurse", count: depth)
      let share = stacks.percentage { $0.userFrames.suffix(depth + 1).elementsEqual(whole) }
      // The way down and up takes microseconds of every millisecond: at most 2 % of the samples may be of it.
      #expect(share >= 98)
      #expect(stacks.total > 200)
    }

    @Test func `a stack beyond the limit is marked truncated at its root`() throws {
      let workload = try bench.startWorkload([try bench.compile("recursion"), "5000"])

      let stacks = try bench.capture(["--pid", "\(workload.pid)", "--duration", "2s", "--freq", "199"])

      // 5,000 calls and returns take some 2 % of a slice; only a tick near its top has a stack within the limit.
      #expect(stacks.percentage { $0.isTruncated } >= 95)
      #expect(stacks.stacks.allSatisfy { $0.isTruncated || $0.userFrames.contains("main") })
    }
  }
}
