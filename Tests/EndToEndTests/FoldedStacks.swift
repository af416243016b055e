import Testing

/// The output of `--folded`.
struct FoldedStacks {
  struct Stack {
    /// The process's name, the thread's where asked for, then the frames from the root to the leaf.
    let names: [String]
    let count: Int

    var processName: String { names[0] }

    /// Whether frames are missing at the root.
    var isTruncated: Bool { names.count > 1 && names[1].hasPrefix("[truncated: ") }

    /// The frames of user space; those of the kernel stand above them.
    var userFrames: ArraySlice<String> { names.dropFirst().prefix { !$0.hasSuffix("_[k]") } }
  }

  let stacks: [Stack]

  init(stacks: [Stack]) { self.stacks = stacks }

  init(_ text: String) throws {
    stacks = try text.split(separator: "\n").map { line in
      let space = try #require(line.lastIndex(of: " "), "no count in '\(line)'")
      let count = try #require(Int(line[line.index(after: space)...]), "no count in '\(line)'")
      let names = line[..<space].split(separator: ";", omittingEmptySubsequences: false).map(String.init)
      return Stack(names: names, count: count)
    }
  }

  var total: Int { stacks.reduce(0) { $0 + $1.count } }

  func count(where condition: (Stack) -> Bool) -> Int {
    stacks.reduce(0) { $0 + (condition($1) ? $1.count : 0) }
  }

  /// The samples whose innermost frame of user space is this function.
  func count(leaf function: String) -> Int { count { $0.userFrames.last == function } }

  /// The part of all samples, in percent, that satisfies a condition.
  func percentage(where condition: (Stack) -> Bool) -> Double {
    total == 0 ? 0 : 100 * Double(count(where: condition)) / Double(total)
  }
}
