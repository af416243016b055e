package import ProfileModel

/// Two call trees as one: every node of either side, with what it weighs on both.
package struct DiffTree: Sendable {
  package struct Node: Sendable {
    /// The caller's node, lower than this node's own index; -1 for the root.
    package let parent: Int
    package let depth: Int
    package let label: FrameLabel
    package let base: Weights
    package let new: Weights
  }

  /// What a node weighs on one side, in that side's own unit.
  package struct Weights: Equatable, Sendable {
    package let own: UInt64
    package let total: UInt64

    package static let none = Weights(own: 0, total: 0)
  }

  /// Depth first: a caller, then each callee with all that it calls, in the order of their labels.
  package private(set) var nodes: [Node] = []

  /// Puts the stacks of both sides on one root.
  package init(
    base: Profile, new: Profile, root: CallTree.Root = .process, measure: WeightMeasure = .count
  ) {
    let trees = (CallTree(base, root: root, measure: measure), CallTree(new, root: root, measure: measure))
    let children = (trees.0.children(), trees.1.children())
    struct Pair {
      let base: Int?
      let new: Int?
      let parent: Int
      let depth: Int
    }
    var pending = [Pair(base: 0, new: 0, parent: -1, depth: 0)]
    while let pair = pending.popLast() {
      guard let label = pair.base.map(trees.0.label) ?? pair.new.map(trees.1.label) else { continue }
      nodes.append(
        Node(
          parent: pair.parent, depth: pair.depth, label: label, base: Self.weights(pair.base, trees.0),
          new: Self.weights(pair.new, trees.1)))
      let parent = nodes.count - 1
      var left = pair.base.map { children.0[$0] } ?? []
      var right = pair.new.map { children.1[$0] } ?? []
      var pairs: [Pair] = []
      while let first = Self.first(left, right, trees) {
        pairs.append(
          Pair(
            base: first.isLeft ? left.popFirst().map(Int.init) : nil,
            new: first.isRight ? right.popFirst().map(Int.init) : nil, parent: parent, depth: pair.depth + 1))
      }
      pending += pairs.reversed()
    }
  }

  private static func weights(_ node: Int?, _ tree: CallTree) -> Weights {
    node.map { Weights(own: tree.own(of: $0), total: tree.total(of: $0)) } ?? .none
  }

  /// Which side has the label that comes next; nil where both are at their end.
  private static func first(
    _ left: ArraySlice<Int32>, _ right: ArraySlice<Int32>, _ trees: (CallTree, CallTree)
  ) -> (isLeft: Bool, isRight: Bool)? {
    guard let leftNode = left.first else { return right.isEmpty ? nil : (false, true) }
    guard let rightNode = right.first else { return (true, false) }
    let labels = (trees.0.label(of: Int(leftNode)), trees.1.label(of: Int(rightNode)))
    if labels.0 == labels.1 { return (true, true) }
    return FrameLabel.precedes(labels.0, labels.1) ? (true, false) : (false, true)
  }
}
