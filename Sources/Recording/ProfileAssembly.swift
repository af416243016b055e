package import Capture
import LinuxSystem
package import ProfileModel
package import Symbolication

/// Puts names to the places of a raw profile. Every address is symbolicated once, every file read once.
package enum ProfileAssembly {
  /// - Parameters:
  ///   - budget: what naming may cost.
  ///   - runtimes: what names the frames of each runtime.
  /// - Returns: the profile, and the account and warnings of the capture with what symbolication adds to them.
  package static func assemble(
    _ raw: RawProfile, _ budget: NamingBudget = NamingBudget(), runtimes: RuntimeNames = RuntimeNames()
  ) -> (
    profile: Profile, account: SampleAccount, warnings: [String]
  ) {
    var profile = Profile()
    var modules: [Module: Int] = [:]
    var warnings = raw.warnings
    var pythonFrames: Set<Int> = []
    let locationFrames = frames(
      of: raw, budget, runtimes, into: &profile, modules: &modules, pythonFrames: &pythonFrames, warnings: &warnings)

    // Parents precede children in both trees, so one pass in order carries the tree over.
    var node: [Int32] = []
    var traits: [Traits] = []
    node.reserveCapacity(raw.stacks.nodes.count)
    for rawNode in raw.stacks.nodes {
      let frames = locationFrames[Int(rawNode.frame)]
      var parent = rawNode.parent < 0 ? -1 : node[Int(rawNode.parent)]
      var trait = rawNode.parent < 0 ? Traits() : traits[Int(rawNode.parent)]
      if let first = frames.first, let root = GoRoot(profile.frames[first].function),
        let base = root.base(of: rawNode, raw)
      {
        parent = base.node < 0 ? -1 : node[base.node]
        trait = base.node < 0 ? Traits() : traits[base.node]
        trait.mended = base.defect
      }
      for frame in frames {
        parent = profile.stacks.append(StackTree.Node(parent: parent, frame: Int32(frame)))
        if profile.frames[frame].origin == .unresolved { trait.isUnresolved = true }
      }
      if raw.locations[Int(rawNode.frame)] == .marker(.guessedCaller) { trait.isGuessed = true }
      node.append(parent)
      traits.append(trait)
    }
    profile.threads = raw.threads
    profile.labels = raw.labels
    profile.values = raw.values.map {
      Profile.Value(
        thread: $0.thread, stack: node[Int($0.stack)], labels: $0.labels, weight: $0.weight, extremes: $0.extremes)
    }
    // There are as many values as before, in the same order.
    profile.timeline = raw.timeline
    var traitsOfValue = raw.values.map { traits[Int($0.stack)] }
    if var interpreters = InterpreterFrames(of: profile, pythonFrames: pythonFrames) {
      for (index, finding) in interpreters.apply(to: &profile).enumerated() {
        traitsOfValue[index].isUnresolved = finding.isUnresolved
        if let defect = finding.mended { traitsOfValue[index].mended = defect }
      }
    }
    var account = raw.account
    for (value, trait) in zip(raw.values, traitsOfValue) { account.note(trait, value.weight.count) }
    return (profile, account, warnings)
  }

  /// What the frames of a stack say about all of it.
  fileprivate struct Traits {
    var isUnresolved = false
    var isGuessed = false
    /// The defect as which it was counted, before its names said that it is whole.
    var mended: DefectCause?
  }

  /// The path of a source's file; nil for code without one.
  private static func path(of source: CodeSource) -> String? {
    switch source {
    case .file(_, let path), .missing(let path): path
    case .kernel, .vdso, .anonymous, .unmapped: nil
    }
  }

  /// The frames of each location from the outermost to the innermost inlined one, as indices into `profile.frames`.
  private static func frames(
    of raw: RawProfile, _ budget: NamingBudget, _ runtimes: RuntimeNames, into profile: inout Profile,
    modules: inout [Module: Int], pythonFrames: inout Set<Int>, warnings: inout [String]
  ) -> [[Int]] {
    var result = [[Int]](repeating: [], count: raw.locations.count)
    var places = [[(location: Int, address: UInt64)]](repeating: [], count: raw.sources.count)
    for (index, location) in raw.locations.enumerated() {
      switch location {
      case .code(let source, let address):
        places[Int(source)].append((index, address))
      case .marker(let marker):
        profile.frames.append(marker.frame)
        result[index] = [profile.frames.count - 1]
      case .runtime(let number):
        let frame = raw.runtimeFrames[Int(number)]
        let name = runtimes.name(of: frame)
        result[index] = [add(name, function: name.function, name.module, to: &profile, &modules)]
        if frame.runtime == .python { pythonFrames.formUnion(result[index]) }
      }
    }
    var symbolicator = Symbolicator(kernelTexts: KernelNames.texts, budget: budget)
    let wanted = zip(raw.sources, places).enumerated().filter { !$0.element.1.isEmpty }
    let names = symbolicator.symbolicate(wanted.map { ($0.element.1.map(\.address), $0.element.0) })
    var problems = FileProblems()
    defer { warnings += problems.sentences }
    for ((source, (origin, places)), named) in zip(wanted, names) {
      for warning in named.warnings { problems.add(warning, path: path(of: origin)) }
      for (place, names) in zip(places, named.frames) {
        result[place.location] = names.reversed().map { name in
          add(
            name, function: function(name, SourceIndex(source), raw.codeRegions), name.module ?? named.module,
            to: &profile, &modules)
        }
      }
    }
    return result
  }

  /// Adds a frame with its module, and returns its index.
  private static func add(
    _ name: NamedFrame, function: String, _ module: Module?, to profile: inout Profile, _ modules: inout [Module: Int]
  ) -> Int {
    if let module, modules[module] == nil {
      modules[module] = profile.modules.count
      profile.modules.append(module)
    }
    profile.frames.append(
      Frame(
        function: function, module: module.flatMap { modules[$0] }, address: name.address, origin: name.origin,
        isInlined: name.isInlined, source: name.source))
    return profile.frames.count - 1
  }

  /// What a frame is called: code without a file and without a name is one function for each stretch of it.
  private static func function(_ name: NamedFrame, _ source: SourceIndex, _ regions: CodeRegions) -> String {
    guard name.origin == .unresolved, let start = regions.start(before: name.address, in: source) else {
      return name.function
    }
    return "[code at 0x\(String(start, radix: 16))]"
  }
}

extension SampleAccount {
  fileprivate mutating func note(_ traits: ProfileAssembly.Traits, _ count: UInt64) {
    if traits.isUnresolved { note(.frameUnresolved, count) }
    if traits.isGuessed { note(.callerGuessed, count) }
    if let defect = traits.mended, let counted = defects[defect] {
      defects[defect] = counted > count ? counted - count : nil
    }
  }
}
