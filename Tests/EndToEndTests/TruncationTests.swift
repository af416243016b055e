import CommandRunning
import Testing

extension EndToEnd {
  @Suite struct TruncationTests {
    private let bench: Workbench

    init() throws { bench = try Workbench() }

    @Test func `a stack without its callers never passes for a whole one`() throws {
      let workload = try bench.startWorkload([try bench.compile("zero_frame_pointer")])

      let stacks = try bench.capture(["--pid", "\(workload.pid)", "--duration", "1s", "--freq", "499"])

      #expect(stacks.count(leaf: "burn_with_zero") > 50)
      #expect(stacks.stacks.allSatisfy { $0.isTruncated || $0.userFrames.contains("main") })
    }
  }
}
