import LinuxSystem
import ProfileModel

/// The periods of the events that tick on one CPU.
///
/// A fixed period keeps step with a program that works on a grid of that length: each tick finds the same function.
/// Therefore several slow events share the rate, and each has a period of its own, drawn at random and drawn anew
/// after some ticks. Any two ticks are then as far apart as chance has it, while the CPU takes no more interrupts than
/// with one event.
struct TickPeriods {
  /// Two events whose rates always add up to the same: what one ticks more than its share, the other ticks less.
  private struct Pair {
    private(set) var periods: (UInt64, UInt64) = (0, 0)
    private var drawnAt: MonotonicTime
    /// Ticks that are due and have not come. At any moment each event is half a tick late on average; the sum that is
    /// paid back while a period lasts halves that.
    private var owed = 0.5
    /// ns between two ticks of one event, on average.
    private let mean: Double

    init(mean: Double, at now: MonotonicTime, _ random: inout TickRandom) {
      self.mean = mean
      drawnAt = now
      setPeriods(length: TickPeriods.ticks * mean, &random)
    }

    func isDue(at now: MonotonicTime) -> Bool {
      Double(now.nanoseconds(since: drawnAt)) >= TickPeriods.ticks * mean
    }

    mutating func draw(at now: MonotonicTime, _ random: inout TickRandom) {
      let elapsed = now.nanoseconds(since: drawnAt)
      let ticks = Double(elapsed / periods.0) + Double(elapsed / periods.1)
      owed = min(max(owed + 2 * Double(elapsed) / mean - ticks, -TickPeriods.ticks), TickPeriods.ticks)
      drawnAt = now
      setPeriods(length: max(Double(elapsed), TickPeriods.ticks * mean), &random)
    }

    /// - Parameter length: for how long they will probably last, in ns. Then half a tick of each is lost on average.
    private mutating func setPeriods(length: Double, _ random: inout TickRandom) {
      let rate = 1 / mean + (owed + 1) / (2 * length)
      let difference = Double.random(in: -TickPeriods.spread...TickPeriods.spread, using: &random)
      periods = (period(rate * (1 + difference)), period(rate * (1 - difference)))
    }

    private func period(_ rate: Double) -> UInt64 { UInt64(max(1, (1 / rate).rounded())) }
  }

  private enum Kind {
    case fixed(period: UInt64)
    case pairs([Pair])
    /// Of an event whose period the kernel itself finds out and adapts.
    case adapted(mean: Double, period: UInt64, drawnAt: MonotonicTime)
  }

  /// How many ticks of an event a period holds for, or more where nobody comes to draw another one.
  fileprivate static let ticks = 8.0
  /// How far the rate of an event may be off its mean, as a share of that.
  fileprivate static let spread = 0.5
  /// No more pairs share a rate. Each has its descriptors.
  private static let pairLimit = 4

  private var kind: Kind

  /// - Parameter random: nil where one event ticks at a fixed rate.
  init(_ clock: PerfEvent.Clock, hertz: Int, at now: MonotonicTime, _ random: inout TickRandom?) {
    let mean = 1_000_000_000 / Double(hertz)
    guard var draws = random else {
      kind = .fixed(period: 1_000_000_000 / UInt64(hertz))
      return
    }
    switch clock {
    case .cpuClock:
      // Slow enough that the periods differ by several of the means of all: a grid of any such length is covered.
      let count = min((hertz + 49) / 50, Self.pairLimit)
      kind = .pairs((0..<count).map { _ in Pair(mean: mean * Double(2 * count), at: now, &draws) })
    case .cycles:
      // There are few counters.
      kind = .adapted(mean: mean, period: UInt64(mean), drawnAt: now)
    }
    random = draws
  }

  /// Those of all events, in ns.
  var current: [UInt64] {
    switch kind {
    case .fixed(let period), .adapted(_, let period, _): [period]
    case .pairs(let pairs): pairs.flatMap { [$0.periods.0, $0.periods.1] }
    }
  }

  /// Draws the periods anew that have held for long enough; they begin at once.
  ///
  /// - Returns: the events that have another period now, by their places in `current`.
  mutating func draw(at now: MonotonicTime, _ random: inout TickRandom) -> [Int] {
    switch kind {
    case .fixed: return []
    case .pairs(var pairs):
      let due = pairs.indices.filter { pairs[$0].isDue(at: now) }
      for index in due { pairs[index].draw(at: now, &random) }
      kind = .pairs(pairs)
      return due.flatMap { [2 * $0, 2 * $0 + 1] }
    case .adapted(let mean, _, let drawnAt):
      let elapsed = Double(now.nanoseconds(since: drawnAt))
      guard elapsed >= Self.ticks * mean else { return [] }
      // With each new period half a tick is lost on average.
      let share = Double.random(in: 1 - Self.spread...1 + Self.spread, using: &random)
      kind = .adapted(mean: mean, period: UInt64(mean * share * elapsed / (elapsed + mean / 2)), drawnAt: now)
      return [0]
    }
  }
}

/// The random numbers that periods are drawn by: SplitMix64 (Steele, Lea and Flood, OOPSLA 2014).
struct TickRandom: RandomNumberGenerator {
  private var state: UInt64

  init(seed: UInt32) { state = UInt64(seed) }

  mutating func next() -> UInt64 {
    state &+= 0x9e37_79b9_7f4a_7c15
    var word = state
    word = (word ^ word >> 30) &* 0xbf58_476d_1ce4_e5b9
    word = (word ^ word >> 27) &* 0x94d0_49bb_1331_11eb
    return word ^ word >> 31
  }
}
