import ProfileModel

/// Grows a call tree from the root to the leaves, and only where it is heavy enough.
///
/// The weights of the profile's own tree are added up once. From there a node of the call tree is a set of the
/// profile's nodes with one label and equal callers, and its callees are the callees of all of them, by label. What is
/// lighter than asked for is left out before anything below it is looked at.
struct CallTreeBuilder {
  /// A node to be made. Its sources lie at the end of `sources` when its turn comes.
  private struct Pending {
    let parent: Int32
    let label: Int32
    let start: UInt64
    let total: UInt64
    let firstSource: Int
  }

  private let profile: Profile
  private let measure: WeightMeasure
  private let minimum: UInt64
  private let labelOfFrame: [Int32]
  /// By node of the profile's tree: what ends there or above, in the group at hand.
  private var totals: [UInt64]
  /// Callees that have weight, as lists; -1 ends them.
  private var firstChild: [Int32]
  private var sibling: [Int32]
  private var pending: [Pending] = []
  private var sources: [Int32] = []
  private(set) var nodes: [CallTree.Node] = []
  private(set) var ownOfLabel: [UInt64]

  init(
    _ profile: Profile, measure: WeightMeasure, minimumPerMillion: UInt64, labelOfFrame: [Int32], labelCount: Int
  ) {
    self.profile = profile
    self.measure = measure
    self.labelOfFrame = labelOfFrame
    let total = profile.values.reduce(UInt64(0)) { $0 + measure.summand(of: $1.weight) }
    minimum = Self.leastWeight(minimumPerMillion, of: total)
    totals = [UInt64](repeating: 0, count: profile.stacks.nodes.count)
    firstChild = [Int32](repeating: -1, count: profile.stacks.nodes.count)
    sibling = firstChild
    ownOfLabel = [UInt64](repeating: 0, count: labelCount)
    for value in profile.values {
      let leaf = Int(profile.stacks.nodes[Int(value.stack)].frame)
      ownOfLabel[Int(labelOfFrame[leaf])] += measure.summand(of: value.weight)
    }
  }

  /// The smallest weight that is not below a share in millionths, and not nothing.
  static func leastWeight(_ perMillion: UInt64, of total: UInt64) -> UInt64 {
    let (quotient, remainder) = UInt64(1_000_000).dividingFullWidth(
      total.multipliedFullWidth(by: min(1_000_000, perMillion)))
    return max(1, remainder > 0 ? quotient + 1 : quotient)
  }

  /// - Parameter groups: in the order of their labels.
  mutating func build(root: Int32, groups: [ThreadGroups.Group]) {
    let weights = groups.map { group in
      group.values.reduce(UInt64(0)) { $0 + measure.summand(of: profile.values[$1].weight) }
    }
    nodes.append(CallTree.Node(parent: -1, label: root, start: 0, total: weights.reduce(0, +), own: 0))
    var start: UInt64 = 0
    // The nodes of the labels that the group before stood on.
    var open: [(label: Int32, node: Int32)] = []
    for (index, group) in groups.enumerated() {
      defer { start += weights[index] }
      let shared = zip(open, group.labels).prefix { $0.label == $1 }.count
      open.removeSubrange(shared...)
      for depth in shared..<group.labels.count {
        let members = groups[index...].indices.prefix { other in
          groups[other].labels.starts(with: group.labels[...depth])
        }
        let total = members.reduce(UInt64(0)) { $0 + weights[$1] }
        guard total >= minimum else { break }
        nodes.append(
          CallTree.Node(
            parent: open.last?.node ?? 0, label: group.labels[depth], start: start, total: total, own: 0))
        open.append((group.labels[depth], Int32(nodes.count - 1)))
      }
      guard open.count == group.labels.count else {
        continue
      }
      grow(group, above: open.last?.node ?? 0, start: start)
    }
  }

  /// Stands for the first callee of a node that has been met, until it has one.
  private static let isTouched: Int32 = -2

  /// Adds the stacks of a group above a node.
  private mutating func grow(_ group: ThreadGroups.Group, above parent: Int32, start: UInt64) {
    var firstRoot: Int32 = -1
    if group.values.count == profile.values.count {
      for value in profile.values { totals[Int(value.stack)] += measure.summand(of: value.weight) }
      for node in totals.indices.reversed() where totals[node] > 0 { link(Int32(node), &firstRoot) }
      expand(firstRoot, above: parent, start: start)
    } else {
      let touched = touch(group)
      for node in touched.reversed() {
        if firstChild[Int(node)] == Self.isTouched { firstChild[Int(node)] = -1 }
        link(node, &firstRoot)
      }
      expand(firstRoot, above: parent, start: start)
      for node in touched {
        totals[Int(node)] = 0
        firstChild[Int(node)] = -1
      }
    }
  }

  /// Gives the leaves of a group's stacks their weights, and returns these stacks' nodes in their order.
  private mutating func touch(_ group: ThreadGroups.Group) -> [Int32] {
    var touched: [Int32] = []
    for index in group.values {
      let value = profile.values[index]
      let weight = measure.summand(of: value.weight)
      guard weight > 0 else { continue }
      // All callers of a node that has been met have been met.
      var node = value.stack
      while node >= 0, firstChild[Int(node)] == -1 {
        touched.append(node)
        firstChild[Int(node)] = Self.isTouched
        node = profile.stacks.nodes[Int(node)].parent
      }
      totals[Int(value.stack)] += weight
    }
    touched.sort()
    return touched
  }

  /// Passes a node's weight on to its caller, and puts it among its callees. Callees stand behind their callers: from
  /// the last node to the first, every weight is complete when it is passed on.
  private mutating func link(_ node: Int32, _ firstRoot: inout Int32) {
    let caller = Int(profile.stacks.nodes[Int(node)].parent)
    if caller < 0 {
      sibling[Int(node)] = firstRoot
      firstRoot = node
    } else {
      totals[caller] += totals[Int(node)]
      sibling[Int(node)] = max(-1, firstChild[caller])
      firstChild[caller] = node
    }
  }

  private mutating func expand(_ firstRoot: Int32, above parent: Int32, start: UInt64) {
    _ = pushCallees(ofLists: CollectionOfOne(firstRoot), above: parent, start: start)
    while let next = pending.popLast() { place(next) }
  }

  private mutating func place(_ next: Pending) {
    let parts = Array(sources[next.firstSource...])
    sources.removeSubrange(next.firstSource...)
    let index = nodes.count
    nodes.append(
      CallTree.Node(parent: next.parent, label: next.label, start: next.start, total: next.total, own: 0))
    let firstChild = firstChild
    let above = pushCallees(
      ofLists: parts.lazy.map { firstChild[Int($0)] }, above: Int32(index), start: next.start)
    nodes[index].own = next.total - above
  }

  /// Puts the callees in some lists on the pile, the first one on top.
  ///
  /// - Returns: the weight of all callees.
  private mutating func pushCallees(
    ofLists lists: some Sequence<Int32>, above parent: Int32, start: UInt64
  ) -> UInt64 {
    // By label, then by node.
    var callees: [UInt64] = []
    for first in lists {
      var node = first
      while node >= 0 {
        let label = labelOfFrame[Int(profile.stacks.nodes[Int(node)].frame)]
        callees.append(UInt64(label) << 32 | UInt64(node))
        node = sibling[Int(node)]
      }
    }
    if callees.count > 1 { callees.sort() }
    var runs: [(range: Range<Int>, start: UInt64, total: UInt64)] = []
    var position = start
    var first = 0
    while first < callees.count {
      var end = first
      var total: UInt64 = 0
      while end < callees.count, callees[end] >> 32 == callees[first] >> 32 {
        total += totals[Int(UInt32(truncatingIfNeeded: callees[end]))]
        end += 1
      }
      if total >= minimum { runs.append((first..<end, position, total)) }
      position += total
      first = end
    }
    for run in runs.reversed() {
      pending.append(
        Pending(
          parent: parent, label: Int32(callees[run.range.lowerBound] >> 32), start: run.start, total: run.total,
          firstSource: sources.count))
      sources += callees[run.range].lazy.map { Int32(truncatingIfNeeded: $0) }
    }
    return position - start
  }
}
