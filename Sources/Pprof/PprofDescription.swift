package import ProfileModel

/// What a pprof file says of its samples beside their stacks.
package struct PprofDescription: Sendable {
  /// Nil where it is not known what was recorded.
  package var kind: TaskKind?
  /// What is counted, in the plural; used where the kind is not known.
  package var unit: String
  /// What stands in the place of nanoseconds, where that is no time of a CPU.
  package var amount: ImportedAmount?
  /// Whether samples are labeled with their threads.
  package var hasThreads: Bool
  /// The time between two samples in ns, where they tick.
  package var periodNanoseconds: UInt64?
  package var startedAt: WallTime?
  package var elapsedNanoseconds: UInt64?
  /// Lines for people, which programs pass over.
  package var comments: [String]

  package init(
    kind: TaskKind?, unit: String, hasThreads: Bool, periodNanoseconds: UInt64? = nil, startedAt: WallTime? = nil,
    elapsedNanoseconds: UInt64? = nil, comments: [String] = []
  ) {
    self.kind = kind
    self.unit = unit
    self.hasThreads = hasThreads
    self.periodNanoseconds = periodNanoseconds
    self.startedAt = startedAt
    self.elapsedNanoseconds = elapsedNanoseconds
    self.comments = comments
  }

  /// Everything that a task tells, its losses and defects among the comments.
  package init(_ task: ProfilingTask) {
    let frequency = (task.spec.kind.onCPU?.frequencyHertz).flatMap { $0 > 0 ? UInt64($0) : nil }
    self.init(
      kind: task.kind, unit: task.kind.unit, hasThreads: true,
      periodNanoseconds: frequency.map { 1_000_000_000 / $0 }, startedAt: task.startedAt,
      elapsedNanoseconds: task.elapsedNanoseconds, comments: Self.comments(on: task))
  }

  /// On-CPU profiles of runs that were sampled so often a second.
  package init(runsAtHertz frequency: Int) {
    self.init(
      kind: .onCPU, unit: TaskKind.onCPU.unit, hasThreads: true,
      periodNanoseconds: frequency > 0 ? 1_000_000_000 / UInt64(frequency) : nil)
  }

  private static func comments(on task: ProfilingTask) -> [String] {
    let account = task.account
    var lines = [
      "swprof \(task.kind.rawValue): \(task.target)",
      "host \(task.host), kernel \(task.kernel)",
      "\(account.taken) \(task.kind.unit) taken, \(account.lost) lost"
        + (account.lostNanoseconds > 0 ? ", \(account.lostNanoseconds) ns" : ""),
    ]
    lines += Phase.allCases.compactMap { phase in
      account.leftOut[phase].flatMap { left in
        left.count > 0 ? "left out: \(left.count) times \(phase.explanation), \(left.nanoseconds) ns" : nil
      }
    }
    lines += LossCause.allCases.compactMap { cause in
      account.losses[cause].flatMap { $0 > 0 ? "lost: \($0) \(cause.explanation)" : nil }
    }
    lines += DefectCause.allCases.compactMap { cause in
      account.defects[cause].flatMap { $0 > 0 ? "\($0) \(cause.explanation)" : nil }
    }
    if let version = task.version { lines.append("recorded by swprof \(version)") }
    if let note = task.note { lines.append("note: \(note)") }
    return lines + task.warnings
  }
}
