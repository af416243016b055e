import ProfileModel

/// Which module of a profile is the program, and which are its libraries.
enum MainProgram {
  /// The module with the most samples of an outermost user frame, of those that are files and no shared libraries.
  ///
  /// Threads begin in the C library, programs in their own `_start`: shared libraries only come in question where there
  /// is nothing else.
  static func module(of runs: [Profile]) -> Module? {
    var weights: [Module: UInt64] = [:]
    for run in runs {
      for (module, weight) in outermostModules(of: run) {
        weights[module] = (weights[module] ?? 0).addingReportingOverflow(weight).partialValue
      }
    }
    let files = weights.filter { !$0.key.path.hasPrefix("[") }
    let programs = files.filter { !isLibrary($0.key) }
    return (programs.isEmpty ? files : programs).max { left, right in
      if left.value != right.value { return left.value < right.value }
      // The same one of two with equal weight in every run: the first by name.
      let names = [left.key, right.key].map { $0.path + " " + ($0.buildID ?? "") }
      return names[1].utf8.lexicographicallyPrecedes(names[0].utf8)
    }?.key
  }

  private static func isLibrary(_ module: Module) -> Bool {
    module.name.hasSuffix(".so") || module.name.contains(".so.")
  }

  private static func outermostModules(of profile: Profile) -> [Module: UInt64] {
    let nodes = profile.stacks.nodes
    // Parents precede children: each node has the module of the first user frame from its root on.
    var outermost = [Int](repeating: -1, count: nodes.count)
    for (index, node) in nodes.enumerated() {
      if node.parent >= 0 { outermost[index] = outermost[Int(node.parent)] }
      let frame = profile.frames[Int(node.frame)]
      if outermost[index] < 0, frame.origin == .user, let module = frame.module { outermost[index] = module }
    }
    var weights: [Module: UInt64] = [:]
    for value in profile.values where outermost[Int(value.stack)] >= 0 {
      weights[profile.modules[outermost[Int(value.stack)]], default: 0] += value.weight.count
    }
    return weights
  }
}
