import Capture
import LinuxSystem
import ProfileModel
import Symbolication

/// Puts names to the places of a raw profile. Every address is symbolicated once, every file read once.
enum ProfileAssembly {
  /// - Parameter budget: what naming may cost.
  /// - Returns: the profile, and the account and warnings of the capture with what symbolication adds to them.
  static func assemble(
    _ raw: RawProfile, _ budget: NamingBudget = NamingBudget()
  ) -> (
    profile: Profile, account: SampleAccount, warnings: [String]
  ) {
    var profile = Profile()
    var modules: [Module: Int] = [:]
    var warnings = raw.warnings
    let locationFrames = frames(of: raw, budget, into: &profile, modules: &modules, warnings: &warnings)

    // Parents precede children in both trees, so one pass in order carries the tree over.
    var node: [Int32] = []
    var isIncomplete: [Bool] = []
    node.reserveCapacity(raw.stacks.nodes.count)
    for rawNode in raw.stacks.nodes {
      var parent = rawNode.parent < 0 ? -1 : node[Int(rawNode.parent)]
      var unresolved = rawNode.parent >= 0 && isIncomplete[Int(rawNode.parent)]
      for frame in locationFrames[Int(rawNode.frame)] {
        parent = profile.stacks.append(StackTree.Node(parent: parent, frame: Int32(frame)))
        unresolved = unresolved || profile.frames[frame].origin == .unresolved
      }
      node.append(parent)
      isIncomplete.append(unresolved)
    }
    profile.threads = raw.threads
    profile.values = raw.values.map {
      Profile.Value(thread: $0.thread, stack: node[Int($0.stack)], weight: $0.weight, extremes: $0.extremes)
    }
    // There are as many values as before, in the same order.
    profile.timeline = raw.timeline
    var account = raw.account
    let unnamed = raw.values.reduce(into: UInt64(0)) { sum, value in
      if isIncomplete[Int(value.stack)] { sum += value.weight.count }
    }
    if unnamed > 0 { account.defects[.frameUnresolved] = unnamed }
    return (profile, account, warnings)
  }

  /// The frames of each location from the outermost to the innermost inlined one, as indices into `profile.frames`.
  private static func frames(
    of raw: RawProfile, _ budget: NamingBudget, into profile: inout Profile, modules: inout [Module: Int],
    warnings: inout [String]
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
      }
    }
    var symbolicator = Symbolicator(kernelTexts: KernelNames.texts, budget: budget)
    let wanted = zip(raw.sources, places).filter { !$0.1.isEmpty }
    let names = symbolicator.symbolicate(wanted.map { ($0.1.map(\.address), $0.0) })
    for ((_, places), named) in zip(wanted, names) {
      warnings += named.warnings
      for (place, names) in zip(places, named.frames) {
        result[place.location] = names.reversed().map { name in
          let module = name.module ?? named.module
          let index = modules[module] ?? profile.modules.count
          if index == profile.modules.count {
            profile.modules.append(module)
            modules[module] = index
          }
          profile.frames.append(
            Frame(
              function: name.function, module: index, address: name.address, origin: name.origin,
              isInlined: name.isInlined, source: name.source))
          return profile.frames.count - 1
        }
      }
    }
    return result
  }
}
