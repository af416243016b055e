#if canImport(Glibc)
  import Glibc
#endif

/// Whether functions have become slower between two sets of runs.
///
/// Counts with modelled dispersion, as where there are many counters and few replicates (Robinson and Smyth 2007 have
/// the idea), Student's t on the logarithm of the ratio, Holm's correction over all that is tested. Nothing is drawn at
/// random: equal input has an equal result.
package struct RegressionTest: Sendable {
  package struct Limits: Sendable, Equatable {
    /// The chance of a false alarm over the whole family.
    package var alpha = 0.01
    /// The relative growth below which a function has not regressed.
    package var growth = 0.05
    /// The added cost below which it has not, as a part of the whole.
    package var impact = 0.005
    /// Functions with less weight on both sides together, or a smaller share on either, are not tested.
    package var minimumSamples: UInt64 = 50
    package var minimumShare = 0.01

    package init() {}
  }

  /// One function on both sides.
  package struct Result: Sendable, Equatable {
    package let key: FunctionKey
    package let base: Side
    package let new: Side
    /// New over base after normalization, less 1.
    package let growth: Double
    /// Where the growth lies with probability 1 - alpha, this function looked at alone.
    package let lowestGrowth: Double
    package let highestGrowth: Double
    /// The probability of as much growth without a change, corrected for the size of the family.
    package internal(set) var p: Double
    /// The same for as much decline, of this function alone.
    package let declineP: Double
    /// The probability of as much change in the direction that it has, corrected for the size of the family.
    package internal(set) var changeP = 1.0
    /// The added cost as a part of the base's whole, after normalization.
    package let impact: Double
    /// The variance of its counts over what chance alone would make of them.
    package let dispersion: Double
    /// The smallest growth that would be found in four cases of five.
    package let detectable: Double
    package internal(set) var isRegression = false
    package internal(set) var isImprovement = false
  }

  /// What a function weighs on one side.
  package struct Side: Sendable, Equatable {
    package let samples: UInt64
    /// Of the whole side.
    package let share: Double
  }

  /// By p, the smallest first.
  package private(set) var results: [Result] = []
  /// The middle of the ratios of all shares: what normalization has divided by.
  package private(set) var commonFactor = 1.0
  package let limits: Limits

  /// What chance makes of the weight of one sample: 1 where weights are numbers of samples, else the variance over the
  /// mean that the runs show.
  private var sampleWeight = 1.0
  private let base: [FunctionCosts]
  private let new: [FunctionCosts]
  private let totals: (base: Double, new: Double)
  /// The weight of the family's middle against a function's own few runs, in degrees of freedom.
  private static let priorFreedom = 10.0
  /// Assumed where there is one run on a side.
  private static let dispersionOfOneRun = 2.0
  /// With this part of the weight, a function may decide the middle of all ratios alone.
  private static let dominantShare = 0.4
  /// The chance of missing a growth that is called detectable.
  private static let missRate = 0.2

  /// - Parameters:
  ///   - base: the costs of each run before the change.
  ///   - new: the costs of each run after it.
  ///   - isCounted: whether the costs are numbers of samples; other weights take two runs on each side.
  ///   - unchanged: new share over base share of a function that costs as much as before, by the costs of whole runs; nil
  ///     where those are not known to be alike.
  ///   - isExcluded: what is not tested, whatever it weighs.
  package init(
    base: [FunctionCosts], new: [FunctionCosts], limits: Limits = Limits(), isCounted: Bool = true,
    unchanged: Double? = nil, isExcluded: (FunctionKey) -> Bool = { _ in false }
  ) {
    self.base = base
    self.new = new
    self.limits = limits
    totals = (Self.total(of: base), Self.total(of: new))
    guard totals.base > 0, totals.new > 0 else { return }
    var family = candidates(isExcluded)
    if !isCounted {
      let spread = dispersions(Array(family.keys)).values.sorted()
      // One run of either side says nothing of chance: its whole weight may be one sample.
      sampleWeight =
        base.count > 1 && new.count > 1
        ? max(1, Self.median(spread) / Self.medianOfMeanSquare(freedom)) : max(totals.base, totals.new)
    }
    if isCounted || base.count > 1 && new.count > 1 {
      family = family.filter {
        Double($0.value.base + $0.value.new) >= Double(limits.minimumSamples) * sampleWeight
      }
    }
    // Subtrees overlap with functions; the middle of the functions is what they are held against as well.
    commonFactor = commonRatio(family.filter { $0.key.kind != .subtree }.map(\.value), unchanged: unchanged)
    let own = dispersions(Array(family.keys))
    let middle = Self.median(own.values.sorted())
    results = family.map { key, count in
      result(key, count, ownDispersion: own[key] ?? 1, middle: middle, familySize: family.count)
    }
    .sorted { ($0.p, $0.key) < ($1.p, $1.key) }
    judge()
  }

  private typealias Count = (base: UInt64, new: UInt64)

  private static func total(of runs: [FunctionCosts]) -> Double { runs.reduce(0) { $0 + Double($1.total) } }

  /// The median of a chi-squared variate over its degrees of freedom (Wilson and Hilferty 1931).
  private static func medianOfMeanSquare(_ freedom: Double) -> Double {
    let root = 1 - 2 / (9 * max(1, freedom))
    return root * root * root
  }

  private func candidates(_ isExcluded: (FunctionKey) -> Bool) -> [FunctionKey: Count] {
    var counts: [FunctionKey: Count] = [:]
    for run in base { for (key, own) in run.tested { counts[key, default: (0, 0)].base += own } }
    for run in new { for (key, own) in run.tested { counts[key, default: (0, 0)].new += own } }
    return counts.filter { key, count in
      let share = max(Double(count.base) / totals.base, Double(count.new) / totals.new)
      return share >= limits.minimumShare && !isExcluded(key)
    }
  }

  /// The middle of all ratios. Where one function has about half of the weight, it could as well be the ratio of that one or
  /// of all others: whether it became slower or they became faster is told by what whole runs cost.
  private func commonRatio(_ counts: [Count], unchanged: Double?) -> Double {
    let counts = counts.filter { $0.base > 0 && $0.new > 0 }
    let heaviest = counts.indices.max { counts[$0].base + counts[$0].new < counts[$1].base + counts[$1].new }
    guard let unchanged, let heaviest, counts.count > 1 else { return medianRatio(counts) }
    let sum = counts.reduce(0.0) { $0 + Double($1.base + $1.new) }
    guard Double(counts[heaviest].base + counts[heaviest].new) >= Self.dominantShare * sum else {
      return medianRatio(counts)
    }
    let own = medianRatio([counts[heaviest]])
    let rest = medianRatio(counts.enumerated().filter { $0.offset != heaviest }.map(\.element))
    return abs(log(rest / unchanged)) < abs(log(own / unchanged)) ? rest : own
  }

  /// The median of new share over base share, each weighted by its samples: one function's growth is not the others'
  /// gain.
  private func medianRatio(_ counts: [Count]) -> Double {
    let ratios = counts.filter { $0.base > 0 && $0.new > 0 }
      .map { (ratio: Double($0.new) / totals.new / (Double($0.base) / totals.base), weight: Double($0.base + $0.new)) }
      .sorted { $0.ratio < $1.ratio }
    let half = ratios.reduce(0) { $0 + $1.weight } / 2
    var seen = 0.0
    for (ratio, weight) in ratios {
      seen += weight
      if seen >= half { return ratio }
    }
    return 1
  }

  private static func median(_ sorted: [Double]) -> Double {
    guard !sorted.isEmpty else { return 1 }
    let middle = sorted.count / 2
    return sorted.count % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2
  }

  private var freedom: Double { Double(max(0, base.count - 1) + max(0, new.count - 1)) }

  /// Pearson's estimate for each function, over the runs of both sides.
  private func dispersions(_ keys: [FunctionKey]) -> [FunctionKey: Double] {
    guard base.count > 1, new.count > 1 else {
      return Dictionary(uniqueKeysWithValues: keys.map { ($0, Self.dispersionOfOneRun) })
    }
    var sums = Dictionary(uniqueKeysWithValues: keys.map { ($0, 0.0) })
    for side in [base, new] {
      let total = Self.total(of: side)
      let tested = side.map(\.tested)
      for key in keys {
        let rate = tested.reduce(0.0) { $0 + Double($1[key] ?? 0) } / total
        for (run, counts) in zip(side, tested) where rate > 0 && run.total > 0 {
          let expected = rate * Double(run.total)
          let difference = Double(counts[key] ?? 0) - expected
          sums[key, default: 0] += difference * difference / expected
        }
      }
    }
    return sums.mapValues { $0 / freedom }
  }

  private func result(
    _ key: FunctionKey, _ count: Count, ownDispersion: Double, middle: Double, familySize: Int
  ) -> Result {
    let shrunk = (freedom * ownDispersion + Self.priorFreedom * middle) / (freedom + Self.priorFreedom)
    let dispersion = max(sampleWeight, shrunk)
    let degrees = freedom + Self.priorFreedom
    // Half a sample where there is none: a function that is new grows from nearly nothing, not from nothing.
    let baseCount = max(0.5 * sampleWeight, Double(count.base))
    let newCount = max(0.5 * sampleWeight, Double(count.new))
    let ratio = log(newCount / totals.new) - log(baseCount / totals.base) - log(commonFactor)
    let deviation = (dispersion * (1 / baseCount + 1 / newCount)).squareRoot()
    let margin = StudentT.quantile(upperTail: limits.alpha / 2, freedom: degrees) * deviation
    let base = Side(samples: count.base, share: Double(count.base) / totals.base)
    let new = Side(samples: count.new, share: Double(count.new) / totals.new)
    let power = Self.power(alpha: limits.alpha / Double(familySize), freedom: degrees)
    return Result(
      key: key, base: base, new: new, growth: exp(ratio) - 1, lowestGrowth: exp(ratio - margin) - 1,
      highestGrowth: exp(ratio + margin) - 1, p: StudentT.upperTail(ratio / deviation, freedom: degrees),
      declineP: StudentT.upperTail(-ratio / deviation, freedom: degrees),
      impact: new.share / commonFactor - base.share, dispersion: dispersion / sampleWeight,
      detectable: exp(power * deviation) - 1)
  }

  /// How many standard deviations a growth has that is found in four cases of five.
  private static func power(alpha: Double, freedom: Double) -> Double {
    StudentT.quantile(upperTail: alpha, freedom: freedom) + StudentT.quantile(upperTail: missRate, freedom: freedom)
  }

  /// Which sides can have more runs.
  package enum Repeatable: Sendable {
    case bothSides
    case newSide
  }

  /// How many runs of a side would do to find a growth of a function in four cases of five, if they are as those that
  /// there are; nil where no number would.
  package func runs(toSee growth: Double, of result: Result, repeating sides: Repeatable) -> Int? {
    guard growth > 0, !base.isEmpty, !new.isEmpty else { return nil }
    let counts = (Double(max(1, result.base.samples)), Double(max(1, result.new.samples)))
    func isEnough(_ runs: Int) -> Bool {
      let baseRuns = sides == .bothSides ? runs : base.count
      let base = counts.0 * Double(baseRuns) / Double(base.count)
      let new = counts.1 * Double(runs) / Double(new.count)
      let deviation = (result.dispersion * sampleWeight * (1 / base + 1 / new)).squareRoot()
      let freedom = Double(baseRuns + runs - 2) + Self.priorFreedom
      return exp(Self.power(alpha: limits.alpha / Double(results.count), freedom: freedom) * deviation) - 1 <= growth
    }
    return Self.smallest(isEnough)
  }

  /// How many runs of a side would do for the heaviest function to be tested; nil where no number would.
  func runsToTestAny(_ isExcluded: (FunctionKey) -> Bool) -> Int? {
    let heaviest = candidates(isExcluded).values.map { $0.base + $0.new }.max() ?? 0
    guard heaviest > 0, !base.isEmpty, !new.isEmpty else { return nil }
    let wanted = Double(limits.minimumSamples) * sampleWeight / Double(heaviest)
    let runs = (wanted * Double(max(base.count, new.count))).rounded(.up)
    return runs <= Double(Self.mostRuns) ? Int(runs) : nil
  }

  /// What is larger is no number of runs that anybody makes.
  private static let mostRuns = 1_000_000

  private static func smallest(_ isEnough: (Int) -> Bool) -> Int? {
    guard isEnough(mostRuns) else { return nil }
    var (low, high) = (0, mostRuns)
    while high - low > 1 {
      let middle = (low + high) / 2
      if isEnough(middle) { high = middle } else { low = middle }
    }
    return high
  }

  /// Holm's step-down correction of the sorted results, and the verdict on each.
  private mutating func judge() {
    var highest = 0.0
    for index in results.indices {
      highest = max(highest, min(1, results[index].p * Double(results.count - index)))
      results[index].p = highest
      let result = results[index]
      results[index].changeP =
        result.growth < 0 ? min(1, result.declineP * Double(results.count)) : highest
      results[index].isRegression =
        highest <= limits.alpha && result.growth >= limits.growth && result.impact >= limits.impact
      results[index].isImprovement =
        result.declineP * Double(results.count) <= limits.alpha && result.growth <= -limits.growth
        && result.impact <= -limits.impact
    }
  }

  /// The cost of a function on both sides in units of the base's whole, after normalization.
  func normalized(_ cost: (FunctionCosts) -> UInt64) -> (base: Double, new: Double) {
    let sums = (base.reduce(0) { $0 + Double(cost($1)) }, new.reduce(0) { $0 + Double(cost($1)) })
    return (sums.0 / totals.base, sums.1 / totals.new / commonFactor)
  }
}
