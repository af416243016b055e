package import ProfileModel

/// Runs of two commands by turns, so that a machine that becomes slower meanwhile does so for both.
package struct AlternatingRuns {
  package enum Side: Equatable, Sendable {
    case base
    case new
  }

  private let count: RunCount
  private let limit: Int
  private let hasBaseCommand: Bool

  /// - Parameters:
  ///   - limit: the most runs of each side that `auto` makes.
  ///   - hasBaseCommand: whether the base has a command to run too, or all its runs already.
  package init(_ count: RunCount, limit: Int, hasBaseCommand: Bool) {
    self.count = count
    self.limit = limit
    self.hasBaseCommand = hasBaseCommand
  }

  /// Makes the runs and adds them to their sides.
  ///
  /// How many runs `auto` makes depends on what could be seen with those that there are, never on what was seen: whoever
  /// stops at the first regression finds one in equal programs, too.
  ///
  /// - Parameters:
  ///   - report: gets why more runs are made.
  ///   - record: makes one run of a side.
  package func record(
    _ base: inout ComparedSide, _ new: inout ComparedSide, _ basis: ComparisonBasis, _ options: Check.Options,
    report: (String) -> Void, record: (Side) throws -> (ProfilingTask, Profile)
  ) throws {
    var options = options
    options.repeatable = hasBaseCommand ? .bothSides : .newSide
    var wanted = count.first(limit: limit)
    var run = 0
    while run < wanted {
      run += 1
      // The first place goes to each side by turns.
      for side in run % 2 == 0 ? [Side.new, .base] : [.base, .new] where side == .new || hasBaseCommand {
        let (task, profile) = try record(side)
        switch side {
        case .base: base.add(task, profile, name: "run \(run) of the baseline")
        case .new: new.add(task, profile, name: "run \(run)")
        }
      }
      guard count == .auto, run == wanted, run < limit else { continue }
      let sides = ComparedSides(base: base, new: new, basis)
      guard let needed = Check(base: sides.base, new: sides.new, options: options).runsNeeded, needed > run else {
        continue
      }
      // What is needed is estimated; it is estimated again when there is more to go by.
      wanted = min(needed, 2 * run, limit)
      report(
        "\(run) runs of each side are too few for a verdict, about \(needed) would do: going on, up to"
          + " \(min(needed, limit))")
    }
  }
}
