package import Comparison

/// What changed between two profiles, for a terminal: functions by the size of their change.
package enum DiffText {
  private static let rowLimit = 20
  private static let nameWidth = 48

  package static func render(_ check: Check, isColored: Bool = false) -> String {
    let wording = CheckWording(check: check)
    var lines = [wording.sides, ""]
    lines += check.reasons.filter { _ in check.verdict == .notComparable }.map { "warning: \(DisplayText.visible($0))" }
    let ranked = check.test.results.sorted { left, right in
      abs(left.impact) != abs(right.impact) ? abs(left.impact) > abs(right.impact) : left.key < right.key
    }
    let changed = ranked.filter { $0.base.samples > 0 && $0.new.samples > 0 }
    lines += table("changed", changed, wording, isColored: isColored)
    lines += table("new", ranked.filter { $0.base.samples == 0 }, wording, isColored: isColored)
    lines += table("vanished", ranked.filter { $0.new.samples == 0 }, wording, isColored: isColored)
    if ranked.isEmpty { lines.append("no function has the weight that a comparison takes") }
    lines += [wording.total, wording.power]
    lines += wording.notes.map { "note: \(DisplayText.visible($0))" }
    return lines.map { $0 + "\n" }.joined()
  }

  private static func table(
    _ title: String, _ results: [RegressionTest.Result], _ wording: CheckWording, isColored: Bool
  ) -> [String] {
    guard !results.isEmpty else { return [] }
    let head = row(["BASE", "NEW", "CHANGE", "\(wording.confidence) CI", "P"], title.uppercased())
    let rows = results.prefix(rowLimit).map { result in
      let text = row(
        [
          CheckWording.plain(result.base.share), CheckWording.plain(result.new.share), wording.growth(result),
          wording.interval(result), CheckWording.probability(result.changeP),
        ], name(result.key))
      // The sign stands in the text; color only repeats it.
      guard isColored, result.isRegression || result.isImprovement else { return text }
      return "\u{1B}[\(result.isRegression ? 33 : 34)m\(text)\u{1B}[0m"
    }
    let more = results.count > rowLimit ? ["and \(results.count - rowLimit) more"] : []
    return [head] + rows + more + [""]
  }

  private static func row(_ cells: [String], _ name: String) -> String {
    zip(cells, [8, 8, 13, 26, 11]).map { DisplayText.padded($0, to: $1, isRightAligned: true) }.joined() + "  " + name
  }

  private static func name(_ key: FunctionKey) -> String {
    let name = DisplayText.truncatedInMiddle(DisplayText.visible(key.name), to: nameWidth)
    return name + (key.module.map { "  \(DisplayText.visible($0))" } ?? "")
  }
}
