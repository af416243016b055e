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
  /// The boxes that were left out.
  package private(set) var hiddenCount = 0
  /// The width that they would have covered.
  package private(set) var hiddenWeight: UInt64 = 0
  /// At most five functions with the largest weight of their own, the largest first.
  package let hottest: [Share]

  package init(_ tree: CallTree, measure: WeightMeasure = .count, minimumPerMille: UInt64 = 1) {
    total = tree.nodes.first.map { measure.value(of: $0.total) } ?? 0
    self.minimumPerMille = min(1000, minimumPerMille)
    hottest = Self.hottest(tree, measure: measure)
    if total > 0 { place(tree, measure: measure) }
  }

  private mutating func place(_ tree: CallTree, measure: WeightMeasure) {
    struct Place {
      let node: Int
      let depth: Int
      let start: UInt64
    }
    let children = tree.orderedChildren()
    // Rounded up: the smallest weight that is not below the share.
    let (quotient, remainder) = UInt64(1000).dividingFullWidth(total.multipliedFullWidth(by: minimumPerMille))
    let minimum = max(1, remainder > 0 ? quotient + 1 : quotient)
    // A list of our own instead of recursion: stacks may be thousands of frames deep.
    var pending = [Place(node: 0, depth: 0, start: 0)]
    while let place = pending.popLast() {
      let node = tree.nodes[place.node]
      boxes.append(
        Box(
          label: tree.labels[node.label], depth: place.depth, start: place.start,
          total: measure.value(of: node.total), own: measure.value(of: node.own)))
      rowCount = max(rowCount, place.depth + 1)
      var start = place.start
      var visible: [Place] = []
      for child in children[place.node] {
        let weight = measure.value(of: tree.nodes[child].total)
        if weight >= minimum {
          visible.append(Place(node: child, depth: place.depth + 1, start: start))
        } else {
          hiddenWeight += weight
        }
        start += weight
      }
      pending += visible.reversed()
    }
    hiddenCount = tree.nodes.count - boxes.count
  }

  private static func hottest(_ tree: CallTree, measure: WeightMeasure) -> [Share] {
    var own = [UInt64](repeating: 0, count: tree.labels.count)
    for node in tree.nodes { own[node.label] += measure.value(of: node.own) }
    let ranked = own.indices.filter { own[$0] > 0 }.sorted { left, right in
      own[left] != own[right] ? own[left] > own[right] : FrameLabel.precedes(tree.labels[left], tree.labels[right])
    }
    return ranked.prefix(5).map { Share(label: tree.labels[$0], own: own[$0]) }
  }
}
