package import ProfileModel

/// One run of a program as it comes to a comparison.
package struct ComparedRun: Sendable {
  /// What the reader knows it by: `task 12`, `base.pb.gz, run 3`.
  package let name: String
  package let costs: FunctionCosts
  package let quality: RunQuality

  package init(name: String, costs: FunctionCosts, quality: RunQuality) {
    self.name = name
    self.costs = costs
    self.quality = quality
  }
}

/// What decides whether a run can be compared with another.
package struct RunQuality: Sendable, Equatable {
  /// Nil where the file does not tell.
  package var kind: TaskKind?
  package var unit: String
  /// Ticks a second and CPU.
  package var frequencyHertz: Int?
  /// Host and kernel; nil where they are not known.
  package var machine: String?
  /// Samples that were lost, as a part of all.
  package var lostShare: Double
  /// Why its weights are no numbers of samples; nil where they are.
  package var countObstacle: String?
  /// What a sample weighed before weights were made numbers of samples; nil where they were.
  package var period: Double?
  /// The weight of stacks that were cut short, as a part of all.
  package private(set) var truncatedShare = 0.0
  /// The weight of stacks with a frame that has no name.
  package private(set) var unresolvedShare = 0.0

  package init(
    kind: TaskKind?, unit: String, frequencyHertz: Int? = nil, machine: String? = nil, lostShare: Double = 0,
    of profile: Profile, weigh: (Weight) -> UInt64 = { $0.count }
  ) {
    self.kind = kind
    self.unit = unit
    self.frequencyHertz = frequencyHertz
    self.machine = machine
    self.lostShare = lostShare
    var total: UInt64 = 0
    var truncated: UInt64 = 0
    var unresolved: UInt64 = 0
    for value in profile.values {
      let path = profile.stacks.path(to: value.stack).map { profile.frames[$0] }
      let weight = weigh(value.weight)
      total += weight
      if path.first?.isTruncation == true { truncated += weight }
      if path.contains(where: { $0.origin == .unresolved }) { unresolved += weight }
    }
    guard total > 0 else { return }
    truncatedShare = Double(truncated) / Double(total)
    unresolvedShare = Double(unresolved) / Double(total)
  }
}

/// Whether two sides can be compared at all.
struct Comparability {
  /// Why not; empty where they can.
  private(set) var obstacles: [String] = []
  /// Why totals can't be, where functions can.
  private(set) var machineDifference: String?
  /// Whether the weights of all runs together stay within 64 bits.
  private(set) var isSummable = true

  private static let lostLimit = 0.01
  /// What functions weigh themselves does not depend on the roots of stacks, and the first milliseconds of every program
  /// have no unwind tables yet.
  private static let truncatedLimit = 0.05
  private static let unresolvedDifference = 0.05

  init(base: [ComparedRun], new: [ComparedRun]) {
    let weight = (base + new).reduce(0.0) { $0 + Double($1.costs.total) }
    guard weight < Profile.weightLimit else {
      isSummable = false
      obstacles.append("the weights of all runs together are too large to be added up")
      return
    }
    for (name, side) in [("base", base), ("new", new)] {
      if side.isEmpty || side.allSatisfy({ $0.costs.total == 0 }) {
        obstacles.append("the \(name) side has no samples")
      }
    }
    guard obstacles.isEmpty else { return }
    let all = (base + new).map(\.quality)
    let kinds = Set(all.compactMap { $0.kind?.rawValue })
    if kinds.count > 1 {
      obstacles.append("the runs are of different kinds: \(kinds.sorted().joined(separator: ", "))")
    }
    let units = Set(all.map(\.unit))
    if units.count > 1 {
      obstacles.append("the runs count different things: \(units.sorted().joined(separator: ", "))")
    }
    let rates = Set(all.compactMap(\.frequencyHertz))
    if rates.count > 1 {
      obstacles.append(
        "the runs were sampled at different rates: \(rates.sorted().map { "\($0) Hz" }.joined(separator: ", "))")
    }
    let periods = Set(all.compactMap(\.period))
    if periods.count > 1 { obstacles.append("the runs were sampled with different periods") }
    if min(base.count, new.count) < 2, let run = (base + new).first(where: { $0.quality.countObstacle != nil }) {
      obstacles.append(
        "how many samples '\(run.name)' has is not known, \(run.quality.countObstacle ?? ""): such weights take two runs"
          + " or more on each side, or a profile with numbers of samples")
    }
    for (name, side) in [("base", base), ("new", new)] {
      refuse(Self.mean(side, \.lostShare), over: Self.lostLimit, "of the \(name) side's samples were lost")
      refuse(
        Self.mean(side, \.truncatedShare), over: Self.truncatedLimit, "of the \(name) side's stacks were cut short")
    }
    let unresolved = abs(Self.mean(base, \.unresolvedShare) - Self.mean(new, \.unresolvedShare))
    refuse(unresolved, over: Self.unresolvedDifference, "is how much the shares of stacks with unnamed frames differ")
    let machines = Set(all.map { $0.machine ?? "a machine that is not told" })
    if machines.count > 1 { machineDifference = machines.sorted().joined(separator: " and ") }
  }

  private static func mean(_ side: [ComparedRun], _ share: KeyPath<RunQuality, Double>) -> Double {
    let total = side.reduce(0.0) { $0 + Double($1.costs.total) }
    return side.reduce(0.0) { $0 + $1.quality[keyPath: share] * Double($1.costs.total) } / max(1, total)
  }

  private mutating func refuse(_ share: Double, over limit: Double, _ what: String) {
    guard share > limit else { return }
    obstacles.append("\(Self.percent(share)) \(what), more than \(Self.percent(limit))")
  }

  private static func percent(_ share: Double) -> String {
    let tenths = Int((share * 1000).rounded())
    return tenths % 10 == 0 ? "\(tenths / 10) %" : "\(tenths / 10).\(tenths % 10) %"
  }
}
