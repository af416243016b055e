package import ProfileModel

/// Which part of a weight a report counts.
package enum WeightMeasure: Sendable {
  case count
  case nanoseconds
  case microseconds

  package func value(of weight: Weight) -> UInt64 {
    switch self {
    case .count: weight.count
    case .nanoseconds: weight.nanoseconds
    case .microseconds: weight.nanoseconds / 1000
    }
  }
}

/// The stacks of a profile, merged where they look the same.
///
/// A profile's own prefix tree tells frames apart by address; here they are one when their labels are. The root is
/// `all`, below it stand process names and, where asked for, thread names. Processes of one name merge, as do threads
/// of one name within them.
package struct CallTree: Sendable {
  package struct Node: Sendable {
    /// The caller's node, lower than this node's own index; -1 for the root.
    package let parent: Int
    /// An index into `labels`.
    package let label: Int
    /// The weight of stacks that end here.
    package internal(set) var own = Weight.zero
    /// The weight of stacks that end here or above.
    package internal(set) var total = Weight.zero
  }

  /// What stands below the outermost functions.
  package enum Root: Sendable {
    case process
    /// The process's name, and in it the thread's.
    case thread
    case none
  }

  package let labels: [FrameLabel]
  /// Callers before callees; the first is the root.
  package let nodes: [Node]

  /// Merges a profile's stacks.
  ///
  /// - Parameters:
  ///   - root: what stacks stand on.
  ///   - label: what a frame is merged by, given the name of its module; called once for each frame of the profile.
  /// - Complexity: O(nodes of the result x threads that share no name).
  package init(
    _ profile: Profile, root: Root = .process,
    label: (Frame, Substring?) -> FrameLabel = { FrameLabel($0, module: $1) }
  ) {
    var builder = CallTreeBuilder()
    let frameLabels = profile.frames.map { builder.intern(label($0, profile.moduleName(of: $0))) }
    builder.add(profile, frameLabels: frameLabels, root: root)
    labels = builder.labels
    nodes = builder.totaled()
  }

  /// The children of every node, in the order of their labels.
  func orderedChildren() -> Children {
    var rank = [Int](repeating: 0, count: labels.count)
    for (position, label) in labels.indices.sorted(by: { FrameLabel.precedes(labels[$0], labels[$1]) }).enumerated() {
      rank[label] = position
    }
    return children { rank[nodes[$0].label] < rank[nodes[$1].label] }
  }

  /// The children of every node, in the given order.
  func children(by precedes: (Int, Int) -> Bool) -> Children {
    var starts = [Int](repeating: 0, count: nodes.count + 1)
    for node in nodes where node.parent >= 0 { starts[node.parent + 1] += 1 }
    for index in nodes.indices { starts[index + 1] += starts[index] }
    var next = starts
    var members = [Int](repeating: 0, count: nodes.count - 1)
    for (index, node) in nodes.enumerated() where node.parent >= 0 {
      members[next[node.parent]] = index
      next[node.parent] += 1
    }
    for index in nodes.indices where starts[index + 1] - starts[index] > 1 {
      members[starts[index]..<starts[index + 1]].sort(by: precedes)
    }
    return Children(starts: starts, members: members)
  }

  /// Lists of child nodes, one behind the other.
  struct Children {
    fileprivate let starts: [Int]
    fileprivate let members: [Int]

    subscript(node: Int) -> ArraySlice<Int> { members[starts[node]..<starts[node + 1]] }
  }
}

/// Grows a call tree; node 0 is the root.
private struct CallTreeBuilder {
  private struct Group: Hashable {
    let process: String?
    let thread: String?

    init(_ thread: ProfiledThread, _ root: CallTree.Root) {
      process = root == .none ? nil : thread.processName
      self.thread = root == .thread ? thread.name : nil
    }
  }

  private(set) var labels: [FrameLabel] = []
  private var labelIndices: [FrameLabel: Int] = [:]
  private var nodes: [CallTree.Node] = []
  /// Nodes by parent and label, packed into one number: it hashes several times faster than a pair.
  private var edges: [UInt64: Int] = [:]

  init() { nodes.append(CallTree.Node(parent: -1, label: intern(.all))) }

  mutating func intern(_ label: FrameLabel) -> Int {
    if let known = labelIndices[label] { return known }
    labels.append(label)
    labelIndices[label] = labels.count - 1
    return labels.count - 1
  }

  private mutating func child(of parent: Int, label: Int) -> Int {
    let edge = UInt64(parent) << 32 | UInt64(UInt32(label))
    // The newest node has no children yet; most stacks end in a run of new nodes.
    if parent != nodes.count - 1, let known = edges[edge] { return known }
    nodes.append(CallTree.Node(parent: parent, label: label))
    edges[edge] = nodes.count - 1
    return nodes.count - 1
  }

  mutating func add(_ profile: Profile, frameLabels: [Int], root: CallTree.Root) {
    let stacks = profile.stacks.nodes
    // Where each stack of the profile went to in the group at hand, so that shared callers are looked up once.
    var places = [Int](repeating: -1, count: stacks.count)
    for (group, values) in grouped(profile, root) {
      let root = place(of: group)
      var touched: [Int] = []
      for value in values {
        var missing: [Int] = []
        var stack = Int(value.stack)
        while stack >= 0, places[stack] < 0 {
          missing.append(stack)
          stack = Int(stacks[stack].parent)
        }
        var place = stack < 0 ? root : places[stack]
        for index in missing.reversed() {
          place = child(of: place, label: frameLabels[Int(stacks[index].frame)])
          places[index] = place
        }
        touched += missing
        nodes[place].own += value.weight
      }
      for index in touched { places[index] = -1 }
    }
  }

  private mutating func place(of group: Group) -> Int {
    guard let name = group.process else { return 0 }
    let process = child(of: 0, label: intern(FrameLabel(name: name, kind: .process)))
    guard let thread = group.thread else { return process }
    return child(of: process, label: intern(FrameLabel(name: thread, kind: .thread)))
  }

  /// The values by the names that stand above them, in the order in which the names first come.
  private func grouped(_ profile: Profile, _ root: CallTree.Root) -> [(Group, [Profile.Value])] {
    var groups: [(Group, [Profile.Value])] = []
    var positions: [Group: Int] = [:]
    let threadGroups = profile.threads.map { Group($0, root) }
    for value in profile.values {
      let group = threadGroups[value.thread]
      if let position = positions[group] {
        groups[position].1.append(value)
      } else {
        positions[group] = groups.count
        groups.append((group, [value]))
      }
    }
    return groups
  }

  /// The nodes with their totals, added up from the leaves: a child stands behind its parent.
  func totaled() -> [CallTree.Node] {
    var nodes = nodes
    for index in nodes.indices.reversed() {
      nodes[index].total += nodes[index].own
      let parent = nodes[index].parent
      if parent >= 0 { nodes[parent].total += nodes[index].total }
    }
    return nodes
  }
}
