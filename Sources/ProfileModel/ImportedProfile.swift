/// What samples of a file stand for, beside their number.
package struct ImportedAmount: Equatable, Sendable {
  /// What is measured: `page-faults`, `inuse_space`.
  package let name: String
  /// `count`, `bytes` or `nanoseconds`, as pprof names units.
  package let unit: String

  package init(name: String, unit: String) {
    self.name = name
    self.unit = unit
  }

  /// What a sum of it is called.
  package var plural: String { unit == "count" ? name : unit }
  package var isTime: Bool { unit == "nanoseconds" }
}

extension Profile {
  /// The profile with counts alone.
  package var withoutAmounts: Profile {
    var profile = self
    profile.values = values.map { $0.weighing(Weight(count: $0.weight.count, nanoseconds: 0)) }
    return profile
  }

  /// The profile with amounts as its counts, for what shows one number.
  package var weighedByAmount: Profile {
    var profile = self
    profile.values = values.map { $0.weighing(Weight(count: $0.weight.nanoseconds, nanoseconds: 0)) }
    profile.timeline = timeline.map { timeline in
      Timeline(
        slotNanoseconds: timeline.slotNanoseconds,
        entries: timeline.entries.map {
          Timeline.Entry(slot: $0.slot, value: $0.value, count: $0.amount ?? $0.count)
        })
    }
    return profile
  }
}

/// A profile that was read from a file instead of recorded by us.
package struct ImportedProfile: Equatable, Sendable {
  /// What the counts of all stacks of a file may come to, and their ns: sums of files, and of what is drawn beside each
  /// other, then stay within 64 bits.
  package static let weightLimit: UInt64 = 1 << 58

  /// What the file tells of the capture; nil where it tells nothing.
  package var kind: TaskKind?
  /// What the profiles count, in the plural, as the file names it: `samples`.
  package var unit: String
  /// Whether threads and processes are those of the file; else all stacks are of one thread that stands for none.
  package var hasThreads: Bool
  /// A profile for each run that the file tells apart, in the order of their numbers; one where it knows no runs.
  package var runs: [Profile]
  /// What the counts of the profiles are.
  package var counting: SampleCounting
  /// Samples a second and CPU, where the file tells; nil where it does not.
  package var frequencyHertz: Int?
  /// What a profile of a difference was before, and `runs` after: a file with two counts for each stack.
  package var base: Profile?
  /// By what samples weigh; nil where each counts as one. The profiles have it in the place of nanoseconds.
  package var amount: ImportedAmount?
  /// Whether more lines were passed over than were read.
  package var hasMostlyOtherLines = false
  /// The event that was sampled, as the file names it.
  package var event: String?
  /// Things the reader should know, a sentence each: lines that were passed over, numbers that were rounded.
  package var warnings: [String]

  package init(
    kind: TaskKind? = nil, unit: String = "samples", hasThreads: Bool = false, runs: [Profile] = [],
    warnings: [String] = [], counting: SampleCounting = .samples, frequencyHertz: Int? = nil
  ) {
    self.kind = kind
    self.unit = unit
    self.hasThreads = hasThreads
    self.runs = runs
    self.warnings = warnings
    self.counting = counting
    self.frequencyHertz = frequencyHertz
  }

  /// Whether all runs together are heavier than sums of weights may be.
  package var isTooHeavy: Bool { !Profile.areSummable(runs) }

  /// All runs as one.
  package var profile: Profile { runs.isEmpty ? Profile() : Profile.merged(runs) }
}
