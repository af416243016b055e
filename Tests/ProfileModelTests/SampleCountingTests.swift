import ProfileModel
import Testing

@Suite struct SampleCountingTests {
  @Test func `numbers of samples are what they are`() {
    #expect(SampleCounting(judging: [1, 1, 2, 70, 30, 412, 88, 230, 95, 14]) == .samples)
    // Few numbers have a common divisor by chance, and round ones by hand.
    #expect(SampleCounting(judging: [70, 30]) == .samples)
    #expect(SampleCounting(judging: [5000, 3000, 1000]) == .samples)
    #expect(SampleCounting(judging: []) == .samples)
  }

  @Test func `weights with a large common divisor are sums of a period`() {
    // perf record -F 199 of cpu-clock: 5,025,125 ns a sample.
    let period: UInt64 = 5_025_125
    #expect(SampleCounting(judging: [31, 27, 26, 2, 1, 1, 4, 8, 1, 3].map { $0 * period }) == .multiples(period))
    // 1 ms in microseconds.
    #expect(SampleCounting(judging: [31, 27, 26, 2, 1, 1, 4, 8].map { $0 * 1000 }) == .multiples(1000))
  }

  @Test func `weights that are neither are not known to be numbers of samples`() {
    guard case .unknown = SampleCounting(judging: [3_123_457, 999_999_937, 15_485_863, 32_452_843]) else {
      Issue.record("periods of perf's freq mode were taken for numbers of samples")
      return
    }
    guard case .unknown = SampleCounting(judgingTimes: [17, 4, 1200]) else {
      Issue.record("times without a period were taken for numbers of samples")
      return
    }
  }

  @Test func `the period that a file tells counts where the weights are sums of it`() {
    #expect(SampleCounting(judging: [20_000_000, 70_000_000], period: 10_000_000) == .periods(10_000_000))
    // Rounded: 1 / 99 s each.
    #expect(SampleCounting(judging: [10_101_010, 1_010_101_010], period: 10_101_010) == .periods(10_101_010))
    #expect(SampleCounting(judging: [23_456_789, 70_000_000], period: 10_000_000) != .periods(10_000_000))
  }

  @Test func `folded stacks of waits may weigh times`() {
    var stacks = StackTreeBuilder()
    let node = stacks.insert([0, 1]) ?? -1
    let profile = Profile(
      frames: [Frame(function: "read"), Frame(function: "[blocked]", origin: .marker)],
      threads: [
        ProfiledThread(process: ProcessID(rawValue: 1), thread: ThreadID(rawValue: 1), processName: "a", name: "a")
      ], stacks: stacks.tree,
      values: [Profile.Value(thread: 0, stack: node, weight: Weight(count: 77, nanoseconds: 0))])
    #expect(SampleCounting(ofFolded: profile) != .samples)
  }
}
