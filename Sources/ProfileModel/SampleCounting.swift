/// What the counts of a profile's weights say of the number of samples. How sure a share is depends on that number.
package enum SampleCounting: Equatable, Sendable {
  /// They are the numbers of samples.
  case samples
  /// A sample weighs so many of them: ns or bytes, the period of the sampler.
  case periods(Double)
  /// They are multiples of this number, which is a sample's weight or, by chance, a multiple of it.
  case multiples(UInt64)
  /// They are sums of values that differ from sample to sample, as waiting times and the periods of perf's `freq` mode.
  case unknown(reason: String)

  /// No sampler takes a sample each so few ns or cycles.
  private static let shortestPeriod: UInt64 = 10_000
  /// The chance that weights which are no multiples of a period look as if they were, as its negative decimal exponent.
  private static let certainty = 12.0
  /// So many samples are eleven days of one CPU at 999 Hz.
  private static let countLimit = 1e9
  /// Few stacks of a profile are sampled often; half of them so often are not.
  private static let middleLimit: UInt64 = 10_000

  /// Judges the weights of stacks in a format that does not tell what they are.
  ///
  /// Numbers of samples hardly have a common divisor; sums of one period have it.
  package init(judging weights: [UInt64]) {
    let weights = weights.filter { $0 > 0 }
    let period = weights.reduce(0, Self.commonDivisor)
    if period >= Self.shortestPeriod || Self.isUnlikely(period, count: weights.count) {
      self = .multiples(period)
      return
    }
    let total = weights.reduce(0.0) { $0 + Double($1) }
    let middle = weights.sorted()[safe: weights.count / 2] ?? 0
    if total >= Self.countLimit || weights.count > 3 && middle >= Self.middleLimit {
      self = .unknown(reason: "its weights are too large and too uneven to be numbers of samples")
    } else {
      self = .samples
    }
  }

  /// Whether a number may be a sampler's period in ns or cycles.
  package static func isPeriod(_ number: UInt64) -> Bool { number >= shortestPeriod }

  /// Judges times of which the sampler's period is not known.
  package init(judgingTimes times: [UInt64]) {
    self.init(judging: times)
    if self == .samples { self = .unknown(reason: "its values are times, and it tells no period") }
  }

  /// Judges the weights of a file that tells the sampler's period.
  package init(judging weights: [UInt64], period: Double) {
    // Times are sums of periods, but for what was rounded; other sums are not.
    let isSum = weights.allSatisfy { weight in
      let count = (Double(weight) / period).rounded()
      return abs(Double(weight) - count * period) <= 0.05 * period
    }
    self = isSum ? .periods(period) : .unknown(reason: "its weights are no multiples of the period that it tells")
  }

  /// Judges folded stacks, which have nothing but weights: those of waits are times as often as numbers.
  package init(ofFolded profile: Profile) {
    var waits = 0.0
    var all = 0.0
    for value in profile.values {
      let leaf = profile.frames[Int(profile.stacks.nodes[Int(value.stack)].frame)]
      all += Double(value.weight.count)
      if leaf.isPhase || Self.switching.contains(leaf.function) { waits += Double(value.weight.count) }
    }
    guard waits <= all / 2 else {
      self = .unknown(reason: "its stacks are of waits, and their weights may be times")
      return
    }
    self.init(judging: profile.values.map(\.weight.count))
  }

  /// The kernel's functions in which threads stop to run.
  private static let switching: Set<String> = [
    "schedule", "__schedule", "finish_task_switch", "finish_task_switch.isra.0", "io_schedule",
    "preempt_schedule_common",
  ]

  private static func isUnlikely(_ divisor: UInt64, count: Int) -> Bool {
    guard divisor > 1, count > 1 else { return false }
    // Each weight after the first one would be a multiple with a chance of 1 in `divisor`.
    let digits = Double(String(divisor).count - 1)
    return Double(count - 1) * max(0.3, digits) >= certainty
  }

  package static func commonDivisor(_ left: UInt64, _ right: UInt64) -> UInt64 {
    var (left, right) = (left, right)
    while right > 0 { (left, right) = (right, left % right) }
    return left
  }
}

extension Array {
  fileprivate subscript(safe index: Int) -> Element? { indices.contains(index) ? self[index] : nil }
}
