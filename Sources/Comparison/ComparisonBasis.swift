package import ProfileModel

/// What of two sides is compared, and by which weights.
package struct ComparisonBasis {
  package enum Scope: String, CaseIterable, Sendable {
    case function
    case module
  }

  /// What off-CPU stacks are weighed by.
  package enum Measure: String, CaseIterable, Sendable {
    case count
    case time
  }

  package var scope: Scope
  package var measure: Measure
  /// The stacks with a function that one of these finds are compared as one.
  package var watched: [TextPattern]
  /// Whether the native frames of interpreters are compared as well.
  package var showsInterpreterFrames: Bool

  package init(
    scope: Scope = .function, measure: Measure = .count, watched: [TextPattern] = [],
    showsInterpreterFrames: Bool = false
  ) {
    self.scope = scope
    self.measure = measure
    self.watched = watched
    self.showsInterpreterFrames = showsInterpreterFrames
  }

  /// The part of a profile that is compared.
  func shown(_ profile: Profile) -> Profile { showsInterpreterFrames ? profile : profile.withoutInterpreterFrames }

  /// - Parameter kind: of the run; nil where it is not known.
  func method(of kind: TaskKind?) -> FunctionCosts.Method {
    FunctionCosts.Method(
      weigh: isWeighedByTime(kind) ? { $0.nanoseconds / 1_000_000 } : { $0.count },
      kind: scope == .function ? .function : .module,
      watched: watched.map { pattern in ("/\(pattern.text)/", { pattern.finds($0) }) })
  }

  /// What the chosen weights say of the number of samples; nil for what the run itself tells.
  func counting(of kind: TaskKind?) -> SampleCounting? {
    isWeighedByTime(kind) ? .unknown(reason: "it is weighed by time") : nil
  }

  /// The time of on-CPU samples is their number.
  private func isWeighedByTime(_ kind: TaskKind?) -> Bool { measure == .time && kind != .onCPU }
}
