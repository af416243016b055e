package import Comparison

/// A check for people who read a terminal or the log of a CI job.
package enum CheckText {
  package static func render(_ check: Check, isColored: Bool = false) -> String {
    let wording = CheckWording(check: check)
    var lines = [wording.verdict]
    if isColored { lines[0] = "\u{1B}[\(color(check.verdict))m\(lines[0])\u{1B}[0m" }
    lines += check.reasons.map { "  \(DisplayText.visible($0))" }
    lines += check.findings.map { "\(wording.label($0)): \(wording.sentence($0))" }
    if check.verdict != .notComparable {
      let improved = check.test.results.filter(\.isImprovement)
      lines += improved.map { result in
        "faster: \(CheckWording.visible(result.key.name)) \(CheckWording.plain(result.base.share)) ->"
          + " \(CheckWording.plain(result.new.share)) of the total, \(wording.growth(result))"
      }
      lines += [wording.total, wording.power, wording.noise]
    }
    lines.append("compared: \(wording.sides); \(wording.limits)")
    lines += wording.notes.map { "note: \(DisplayText.visible($0))" }
    return lines.map { $0 + "\n" }.joined()
  }

  private static func color(_ verdict: Check.Verdict) -> String {
    switch verdict {
    case .pass: "1;32"
    case .regression: "1;31"
    case .inconclusive, .notComparable: "1;33"
    }
  }
}
