package import ProfileModel

/// What functions weigh in one run, by their canonical names.
package struct FunctionCosts: Sendable, Equatable {
  /// How profiles are turned into costs.
  package struct Method {
    /// What a stack weighs: samples or switches, or a unit of time that is worth one of them.
    package var weigh: (Weight) -> UInt64
    package var kind: FunctionKey.Kind
    /// Regular expressions by name: the stacks with a function that one finds are compared as one.
    package var watched: [(name: String, finds: (String) -> Bool)]

    package init(
      weigh: @escaping (Weight) -> UInt64 = { $0.count }, kind: FunctionKey.Kind = .function,
      watched: [(name: String, finds: (String) -> Bool)] = []
    ) {
      self.weigh = weigh
      self.kind = kind
      self.watched = watched
    }
  }

  /// The weight of stacks that end in the function, or in the module.
  package private(set) var own: [FunctionKey: UInt64] = [:]
  /// The weight of stacks with it anywhere, however often. Watched subtrees are here only.
  package private(set) var inclusive: [FunctionKey: UInt64] = [:]
  /// Who called a function, by weight: its nearest callers that are something else.
  package private(set) var callers: [FunctionKey: [FunctionKey: UInt64]] = [:]
  /// The line of a function that most of its own weight was on.
  package private(set) var lines: [FunctionKey: [SourceLocation: UInt64]] = [:]
  package private(set) var total: UInt64 = 0
  /// The names that another name was joined with, as build-dependent parts were stripped.
  package private(set) var joined: Set<String> = []

  package init() {}

  package init(_ profile: Profile, _ method: Method = Method()) {
    var names: [FunctionKey: String] = [:]
    let keys = profile.frames.map { frame -> FunctionKey? in
      guard frame.origin != .marker else { return nil }
      let module = profile.moduleName(of: frame).map(String.init)
      if method.kind == .module { return FunctionKey(kind: .module, name: module ?? "[unknown]") }
      let key = FunctionKey(name: CanonicalName.of(frame.function), module: module)
      if let known = names[key], known != frame.function { joined.formUnion([known, frame.function]) }
      names[key] = frame.function
      return key
    }
    let subtrees = profile.frames.map { frame in
      method.watched.filter { $0.finds(frame.function) }.map { FunctionKey(kind: .subtree, name: $0.name) }
    }
    for value in profile.values {
      let path = profile.stacks.path(to: value.stack)
      let weight = method.weigh(value.weight)
      add(path.compactMap { keys[$0] }, count: weight)
      for key in Set(path.flatMap { subtrees[$0] }) { inclusive[key, default: 0] += weight }
      if let leaf = path.last, let key = keys[leaf], let line = profile.frames[leaf].source {
        lines[key, default: [:]][line, default: 0] += weight
      }
    }
  }

  /// Adds the weight of a stack, from root to leaf.
  package mutating func add(_ stack: [FunctionKey], count: UInt64) {
    total += count
    guard let leaf = stack.last else { return }
    own[leaf, default: 0] += count
    for key in Set(stack) { inclusive[key, default: 0] += count }
    var counted: Set<FunctionKey> = []
    for (caller, callee) in zip(stack, stack.dropFirst()).reversed() where caller != callee {
      if counted.insert(callee).inserted { callers[callee, default: [:]][caller, default: 0] += count }
    }
  }

  /// What is tested: functions or modules by their own weight, watched subtrees by all of theirs.
  var tested: [FunctionKey: UInt64] {
    own.merging(inclusive.filter { $0.key.kind == .subtree }) { own, _ in own }
  }

  package static func += (left: inout FunctionCosts, right: FunctionCosts) {
    left.total += right.total
    left.own.merge(right.own, uniquingKeysWith: +)
    left.inclusive.merge(right.inclusive, uniquingKeysWith: +)
    left.joined.formUnion(right.joined)
    for (key, callers) in right.callers { left.callers[key, default: [:]].merge(callers, uniquingKeysWith: +) }
    for (key, lines) in right.lines { left.lines[key, default: [:]].merge(lines, uniquingKeysWith: +) }
  }

  /// The same costs in samples, where each of them weighs so much.
  package func divided(by period: Double) -> FunctionCosts {
    func samples(_ weight: UInt64) -> UInt64 { UInt64((Double(weight) / max(1, period)).rounded()) }
    var divided = self
    divided.total = samples(total)
    divided.own = own.mapValues(samples)
    divided.inclusive = inclusive.mapValues(samples)
    divided.callers = callers.mapValues { $0.mapValues(samples) }
    divided.lines = lines.mapValues { $0.mapValues(samples) }
    return divided
  }

  /// The caller that most of a function's weight came through.
  func mainCaller(of key: FunctionKey) -> FunctionKey? {
    callers[key]?.max { ($0.value, $1.key) < ($1.value, $0.key) }?.key
  }

  /// The line that most of a function's own weight was on.
  package func hottestLine(of key: FunctionKey) -> SourceLocation? {
    lines[key]?.max { ($0.value, $1.key.file, $1.key.line) < ($1.value, $0.key.file, $0.key.line) }?.key
  }
}
