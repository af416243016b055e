/// What one stack of one thread weighs.
package struct Weight: Hashable, Sendable, Codable {
  /// Samples (on-CPU) or switches (off-CPU).
  package var count: UInt64
  package var nanoseconds: UInt64

  package init(count: UInt64, nanoseconds: UInt64) {
    self.count = count
    self.nanoseconds = nanoseconds
  }

  package static let zero = Weight(count: 0, nanoseconds: 0)

  package static func += (left: inout Weight, right: Weight) {
    left.count += right.count
    left.nanoseconds += right.nanoseconds
  }
}

/// All stacks of a profile as a prefix tree: a stack is a node, its callers are the node's ancestors.
package struct StackTree: Equatable, Sendable {
  package struct Node: Equatable, Hashable, Sendable {
    /// The caller's node, always lower than this node's own index; -1 for an outermost frame.
    package let parent: Int32
    /// An index into `Profile.frames`.
    package let frame: Int32

    package init(parent: Int32, frame: Int32) {
      self.parent = parent
      self.frame = frame
    }
  }

  package private(set) var nodes: [Node] = []

  package init() {}

  /// Adopts nodes that were read from a store.
  ///
  /// - Returns: nil when a parent does not come before its child or a frame is negative.
  package init?(nodes: [Node]) {
    for (index, node) in nodes.enumerated() where node.parent < -1 || Int(node.parent) >= index || node.frame < 0 {
      return nil
    }
    self.nodes = nodes
  }

  /// Makes room for a number of nodes in all.
  package mutating func reserveCapacity(_ count: Int) { nodes.reserveCapacity(count) }

  /// Adds a node without looking for an equal one; `StackTreeBuilder` does.
  package mutating func append(_ node: Node) -> Int32 {
    precondition(node.parent >= -1 && Int(node.parent) < nodes.count, "a parent precedes its child")
    nodes.append(node)
    return Int32(nodes.count - 1)
  }

  /// The frame indices of a stack from its root to its leaf.
  package func path(to stack: Int32) -> [Int] {
    var frames: [Int] = []
    var node = stack
    while node >= 0 {
      frames.append(Int(nodes[Int(node)].frame))
      node = nodes[Int(node)].parent
    }
    frames.reverse()
    return frames
  }
}

/// Builds a prefix tree in which equal stacks share one node.
package struct StackTreeBuilder: Sendable {
  package private(set) var tree = StackTree()
  private var children: [StackTree.Node: Int32] = [:]

  package init() {}

  /// Adds a stack, from root to leaf, and returns its node; nil for an empty stack.
  package mutating func insert(_ frames: some Sequence<Int>) -> Int32? {
    var parent: Int32 = -1
    for frame in frames {
      let node = StackTree.Node(parent: parent, frame: Int32(frame))
      if let known = children[node] {
        parent = known
      } else {
        parent = tree.append(node)
        children[node] = parent
      }
    }
    return parent < 0 ? nil : parent
  }
}

/// A thread that has values in a profile.
package struct ProfiledThread: Hashable, Sendable {
  package let process: ProcessID
  package let thread: ThreadID
  /// The name of the process's main thread (`comm`).
  package let processName: String
  /// The thread's own name.
  package let name: String

  package init(process: ProcessID, thread: ThreadID, processName: String, name: String) {
    self.process = process
    self.thread = thread
    self.processName = processName
    self.name = name
  }
}

/// The symbolicated result of one capture.
package struct Profile: Equatable, Sendable {
  /// What a stack weighs in one thread, under one set of labels.
  package struct Value: Hashable, Sendable {
    /// An index into `threads`.
    package let thread: Int
    /// A node of `stacks`.
    package let stack: Int32
    /// A number of `labels`: 0 for none. It takes what alignment would leave unused.
    package let labels: Int32
    package let weight: Weight
    /// The shortest and the longest of the waits that are counted, in ns; nil where time is not measured one by one.
    package let extremes: ClosedRange<UInt64>?

    package init(
      thread: Int, stack: Int32, labels: Int32 = 0, weight: Weight, extremes: ClosedRange<UInt64>? = nil
    ) {
      self.thread = thread
      self.stack = stack
      self.labels = labels
      self.weight = weight
      self.extremes = extremes
    }

    /// This value with another weight, and without extremes.
    package func weighing(_ weight: Weight) -> Value {
      Value(thread: thread, stack: stack, labels: labels, weight: weight)
    }
  }

  package var modules: [Module]
  package var frames: [Frame]
  package var threads: [ProfiledThread]
  package var stacks: StackTree
  /// The label sets of `values`.
  package var labels: LabelTable
  /// At most one value for each thread, stack and set of labels.
  package var values: [Value]
  /// When the samples were taken; nil where only their sums are known.
  package var timeline: Timeline?

  package init(
    modules: [Module] = [], frames: [Frame] = [], threads: [ProfiledThread] = [], stacks: StackTree = StackTree(),
    labels: LabelTable = LabelTable(), values: [Value] = [], timeline: Timeline? = nil
  ) {
    self.modules = modules
    self.frames = frames
    self.threads = threads
    self.stacks = stacks
    self.labels = labels
    self.values = values
    self.timeline = timeline
  }

  /// The sum of all values.
  package var total: Weight {
    values.reduce(into: .zero) { $0 += $1.weight }
  }

  /// The name that is shown for a frame, without annotation.
  package func moduleName(of frame: Frame) -> Substring? {
    frame.module.map { modules[$0].name }
  }
}
