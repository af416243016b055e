package import ProfileModel

/// Which part of a weight a report counts.
package enum WeightMeasure: Sendable {
  case count
  case nanoseconds
  case microseconds

  package func value(of weight: Weight) -> UInt64 { shown(summand(of: weight)) }

  /// What is added up: microseconds are rounded once, when a sum is shown.
  func summand(of weight: Weight) -> UInt64 { self == .count ? weight.count : weight.nanoseconds }

  /// A sum in the measure's own unit.
  func shown(_ sum: UInt64) -> UInt64 { self == .microseconds ? sum / 1000 : sum }
}

/// The stacks of a profile, merged where they look the same, as one measure weighs them.
///
/// A profile's own prefix tree tells frames apart by address; here they are one when their labels are. The root is
/// `all`, below it stand process names and, where asked for, thread names. Processes of one name merge, as do threads
/// of one name within them.
package struct CallTree: Sendable {
  package struct Node: Sendable {
    /// The caller's node, lower than this node's own index; -1 for the root.
    package let parent: Int32
    /// An index into `labels`.
    package let label: Int32
    /// What stands left of the node, from the left edge of the root.
    package let start: UInt64
    /// The weight of stacks that end here or above.
    package let total: UInt64
    /// The weight of stacks that end here.
    package internal(set) var own: UInt64
  }

  /// What stands below the outermost functions.
  package enum Root: Sendable {
    case process
    /// The process's name, and in it the thread's.
    case thread
    case none
  }

  /// In the order of `FrameLabel.precedes`.
  package let labels: [FrameLabel]
  /// Depth first: a caller, then each callee with all that it calls, in the order of their labels.
  package let nodes: [Node]
  /// What each label weighs on its own, in all places together, by its index.
  package let ownOfLabel: [UInt64]
  package let measure: WeightMeasure

  /// A tree of other makings, whose nodes are in order.
  init(labels: [FrameLabel], nodes: [Node], ownOfLabel: [UInt64], measure: WeightMeasure) {
    self.labels = labels
    self.nodes = nodes
    self.ownOfLabel = ownOfLabel
    self.measure = measure
  }

  /// Merges a profile's stacks.
  ///
  /// - Parameters:
  ///   - root: what stacks stand on.
  ///   - minimumPerMillion: below this part of the whole, in millionths, a node is left out with all above it.
  ///   - label: what a frame is merged by, given the name of its module; called once for each frame of the profile.
  /// - Complexity: O(nodes of the profile's tree + nodes of the result x logarithm of callees).
  package init(
    _ profile: Profile, root: Root = .process, measure: WeightMeasure = .count, minimumPerMillion: UInt64 = 0,
    label: (Frame, Substring?) -> FrameLabel = { FrameLabel($0, module: $1) }
  ) {
    var table = LabelTable()
    let all = table.index(of: .all)
    let ofFrames = profile.frames.map { table.index(of: label($0, profile.moduleName(of: $0))) }
    let groups = ThreadGroups(profile, root: root) { table.index(of: $0) }
    let ranks = table.ranks
    self.measure = measure
    labels = table.sorted(by: ranks)
    var builder = CallTreeBuilder(
      profile, measure: measure, minimumPerMillion: minimumPerMillion, labelOfFrame: ofFrames.map { ranks[$0] },
      labelCount: ranks.count)
    builder.build(root: ranks[all], groups: groups.ranked(by: ranks))
    nodes = builder.nodes
    ownOfLabel = builder.ownOfLabel
  }

  private init(_ tree: CallTree, nodes: [Node]) {
    labels = tree.labels
    ownOfLabel = tree.ownOfLabel
    measure = tree.measure
    self.nodes = nodes
  }

  /// The tree without the nodes below a part of the whole, in millionths.
  func pruned(minimumPerMillion: UInt64) -> CallTree {
    let minimum = CallTreeBuilder.leastWeight(minimumPerMillion, of: nodes[0].total)
    var kept: [Node] = []
    // Callees are no heavier than their callers: a node that is kept has a caller that is.
    var places = [Int32](repeating: -1, count: nodes.count)
    for (index, node) in nodes.enumerated() where index == 0 || node.total >= minimum {
      places[index] = Int32(kept.count)
      let parent = node.parent < 0 ? -1 : places[Int(node.parent)]
      kept.append(Node(parent: parent, label: node.label, start: node.start, total: node.total, own: node.own))
    }
    return CallTree(self, nodes: kept)
  }

  /// The weight of the whole profile, in the measure's own unit.
  package var total: UInt64 { measure.shown(nodes[0].total) }
  package func total(of node: Int) -> UInt64 { measure.shown(nodes[node].total) }
  package func own(of node: Int) -> UInt64 { measure.shown(nodes[node].own) }
  package func label(of node: Int) -> FrameLabel { labels[Int(nodes[node].label)] }

  /// The children of every node, in the order of their labels.
  func children() -> Children {
    var starts = [Int32](repeating: 0, count: nodes.count + 1)
    for node in nodes where node.parent >= 0 { starts[Int(node.parent) + 1] += 1 }
    for index in nodes.indices { starts[index + 1] += starts[index] }
    var next = starts
    var members = [Int32](repeating: 0, count: nodes.count - 1)
    for (index, node) in nodes.enumerated() where node.parent >= 0 {
      members[Int(next[Int(node.parent)])] = Int32(index)
      next[Int(node.parent)] += 1
    }
    return Children(starts: starts, members: members)
  }

  /// Lists of child nodes, one behind the other.
  struct Children {
    fileprivate let starts: [Int32]
    fileprivate let members: [Int32]

    subscript(node: Int) -> ArraySlice<Int32> { members[Int(starts[node])..<Int(starts[node + 1])] }
  }
}

/// Numbers for labels, in the order in which they first come.
private struct LabelTable {
  private var labels: [FrameLabel] = []
  private var indices: [FrameLabel: Int] = [:]

  mutating func index(of label: FrameLabel) -> Int {
    if let known = indices[label] { return known }
    labels.append(label)
    indices[label] = labels.count - 1
    return labels.count - 1
  }

  /// The place of each label in their order, by its number.
  var ranks: [Int32] {
    var ranks = [Int32](repeating: 0, count: labels.count)
    for (rank, index) in labels.indices.sorted(by: { FrameLabel.precedes(labels[$0], labels[$1]) }).enumerated() {
      ranks[index] = Int32(rank)
    }
    return ranks
  }

  func sorted(by ranks: [Int32]) -> [FrameLabel] {
    var sorted = labels
    for (index, rank) in ranks.enumerated() { sorted[Int(rank)] = labels[index] }
    return sorted
  }
}

/// The threads of a profile by the labels that stand below their stacks.
struct ThreadGroups {
  /// Threads whose stacks stand on the same labels.
  struct Group {
    /// From the outermost to the innermost; none where stacks stand on the root.
    var labels: [Int32]
    /// Indices into the profile's values.
    var values: [Int] = []
  }

  private var groups: [Group] = []

  init(_ profile: Profile, root: CallTree.Root, index: (FrameLabel) -> Int) {
    var positions: [[Int32]: Int] = [:]
    let ofThread = profile.threads.map { thread -> [Int32] in
      switch root {
      case .none: []
      case .process: [Int32(index(FrameLabel(name: thread.processName, kind: .process)))]
      case .thread:
        [
          Int32(index(FrameLabel(name: thread.processName, kind: .process))),
          Int32(index(FrameLabel(name: thread.name, kind: .thread))),
        ]
      }
    }
    for (value, thread) in profile.values.lazy.map(\.thread).enumerated() {
      let labels = ofThread[thread]
      if let position = positions[labels] {
        groups[position].values.append(value)
      } else {
        positions[labels] = groups.count
        groups.append(Group(labels: labels, values: [value]))
      }
    }
  }

  /// The groups in the order of their labels' ranks.
  func ranked(by ranks: [Int32]) -> [Group] {
    groups.map { Group(labels: $0.labels.map { ranks[Int($0)] }, values: $0.values) }
      .sorted { $0.labels.lexicographicallyPrecedes($1.labels) }
  }
}
