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
    let node: Int
    let isLine: Bool
    /// How much of the line at hand stands before `text`.
    let prefixLength: Int
    /// `name count` of a line, `name;` of a subtree. A name holds no `;`, so that the order of these texts among
    /// siblings is the order of the lines that begin with them.
    let text: [UInt8]
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
    var pending = entries(above: 0, prefixLength: 0)
    while let entry = pending.popLast() {
      line.removeLast(line.count - entry.prefixLength)
      line += entry.text
      if entry.isLine {
        output += line
        output.append(UInt8(ascii: "\n"))
      } else {
        pending += entries(above: entry.node, prefixLength: line.count)
      }
    }
  }

  /// The entries of a node's children, the first one last.
  private func entries(above node: Int, prefixLength: Int) -> [Entry] {
    var entries: [Entry] = []
    for child in children[node].lazy.map(Int.init) {
      let name = names[Int(tree.nodes[child].label)]
      let own = tree.own(of: child)
      if own > 0 {
        let text = name + " \(own)".utf8
        entries.append(Entry(node: child, isLine: true, prefixLength: prefixLength, text: text))
      }
      if !children[child].isEmpty {
        let text = name + ";".utf8
        entries.append(Entry(node: child, isLine: false, prefixLength: prefixLength, text: text))
      }
    }
    return entries.sorted { $1.text.lexicographicallyPrecedes($0.text) }
  }
}
