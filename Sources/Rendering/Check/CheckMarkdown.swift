package import Comparison

/// A check as Markdown, for a job's summary or a comment: at most 64 KB, the limit of the usual platforms' comments.
package enum CheckMarkdown {
  package static func render(_ check: Check) -> String {
    let wording = CheckWording(check: check)
    var lines = ["### \(mark(check.verdict)) \(escaped(wording.verdict))", ""]
    lines += check.reasons.map { "- \(escaped($0))" }
    lines += check.findings.prefix(CheckWording.rowLimit).map {
      "- **\(wording.label($0))**: \(escaped(wording.sentence($0)))"
    }
    if check.findings.count > CheckWording.rowLimit {
      lines.append("- and \(check.findings.count - CheckWording.rowLimit) more")
    }
    if check.verdict != .notComparable {
      lines += ["", escaped(wording.total), "", escaped(wording.power), "", escaped(wording.noise)] + table(wording)
    }
    lines += ["", "Compared: \(escaped(wording.sides)); \(escaped(wording.limits))."]
    lines += wording.notes.map { "\n> \(escaped($0))" }
    return lines.map { $0 + "\n" }.joined()
  }

  private static func mark(_ verdict: Check.Verdict) -> String {
    switch verdict {
    case .pass: "✅"
    case .regression: "❌"
    case .inconclusive, .notComparable: "⚠️"
    }
  }

  private static func table(_ wording: CheckWording) -> [String] {
    let results = wording.check.test.results
    guard !results.isEmpty else { return [] }
    let rows = results.prefix(CheckWording.rowLimit).map { result in
      let verdict = result.isRegression ? "slower" : result.isImprovement ? "faster" : "~"
      let cells = [
        escaped(CheckWording.visible(result.key.name)), CheckWording.plain(result.base.share),
        CheckWording.plain(result.new.share), wording.growth(result), wording.interval(result),
        CheckWording.probability(result.changeP), wording.detectable(result), verdict,
      ]
      return "| \(cells.joined(separator: " | ")) |"
    }
    let more = results.count > rows.count ? ["", "\(results.count - rows.count) more were tested."] : []
    return [
      "", "| function | base | new | change | \(wording.confidence) CI | p | could be seen | verdict |",
      "|---|---:|---:|---:|---:|---:|---:|---|",
    ] + rows + more
  }

  /// Text that Markdown leaves alone, be it HTML, a table's bar or a link.
  static func escaped(_ text: String) -> String {
    var result = ""
    for character in DisplayText.visible(text) {
      switch character {
      case "&": result += "&amp;"
      case "<": result += "&lt;"
      case ">": result += "&gt;"
      case "\\", "`", "*", "_", "[", "]", "#", "|", "~", "!", "@": result += "\\" + String(character)
      default: result.append(character)
      }
    }
    return result
  }
}
