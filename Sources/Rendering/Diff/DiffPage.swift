package import Comparison
package import ProfileModel

/// A comparison as a page: the functions by their change, and the graph of both sides.
package enum DiffPage {
  private static let rowLimit = 100

  package static func render(
    _ check: Check, base: Profile, new: Profile, title: String, root: CallTree.Root = .process,
    measure: WeightMeasure = .count
  ) -> String {
    let wording = CheckWording(check: check)
    let body = [
      "<h1>\(HTML.text(title))</h1>", "<p class=\"quiet\">\(HTML.text(wording.sides))</p>",
      HTML.list(check.verdict == .notComparable ? check.reasons : []),
      HTML.section("Functions by change", id: "functions", table(wording)),
      HTML.section(
        "Both sides", id: "graph",
        "<p class=\"quiet\">Orange: more of its own than before. Blue: less. The sign stands in the name, in points.</p>\n"
          + DiffGraph.still(base: base, new: new, title: title, root: root, measure: measure)),
      HTML.section(
        "How sure this is", id: "quality", HTML.list([wording.total, wording.power, wording.noise] + wording.notes)),
    ].filter { !$0.isEmpty }.joined(separator: "\n")
    return HTMLDocument(
      title: title, body: body, style: WebFile.pageStyle, innerStyles: [FlameStyle.pageSheet(.onCPU)]
    ).text
  }

  private static func table(_ wording: CheckWording) -> String {
    let ranked = wording.check.test.results.sorted { left, right in
      abs(left.impact) != abs(right.impact) ? abs(left.impact) > abs(right.impact) : left.key < right.key
    }
    guard !ranked.isEmpty else { return "<p>No function has the weight that a comparison takes.</p>" }
    let head = ["base", "new", "change", "\(wording.confidence) CI", "p", "module", "function"]
    let rows = ranked.prefix(rowLimit).map { result in
      [
        CheckWording.plain(result.base.share), CheckWording.plain(result.new.share),
        result.new.samples == 0 ? "vanished" : wording.growth(result), wording.interval(result),
        CheckWording.probability(result.changeP), result.key.module ?? "", result.key.name,
      ].map { "<td>\(HTML.text(CheckWording.visible($0)))</td>" }.joined()
    }
    let more = ranked.count > rowLimit ? "<p class=\"quiet\">and \(ranked.count - rowLimit) more</p>" : ""
    return
      "<div class=\"scroll\"><table>\n<thead><tr>\(head.map { "<th>\(HTML.text($0))</th>" }.joined())</tr></thead>\n<tbody>\n"
      + rows.map { "<tr>\($0)</tr>\n" }.joined() + "</tbody>\n</table></div>\(more)"
  }
}
