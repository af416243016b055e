package import ProfileModel

/// Both sides of a comparison under the names that they share, with weights that mean the same.
package struct ComparedSides {
  package let base: [ComparedRun]
  package let new: [ComparedRun]
  /// What was taken for one thing although its names differ, a sentence each.
  package let notes: [String]
  private let profiles: (base: [Profile], new: [Profile])

  package init(base: ComparedSide, new: ComparedSide, _ basis: ComparisonBasis) {
    let match = ProgramMatch(base: base.profiles, new: new.profiles)
    notes = match.notes
    // Programs are matched by all of their code.
    profiles = (
      base.profiles.map { basis.shown(match.base($0)) }, new.profiles.map { basis.shown(match.new($0)) }
    )
    let multiple = Self.commonMultiple(of: base.runs + new.runs)
    let compared = { (runs: [ComparedSide.Run], profiles: [Profile]) in
      zip(runs, profiles).map { Self.compared($0, $1, basis, multiple: multiple) }
    }
    self.base = compared(base.runs, profiles.base)
    self.new = compared(new.runs, profiles.new)
  }

  /// Whether the weights of all runs of both sides can be added up.
  package var isSummable: Bool { Profile.areSummable(profiles.base + profiles.new) }

  /// All runs of each side as one profile, for a drawing of both.
  package var merged: (base: Profile, new: Profile) { (Self.merged(profiles.base), Self.merged(profiles.new)) }

  private static func merged(_ profiles: [Profile]) -> Profile { profiles.isEmpty ? Profile() : .merged(profiles) }

  private static func compared(
    _ run: ComparedSide.Run, _ profile: Profile, _ basis: ComparisonBasis, multiple: UInt64?
  ) -> ComparedRun {
    // Labels do not split what is compared.
    let profile = profile.withoutLabels
    let method = basis.method(of: run.kind)
    var costs = FunctionCosts(profile, method)
    var unit = run.unit
    var obstacle: String?
    var period: Double?
    switch basis.counting(of: run.kind) ?? run.counting {
    case .samples: break
    case .periods(let length): period = length
    case .multiples(let divisor): period = Double(multiple ?? divisor)
    case .unknown(let reason):
      obstacle = reason
      if run.kind == nil, unit == "samples" { unit = "units of weight" }
    }
    if let period {
      costs = costs.divided(by: period)
      unit = run.unit == "bytes" ? "allocation samples" : "samples"
    }
    var quality = RunQuality(
      kind: run.kind, unit: unit, frequencyHertz: run.frequencyHertz, machine: run.machine, lostShare: run.lostShare,
      of: profile, weigh: method.weigh)
    quality.countObstacle = obstacle
    quality.period = period
    return ComparedRun(name: run.name, costs: costs, quality: quality)
  }

  /// The weight of a sample of all files that do not tell it: in a short one it may look like a multiple by chance.
  private static func commonMultiple(of runs: [ComparedSide.Run]) -> UInt64? {
    let divisors = runs.compactMap { run in
      if case .multiples(let divisor) = run.counting { return divisor }
      return nil
    }
    let common = divisors.reduce(0, SampleCounting.commonDivisor)
    return SampleCounting.isPeriod(common) ? common : nil
  }
}
