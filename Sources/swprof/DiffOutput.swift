import Comparison
import ProfileModel
import Rendering

/// What changed between two sides, in the format that was asked for.
struct DiffOutput {
  let comparison: ComparisonOptions
  /// Nil for text.
  let format: DiffCommand.Format?
  let title: String
  let isColored: Bool

  func render(_ before: ComparedSide, _ after: ComparedSide) throws -> (text: String, check: Check, notes: [String]) {
    var options = comparison.checkOptions
    // A person looks at it: small functions are shown as well, with what chance makes of them.
    options.limits.minimumSamples = 10
    options.limits.minimumShare = 0.001
    let sides = ComparedSides(base: before, new: after, comparison)
    let check = Check(base: sides.base, new: sides.new, options: options)
    return (try text(check, sides, hasThreads: before.hasThreads && after.hasThreads), check, sides.notes)
  }

  private func text(_ check: Check, _ sides: ComparedSides, hasThreads: Bool) throws -> String {
    let root: CallTree.Root = hasThreads ? .process : .none
    if format == nil { return DiffText.render(check, isColored: isColored) }
    guard sides.isSummable else {
      throw Failure("the weights of both sides are too large to be added up: nothing was compared", .malformedData)
    }
    let (before, after) = sides.merged
    switch format {
    case .svg:
      return DiffGraph.svg(
        base: before, new: after, title: title,
        subtitle: "orange: more of its own than before, blue: less; shares of \(before.total.count) and"
          + " \(after.total.count) \(check.unit)", root: root, measure: measure)
    case .html: return DiffPage.render(check, base: before, new: after, title: title, root: root, measure: measure)
    case .folded: return DiffFolded.render(base: before, new: after, root: root, measure: measure)
    case .json, nil: return CheckJSON.render(check, schema: "swprof.diff")
    }
  }

  private var measure: WeightMeasure { comparison.weight == .count ? .count : .microseconds }
}
