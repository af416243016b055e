import ProfileModel

/// What the runs of one side consist of, by name: modules, processes, and the roots of stacks that know no processes.
struct SideSurvey {
  /// Something that has a name, and what the name may be recognized by if it differs on the other side.
  struct Part {
    var weight = 0.0
    /// The weight of its functions themselves, those of no weight included; functions without a name are not here.
    var functions: [String: Double] = [:]
    /// The weight that stacks of each program have in it.
    var programs: [String: Double] = [:]

    /// How much of both is in functions of the same names, from 0 to 1.
    func similarity(to other: Part) -> Double {
      let (small, large) =
        functions.count < other.functions.count ? (functions, other.functions) : (other.functions, functions)
      let shared = small.keys.filter { large[$0] != nil }
      let all = functions.count + other.functions.count - shared.count
      guard all > 0, !shared.isEmpty else { return 0 }
      let sums = (functions.values.reduce(0, +), other.functions.values.reduce(0, +))
      var weight = 0.0
      if sums.0 > 0, sums.1 > 0 {
        weight = shared.reduce(0) {
          $0 + ((functions[$1] ?? 0) / sums.0 + (other.functions[$1] ?? 0) / sums.1) / 2
        }
      }
      return max(weight, Double(shared.count) / Double(all))
    }
  }

  private(set) var modules: [String: Part] = [:]
  /// Those of the modules that are programs, by the weight of their stacks.
  private(set) var programs: [String: Double] = [:]
  /// By the names of their main threads; empty where no file tells of threads.
  private(set) var processes: [String: Part] = [:]
  /// The outermost frames of profiles without modules and threads, which are the names of processes in most tools' folded
  /// stacks. Those that have much weight of their own, or are called by others, are functions and left out.
  private(set) var roots: [String: Part] = [:]
  /// Whether any sample lies in a known module.
  var hasModules: Bool { modules.contains { $0.value.weight > 0 } }

  var heaviestProcess: String? { processes.max { ($0.value.weight, $1.key) < ($1.value.weight, $0.key) }?.key }

  init(_ profiles: [Profile]) {
    for profile in profiles { add(profile) }
    var called: Set<String> = []
    for profile in profiles where profile.modules.isEmpty {
      for node in profile.stacks.nodes where node.parent >= 0 {
        called.insert(profile.frames[Int(node.frame)].function)
      }
    }
    roots = roots.filter { name, part in
      !called.contains(name) && (part.functions[name] ?? 0) < part.weight / 2
    }
  }

  private mutating func add(_ profile: Profile) {
    var ownOfFrame = [Double](repeating: 0, count: profile.frames.count)
    for value in profile.values {
      ownOfFrame[Int(profile.stacks.nodes[Int(value.stack)].frame)] += Double(value.weight.count)
    }
    for (frame, own) in zip(profile.frames, ownOfFrame) {
      guard let module = frame.module else { continue }
      let name = ModuleName.of(profile.modules[module])
      modules[name, default: Part()].weight += own
      guard frame.origin != .unresolved else { continue }
      modules[name, default: Part()].functions[CanonicalName.of(frame.function), default: 0] += own
    }
    addPrograms(of: profile)
    if profile.modules.isEmpty { addRoots(of: profile) }
  }

  private mutating func addPrograms(of profile: Profile) {
    let programs = MainProgram.ofStacks(profile).programs
    let names = profile.modules.map(ModuleName.of)
    for value in profile.values {
      let process = profile.threads[value.thread].processName
      let weight = Double(value.weight.count)
      processes[process, default: Part()].weight += weight
      guard programs[Int(value.stack)] >= 0 else { continue }
      let name = names[programs[Int(value.stack)]]
      processes[process, default: Part()].programs[name, default: 0] += weight
      self.programs[name, default: 0] += weight
    }
  }

  private mutating func addRoots(of profile: Profile) {
    let nodes = profile.stacks.nodes
    var root = [Int](repeating: 0, count: nodes.count)
    for (index, node) in nodes.enumerated() { root[index] = node.parent < 0 ? index : root[Int(node.parent)] }
    for value in profile.values {
      let name = profile.frames[Int(nodes[root[Int(value.stack)]].frame)].function
      let leaf = profile.frames[Int(nodes[Int(value.stack)].frame)]
      let weight = Double(value.weight.count)
      roots[name, default: Part()].weight += weight
      if leaf.origin == .unresolved { continue }
      roots[name, default: Part()].functions[CanonicalName.of(leaf.function), default: 0] += weight
    }
  }
}
