/// Which modules of a profile are programs, and which are their libraries.
package enum MainProgram {
  /// The program with the most samples; where stacks are in shared libraries alone, the library that most begin in.
  package static func module(of runs: [Profile]) -> Module? {
    let weights = runs.map(weights)
    return heaviest(weights.map(\.programs)) ?? heaviest(weights.map(\.others))
  }

  /// The program that each stack belongs to: the first module, from its root on, that is a file and no shared library.
  /// That of interpreted functions is their script; the interpreter is none. Threads begin in the C library, and so do programs whose `_start` is not seen.
  ///
  /// - Returns: an index into the profile's modules for each node, -1 for none; `others` has the outermost file of any
  ///   kind.
  package static func ofStacks(_ profile: Profile) -> (programs: [Int], others: [Int]) {
    let nodes = profile.stacks.nodes
    let isFile = profile.modules.map(isFile)
    let isProgram = profile.modules.map { Self.isFile($0) && !isLibrary($0) }
    var programs = [Int](repeating: -1, count: nodes.count)
    var others = programs
    // Parents precede children.
    for (index, node) in nodes.enumerated() {
      if node.parent >= 0 {
        programs[index] = programs[Int(node.parent)]
        others[index] = others[Int(node.parent)]
      }
      let frame = profile.frames[Int(node.frame)]
      guard let module = frame.module,
        frame.origin == .user || frame.origin == .unresolved || frame.origin.isInterpreted
      else { continue }
      if others[index] < 0, isFile[module] { others[index] = module }
      if programs[index] < 0, isProgram[module] { programs[index] = module }
    }
    return (programs, others)
  }

  /// What the samples of each program weigh, and those of stacks without one, by their outermost file.
  private static func weights(of profile: Profile) -> (programs: [Module: UInt64], others: [Module: UInt64]) {
    let (programs, others) = ofStacks(profile)
    var weights: (programs: [Module: UInt64], others: [Module: UInt64]) = ([:], [:])
    for value in profile.values {
      let stack = Int(value.stack)
      if programs[stack] >= 0 {
        weights.programs[profile.modules[programs[stack]], default: 0] &+= value.weight.count
      } else if others[stack] >= 0 {
        weights.others[profile.modules[others[stack]], default: 0] &+= value.weight.count
      }
    }
    return weights
  }

  /// Whether it is a file: `[vdso]`, `//anon`, `<string>` and the maps of just-in-time compilers are not.
  package static func isFile(_ module: Module) -> Bool {
    !module.path.isEmpty
      && !["[", "<", "//", "/tmp/perf-", "anon_inode:"].contains { module.path.beginsWithBytes(of: $0) }
  }

  package static func isLibrary(_ module: Module) -> Bool {
    module.name.hasSuffix(".so") || module.name.contains(".so.")
  }

  private static func heaviest(_ weights: [[Module: UInt64]]) -> Module? {
    var sums: [Module: UInt64] = [:]
    for run in weights { sums.merge(run, uniquingKeysWith: &+) }
    return sums.max { left, right in
      if left.value != right.value { return left.value < right.value }
      // The same one of two with equal weight in every run: the first by name.
      let names = [left.key, right.key].map { $0.path + " " + ($0.buildID ?? "") }
      return names[1].utf8.lexicographicallyPrecedes(names[0].utf8)
    }?.key
  }
}
