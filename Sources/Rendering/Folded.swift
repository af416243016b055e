package import ProfileModel

/// Stacks as text, a line each: `comm;root;…;leaf count`.
///
/// The format has no escape: `;` in a name is written as U+FF1B (fullwidth semicolon), control characters as U+FFFD.
package enum Folded {
  /// Renders a profile, a line for each distinct stack, in bytewise order of the lines (as `LC_ALL=C sort` has it).
  package static func render(
    _ profile: Profile, root: CallTree.Root = .process, withLines: Bool = false, measure: WeightMeasure = .count
  ) -> String {
    // Names are changed before the merge, so that those which then read the same share a line.
    var profile = profile
    profile.threads = profile.threads.map { thread in
      ProfiledThread(
        process: thread.process, thread: thread.thread, processName: DisplayText.folded(thread.processName),
        name: DisplayText.folded(thread.name))
    }
    let tree = CallTree(profile, root: root, measure: measure) { frame, _ in
      FrameLabel(
        name: DisplayText.folded(frame.name(withLine: withLines)) + frame.annotation,
        kind: .function(.user, isInlined: false))
    }
    var output: [UInt8] = []
    FoldedWriter(tree: tree).write(to: &output)
    return String(decoding: output, as: UTF8.self)
  }
}

private struct FoldedWriter {
  /// A piece of work: a node's own line, or everything above the node.
  private struct Entry {
    let node: Int32
    let isLine: Bool
    /// How much of the line at hand stands before the node's name.
    let prefixLength: Int
  }

  private let tree: CallTree
  private let children: CallTree.Children
  private let names: [[UInt8]]

  init(tree: CallTree) {
    self.tree = tree
    children = tree.children()
    names = tree.labels.map { Array($0.name.utf8) }
  }

  func write(to output: inout [UInt8]) {
    var line: [UInt8] = []
    var pending: [Entry] = []
    push(above: 0, prefixLength: 0, onto: &pending)
    while let entry = pending.popLast() {
      line.removeLast(line.count - entry.prefixLength)
      line += name(of: entry)
      if entry.isLine {
        output += line
        output += ending(of: entry)
        output.append(UInt8(ascii: "\n"))
      } else {
        line.append(UInt8(ascii: ";"))
        push(above: Int(entry.node), prefixLength: line.count, onto: &pending)
      }
    }
  }

  /// Puts the entries of a node's children on the pile, the first one on top.
  private func push(above node: Int, prefixLength: Int, onto pending: inout [Entry]) {
    let first = pending.count
    for child in children[node] {
      if tree.own(of: Int(child)) > 0 {
        pending.append(Entry(node: child, isLine: true, prefixLength: prefixLength))
      }
      if !children[Int(child)].isEmpty {
        pending.append(Entry(node: child, isLine: false, prefixLength: prefixLength))
      }
    }
    // Most nodes have one child.
    if pending.count - first > 1 { pending[first...].sort { precedes($1, $0) } }
  }

  /// Bytewise by what follows the prefix: `name count` of a line, `name;` of a subtree. A name holds no `;`, so that the
  /// order of these texts among siblings is the order of the lines that begin with them.
  private func precedes(_ left: Entry, _ right: Entry) -> Bool {
    let (leftName, rightName) = (name(of: left), name(of: right))
    if let (leftByte, rightByte) = zip(leftName, rightName).first(where: { $0 != $1 }) { return leftByte < rightByte }
    return (leftName + ending(of: left)).lexicographicallyPrecedes(rightName + ending(of: right))
  }

  private func name(of entry: Entry) -> [UInt8] { names[Int(tree.nodes[Int(entry.node)].label)] }

  private func ending(of entry: Entry) -> [UInt8] {
    Array((entry.isLine ? " \(tree.own(of: Int(entry.node)))" : ";").utf8)
  }
}
