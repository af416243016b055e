package import ProfileModel

/// What each function of a profile weighs.
///
/// A function is one by name, module and origin: its inlined copies count with it.
package struct FunctionTotals: Sendable {
  package struct Function: Equatable, Sendable {
    package let name: String
    package let module: String?
    package let origin: FrameOrigin
    /// The weight of stacks that end in the function.
    package fileprivate(set) var own: UInt64 = 0
    /// The weight of stacks that hold the function, however often.
    package fileprivate(set) var total: UInt64 = 0
    /// Of an interpreted function, the line that most of its own weight was on.
    package fileprivate(set) var hottestLine: SourceLocation?

    /// Where it is: `app.py:12` of an interpreted function, else the module.
    package var place: String? { hottestLine?.shortName ?? module }
  }

  private struct Key: Hashable {
    let name: String
    let module: String?
    let origin: FrameOrigin
  }

  /// The weight of the whole profile.
  package let total: UInt64
  /// Stacks with at least one frame of user space, or the mark of one that was cut.
  package private(set) var userStacks: UInt64 = 0
  /// Those of them that reach their root.
  package private(set) var completeUserStacks: UInt64 = 0
  /// In the order in which the profile first names them.
  package private(set) var functions: [Function] = []

  /// - Complexity: O(nodes of the profile's prefix tree).
  package init(_ profile: Profile, measure: WeightMeasure = .count) {
    total = measure.value(of: profile.total)
    var own = [UInt64](repeating: 0, count: profile.stacks.nodes.count)
    for value in profile.values { own[Int(value.stack)] += measure.value(of: value.weight) }
    let functionOf = identify(profile)
    addWeights(profile.stacks.nodes, own: own, functionOf: functionOf)
    findHottestLines(profile, own: own, functionOf: functionOf)
    countUserStacks(profile, own: own)
  }

  /// The index into `functions` of every frame.
  private mutating func identify(_ profile: Profile) -> [Int] {
    var known: [Key: Int] = [:]
    return profile.frames.map { frame in
      let key = Key(name: frame.function, module: profile.moduleName(of: frame).map(String.init), origin: frame.origin)
      if let index = known[key] { return index }
      functions.append(Function(name: key.name, module: key.module, origin: key.origin))
      known[key] = functions.count - 1
      return functions.count - 1
    }
  }

  /// Walks the tree depth first, with the number of times that each function is on the way to the node at hand: only
  /// the outermost one counts what lies above.
  private mutating func addWeights(_ nodes: [StackTree.Node], own: [UInt64], functionOf: [Int]) {
    var totals = own
    var firstChild = [Int](repeating: -1, count: nodes.count)
    var sibling = [Int](repeating: -1, count: nodes.count)
    var firstRoot = -1
    for index in nodes.indices.reversed() {
      let parent = Int(nodes[index].parent)
      if parent < 0 {
        sibling[index] = firstRoot
        firstRoot = index
      } else {
        totals[parent] += totals[index]
        sibling[index] = firstChild[parent]
        firstChild[parent] = index
      }
    }
    var onPath = [Int](repeating: 0, count: functions.count)
    var node = firstRoot
    while node >= 0 {
      let function = functionOf[Int(nodes[node].frame)]
      functions[function].own += own[node]
      if onPath[function] == 0 { functions[function].total += totals[node] }
      onPath[function] += 1
      if firstChild[node] >= 0 {
        node = firstChild[node]
        continue
      }
      // A leaf: go down to the next node that has a sibling left to visit.
      while node >= 0 {
        onPath[functionOf[Int(nodes[node].frame)]] -= 1
        if sibling[node] >= 0 {
          node = sibling[node]
          break
        }
        node = Int(nodes[node].parent)
      }
    }
  }

  private mutating func findHottestLines(_ profile: Profile, own: [UInt64], functionOf: [Int]) {
    var lines: [Int: [SourceLocation: UInt64]] = [:]
    for (node, own) in zip(profile.stacks.nodes, own) where own > 0 {
      let frame = profile.frames[Int(node.frame)]
      guard frame.origin.isInterpreted, let source = frame.source else { continue }
      lines[functionOf[Int(node.frame)], default: [:]][source, default: 0] += own
    }
    for (function, weights) in lines {
      functions[function].hottestLine =
        weights.max { ($0.value, $1.key.file, $1.key.line) < ($1.value, $0.key.file, $0.key.line) }?.key
    }
  }

  private mutating func countUserStacks(_ profile: Profile, own: [UInt64]) {
    var isUser = [Bool](repeating: false, count: own.count)
    var isCut = isUser
    for (index, node) in profile.stacks.nodes.enumerated() {
      let frame = profile.frames[Int(node.frame)]
      if node.parent < 0 {
        isCut[index] = frame.isTruncation
      } else {
        isCut[index] = isCut[Int(node.parent)]
        isUser[index] = isUser[Int(node.parent)]
      }
      isUser[index] = isUser[index] || isCut[index] || isUserCode(frame, in: profile)
      guard isUser[index] else { continue }
      userStacks += own[index]
      if !isCut[index] { completeUserStacks += own[index] }
    }
  }

  private func isUserCode(_ frame: Frame, in profile: Profile) -> Bool {
    switch frame.origin {
    case .user, .jit, .interpreted, .interpreterNative: true
    case .kernel, .marker: false
    case .unresolved: profile.moduleName(of: frame)?.hasPrefix("[kernel") != true
    }
  }

  /// The functions with the largest weight of their own, the largest first.
  package func hottestByOwn(limit: Int) -> [Function] { ranked(functions, limit: limit, by: \.own, then: \.total) }

  /// The functions with the largest weight; marks, which are no functions, are left out.
  package func hottestByTotal(limit: Int) -> [Function] {
    ranked(functions.filter { $0.origin != .marker }, limit: limit, by: \.total, then: \.own)
  }

  private func ranked(
    _ functions: [Function], limit: Int, by first: KeyPath<Function, UInt64>, then second: KeyPath<Function, UInt64>
  ) -> [Function] {
    let sorted = functions.filter { $0[keyPath: first] > 0 }.sorted { left, right in
      if left[keyPath: first] != right[keyPath: first] { return left[keyPath: first] > right[keyPath: first] }
      if left[keyPath: second] != right[keyPath: second] { return left[keyPath: second] > right[keyPath: second] }
      if left.name != right.name { return left.name.utf8.lexicographicallyPrecedes(right.name.utf8) }
      return (left.module ?? "").utf8.lexicographicallyPrecedes((right.module ?? "").utf8)
    }
    return Array(sorted.prefix(limit))
  }
}
