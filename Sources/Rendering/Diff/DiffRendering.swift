package import Comparison
import ProfileModel

/// How what changed between two sides is rendered in the format that was asked for.
package struct DiffRendering {
  package enum Format: String, CaseIterable, Sendable {
    case folded
    case svg
    case html
    case json
  }

  /// What changed: as text, as numbers, and what was taken for one thing although its names differ.
  package struct Difference {
    package let text: String
    package let check: Check
    package let notes: [String]
  }

  /// Nil for text.
  package let format: Format?
  package let title: String
  package let isColored: Bool

  package init(format: Format?, title: String, isColored: Bool) {
    self.format = format
    self.title = title
    self.isColored = isColored
  }

  package func render(
    _ before: ComparedSide, _ after: ComparedSide, _ basis: ComparisonBasis, _ options: Check.Options
  ) throws(UnsummableSides) -> Difference {
    var options = options
    // A person looks at it: small functions are shown as well, with what chance makes of them.
    options.limits.minimumSamples = 10
    options.limits.minimumShare = 0.001
    let sides = ComparedSides(base: before, new: after, basis)
    let check = Check(base: sides.base, new: sides.new, options: options)
    let root: CallTree.Root = before.hasThreads && after.hasThreads ? .process : .none
    let measure: WeightMeasure = basis.measure == .count ? .count : .microseconds
    return Difference(text: try text(check, sides, root, measure), check: check, notes: sides.notes)
  }

  private func text(
    _ check: Check, _ sides: ComparedSides, _ root: CallTree.Root, _ measure: WeightMeasure
  ) throws(UnsummableSides) -> String {
    if format == nil { return DiffText.render(check, isColored: isColored) }
    guard sides.isSummable else { throw UnsummableSides() }
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
}

/// The weights of both sides come to more than 64 bits.
package struct UnsummableSides: Error, CustomStringConvertible {
  package let description = "the weights of both sides are too large to be added up: nothing was compared"
}
