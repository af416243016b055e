package import ProfileModel

/// What changed between two profiles, as a flame graph: every stack of either side, none left out.
///
/// A frame is as wide as the mean of its shares of both sides, so that what vanished and what came are both there. Its
/// color is that of the change of its own share, orange for more and blue for less, the stronger the larger; the sign
/// also stands in its name, with the change of its whole share in points.
package enum DiffGraph {
  /// The whole width, which both sides are scaled to.
  private static let whole: UInt64 = 1_000_000_000

  /// Renders the graph as an SVG document.
  package static func svg(
    base: Profile, new: Profile, title: String, subtitle: String, root: CallTree.Root = .process,
    measure: WeightMeasure = .count
  ) -> String {
    SVG.render(
      tree(base: base, new: new, root: root, measure: measure), title: title, subtitle: subtitle,
      unit: "billionths of both sides")
  }

  /// The picture alone, for a page.
  static func still(
    base: Profile, new: Profile, title: String, root: CallTree.Root, measure: WeightMeasure
  ) -> String {
    SVG.still(
      tree(base: base, new: new, root: root, measure: measure).pruned(minimumPerMillion: 1000), title: title,
      unit: "billionths of both sides", palette: .onCPU, minimumPerMille: 1)
  }

  /// The call tree of both sides, a label of its own for each node.
  static func tree(base: Profile, new: Profile, root: CallTree.Root, measure: WeightMeasure) -> CallTree {
    let diff = DiffTree(base: base, new: new, root: root, measure: measure)
    let sums = (base: diff.nodes[0].base.total, new: diff.nodes[0].new.total)
    // Shares in billionths of each side; a side without weight has no shares.
    // Rounded down, so that callees never stand out of their caller.
    func scaled(_ part: UInt64, _ sum: UInt64) -> UInt64 {
      part < sum ? sum.dividingFullWidth(part.multipliedFullWidth(by: whole)).quotient : part == 0 ? 0 : whole
    }
    let ownChanges = diff.nodes.map {
      Int64(scaled($0.new.own, sums.new)) - Int64(scaled($0.base.own, sums.base))
    }
    let largest = max(1, ownChanges.map(\.magnitude).max() ?? 1)
    var nodes: [CallTree.Node] = []
    var labels: [FrameLabel] = []
    // Where the next callee of each node begins.
    var next: [UInt64] = []
    for (index, node) in diff.nodes.enumerated() {
      let shares = (base: scaled(node.base.total, sums.base), new: scaled(node.new.total, sums.new))
      let owns = (base: scaled(node.base.own, sums.base), new: scaled(node.new.own, sums.new))
      let start = node.parent < 0 ? 0 : next[node.parent]
      let total = (shares.base + shares.new) / 2
      if node.parent >= 0 { next[node.parent] += total }
      next.append(start)
      nodes.append(
        CallTree.Node(
          parent: Int32(node.parent), label: Int32(index), start: start, total: total,
          own: min(total, (owns.base + owns.new) / 2)))
      labels.append(label(node, shares: shares, ownChange: ownChanges[index], largest: largest))
    }
    return CallTree(labels: labels, nodes: nodes, ownOfLabel: ownChanges.map(\.magnitude), measure: .count)
  }

  private static func label(
    _ node: DiffTree.Node, shares: (base: UInt64, new: UInt64), ownChange: Int64, largest: UInt64
  ) -> FrameLabel {
    let change = Int64(shares.new) - Int64(shares.base)
    let isRoot = node.parent < 0
    let name = isRoot || change == 0 ? node.label.name : "\(node.label.name) \(points(change))"
    let state = node.base.total == 0 ? "new, " : node.new.total == 0 ? "vanished, " : ""
    let place = node.label.module.map { ", \($0)" } ?? ""
    let text =
      "\(state)\(percent(shares.base)) -> \(percent(shares.new)), \(points(change)) points, own \(points(ownChange)),"
      + " \(NumberText.grouped(node.base.total)) -> \(NumberText.grouped(node.new.total))\(place)"
    // The largest change has the strongest color; any change has one.
    let level = ownChange == 0 ? 0 : max(1, Int(7 * ownChange.magnitude / largest))
    return FrameLabel(
      name: name, module: isRoot ? nil : text, kind: isRoot ? .all : .change(ownChange < 0 ? -level : level))
  }

  private static func percent(_ share: UInt64) -> String { "\(NumberText.percent(share, of: whole)) %" }

  /// A change of a share in percentage points, with its sign: `+2.71`.
  private static func points(_ change: Int64) -> String {
    (change < 0 ? "-" : "+") + NumberText.percent(change.magnitude, of: whole)
  }
}
