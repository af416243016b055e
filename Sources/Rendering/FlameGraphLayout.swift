import ProfileModel

/// The rectangles of a flame graph, as numbers.
///
/// Positions and widths are counted in the profile's own unit, so that nothing is rounded before a picture is drawn.
package struct FlameGraphLayout: Sendable {
  /// One rectangle.
  package struct Box: Equatable, Sendable {
    package let label: FrameLabel
    /// Rows above the root.
    package let depth: Int
    /// What stands left of the box, of `total`.
    package let start: UInt64
    /// The width.
    package let total: UInt64
    /// The part of the width that no box above covers, hidden ones included.
    package let own: UInt64
  }

  /// What a function weighs on its own, in all places together.
  package struct Share: Equatable, Sendable {
    package let label: FrameLabel
    package let own: UInt64
  }

  /// The weight of the whole profile.
  package let total: UInt64
  /// Callers before callees, siblings from left to right in the order of their names; none for an empty profile.
  package private(set) var boxes: [Box] = []
  package private(set) var rowCount = 0
  /// Below this many thousandths of the total a box is left out, with all above it.
  package let minimumPerMille: UInt64
  /// The same as a weight, in the unit of the tree's sums.
  let minimumWeight: UInt64
  /// The width that is left empty, as what stands there is too small.
  package private(set) var hiddenWeight: UInt64 = 0
  /// At most five functions with the largest weight of their own, the largest first.
  package let hottest: [Share]

  package init(_ tree: CallTree, minimumPerMille: UInt64 = 1) {
    total = tree.total
    self.minimumPerMille = min(1000, minimumPerMille)
    minimumWeight = CallTreeBuilder.leastWeight(self.minimumPerMille * 1000, of: tree.nodes[0].total)
    hottest = Self.hottest(tree)
    if total > 0 { place(tree) }
  }

  private mutating func place(_ tree: CallTree) {
    let measure = tree.measure
    var hidden: UInt64 = 0
    var depths = [Int32](repeating: 0, count: tree.nodes.count)
    for (index, node) in tree.nodes.enumerated() {
      let isShown = node.parent < 0 || depths[Int(node.parent)] >= 0
      if node.parent >= 0 { depths[index] = isShown ? depths[Int(node.parent)] + 1 : -1 }
      guard isShown else { continue }
      guard node.total >= minimumWeight else {
        depths[index] = -1
        continue
      }
      // What no shown callee covers, and is not the node's own.
      hidden += node.total - node.own
      if node.parent >= 0 { hidden -= node.total }
      boxes.append(
        Box(
          label: tree.label(of: index), depth: Int(depths[index]), start: measure.shown(node.start),
          total: measure.shown(node.total), own: measure.shown(node.own)))
      rowCount = max(rowCount, Int(depths[index]) + 1)
    }
    hiddenWeight = measure.shown(hidden)
  }

  private static func hottest(_ tree: CallTree) -> [Share] {
    let own = tree.ownOfLabel
    let ranked = own.indices.filter { own[$0] > 0 }.sorted { own[$0] != own[$1] ? own[$0] > own[$1] : $0 < $1 }
    return ranked.prefix(5).map { Share(label: tree.labels[$0], own: tree.measure.shown(own[$0])) }
  }
}
