import LinuxSystem
import ProfileModel
import Testing

@testable import Capture

/// The periods of ticks, played through as the kernel would: an event ticks at the end of each period, and a new period
/// begins when it is set.
@Suite struct TickPeriodsTests {
  private static let second = 1_000_000_000.0

  /// The times of all ticks of a capture in ns.
  ///
  /// - Parameter lookNanoseconds: how often somebody comes to draw periods anew.
  private func ticks(
    hertz: Int, seconds: Double, seed: UInt32, clock: PerfEvent.Clock = .cpuClock, lookNanoseconds: UInt64 = 200_000_000
  ) -> [UInt64] {
    var random: TickRandom? = TickRandom(seed: seed)
    let end = UInt64(seconds * Self.second)
    var periods = TickPeriods(clock, hertz: hertz, at: MonotonicTime(nanoseconds: 0), &random)
    var starts = periods.current.map { _ in UInt64(0) }
    var times: [UInt64] = []
    guard var draws = random else { return [] }
    var now: UInt64 = 0
    while now < end {
      let old = periods.current
      now = min(now + lookNanoseconds, end)
      let changed = now < end ? periods.draw(at: MonotonicTime(nanoseconds: now), &draws) : Array(old.indices)
      for index in changed {
        times += stride(from: starts[index] + old[index], through: now, by: UInt64.Stride(old[index]))
        starts[index] = now
      }
    }
    return times
  }

  @Test(arguments: [1, 19, 50, 51, 99, 499, 997, 10_000])
  func `ticks come at their rate on average`(hertz: Int) {
    let seconds = 5.0 + 400 / Double(hertz)
    let counts = (1...30).map { seed in Double(ticks(hertz: hertz, seconds: seconds, seed: seed).count) }
    let expected = Double(hertz) * seconds
    #expect(abs(counts.reduce(0, +) / 30 / expected - 1) < 0.005)
    #expect(counts.allSatisfy { abs($0 / expected - 1) < 0.02 })
  }

  // A program that spends 70, 20 and 10 percent of each period in three functions, at periods around the mean distance
  // of ticks, a part of it and several times as long.
  @Test(arguments: [0.1, 0.5, 0.99, 1, 1.01, 1.5, 2, 3])
  func `a program on a grid shows its shares, spread as by chance`(periods: Double) {
    let hertz = 99
    let period = periods * Self.second / Double(hertz)
    let shares = (1...60).map { seed -> [Double] in
      let phase = Double(seed) / 60 * period
      var counts = [0.0, 0, 0]
      let all = ticks(hertz: hertz, seconds: 5, seed: UInt32(seed))
      for time in all {
        let place = (Double(time) + phase).truncatingRemainder(dividingBy: period) / period
        counts[place < 0.7 ? 0 : place < 0.9 ? 1 : 2] += 1
      }
      return counts.map { $0 / Double(all.count) }
    }

    for (function, truth) in [0.7, 0.2, 0.1].enumerated() {
      let own = shares.map { $0[function] }
      let mean = own.reduce(0, +) / Double(own.count)
      let variance = own.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(own.count)
      #expect(abs(mean - truth) < 0.01)
      #expect(variance.squareRoot() < 1.3 * (truth * (1 - truth) / (Double(hertz) * 5)).squareRoot())
    }
  }

  @Test func `a seed gives its own ticks, each time`() {
    #expect(ticks(hertz: 99, seconds: 2, seed: 7) == ticks(hertz: 99, seconds: 2, seed: 7))
    #expect(ticks(hertz: 99, seconds: 2, seed: 7) != ticks(hertz: 99, seconds: 2, seed: 8))
  }

  @Test func `without jitter one event ticks at equal distances`() {
    var random: TickRandom?
    let periods = TickPeriods(.cpuClock, hertz: 99, at: MonotonicTime(nanoseconds: 0), &random)
    #expect(periods.current == [10_101_010])
  }

  @Test func `jitter costs a rate of its own no more than eight events`() {
    for (hertz, count) in [(1, 2), (19, 2), (99, 4), (997, 8), (100_000, 8)] {
      var random: TickRandom? = TickRandom(seed: 1)
      let periods = TickPeriods(.cpuClock, hertz: hertz, at: MonotonicTime(nanoseconds: 0), &random)
      #expect(periods.current.count == count)
    }
  }

  @Test func `cycles take one counter, with periods around the mean`() {
    var random: TickRandom? = TickRandom(seed: 1)
    var periods = TickPeriods(.cycles, hertz: 100, at: MonotonicTime(nanoseconds: 0), &random)
    #expect(periods.current == [10_000_000])
    guard var draws = random else { return }
    var drawn: Set<UInt64> = []
    for step in 1...100 {
      #expect(periods.draw(at: MonotonicTime(nanoseconds: UInt64(step) * 100_000_000), &draws) == [0])
      drawn.formUnion(periods.current)
    }
    #expect(drawn.count > 90)
    #expect(drawn.allSatisfy { (4_500_000...15_000_000).contains($0) })
  }

  @Test func `ticks that a long pause has cost are not made up for at once`() {
    var random: TickRandom? = TickRandom(seed: 1)
    var periods = TickPeriods(.cpuClock, hertz: 99, at: MonotonicTime(nanoseconds: 0), &random)
    guard var draws = random else { return }
    // A week on: the rates of a pair do not differ by more than the spread of periods from what they should be.
    _ = periods.draw(at: MonotonicTime(nanoseconds: 604_800_000_000_000), &draws)
    let rate = periods.current.reduce(0) { $0 + Self.second / Double($1) }
    #expect(abs(rate / 99 - 1) < 0.01)
  }
}
