extension Profile {
  /// What the weights of profiles may come to that are put together: sums of them, and of what is drawn beside each other,
  /// then stay within 64 bits.
  package static let weightLimit = Double(sign: .plus, exponent: 62, significand: 1)

  /// Whether the weights of all profiles together are within the limit.
  package static func areSummable(_ profiles: [Profile]) -> Bool {
    profiles.reduce(0.0) { sum, profile in
      profile.values.reduce(sum) { $0 + Double(max($1.weight.count, $1.weight.nanoseconds)) }
    } < weightLimit
  }

  /// One profile of several, as if they had been recorded together: equal modules, frames, threads, stacks and label sets
  /// are one.
  package static func merged(_ profiles: [Profile]) -> Profile {
    guard profiles.count != 1 else { return profiles[0] }
    var merge = ProfileMerge()
    for profile in profiles { merge.add(profile) }
    return merge.profile
  }

  /// The profile with values together that differ in their labels alone.
  package var withoutLabels: Profile {
    guard !labels.isEmpty else { return self }
    var merge = ProfileMerge()
    merge.add(self, thread: { _ in true }, labels: { _ in .empty }) { $0 }
    return merge.profile
  }

  /// The profile without the native frames of interpreters. A stack of such frames alone keeps its leaf.
  package var withoutInterpreterFrames: Profile {
    guard frames.contains(where: { $0.origin.isInterpreterNative }) else { return self }
    var merge = ProfileMerge()
    merge.add(self, thread: { _ in true }) { stack in
      let shown = stack.filter { !$0.origin.isInterpreterNative }
      return shown.isEmpty ? stack.suffix(1) : shown
    }
    return merge.profile
  }
}

/// Puts profiles together, or parts of one.
package struct ProfileMerge: Sendable {
  private struct Place: Hashable {
    let thread: Int
    let stack: Int32
    let labels: Int32

    func value(_ weight: Weight, _ extremes: ClosedRange<UInt64>?) -> Profile.Value {
      Profile.Value(thread: thread, stack: stack, labels: labels, weight: weight, extremes: extremes)
    }
  }

  private var result = Profile()
  private var modules: [Module: Int] = [:]
  private var frames: [Frame: Int] = [:]
  private var threads: [ProfiledThread: Int] = [:]
  private var stacks = StackTreeBuilder()
  private var values: [Place: Int] = [:]
  private var isFirst = true

  package init() {}

  package var profile: Profile {
    var profile = result
    profile.stacks = stacks.tree
    return profile
  }

  package mutating func add(_ profile: Profile) {
    add(profile, thread: { _ in true }) { $0 }
  }

  /// Adds the part of a profile that all functions let through.
  ///
  /// - Parameters:
  ///   - isWanted: of a thread.
  ///   - relabel: what becomes of a label set; nil leaves its values out.
  ///   - change: what becomes of a stack, given from root to leaf; nil and an empty one leave it out.
  package mutating func add(
    _ profile: Profile, thread isWanted: (ProfiledThread) -> Bool,
    labels relabel: (LabelSet) -> LabelSet? = { $0 }, stack change: ([Frame]) -> [Frame]?
  ) {
    let moduleOf = profile.modules.map { index(of: $0) }
    let frames = profile.frames.map { frame in
      Frame(
        function: frame.function, module: frame.module.map { moduleOf[$0] }, address: frame.address,
        origin: frame.origin, isInlined: frame.isInlined, source: frame.source)
    }
    let threadOf = profile.threads.map { isWanted($0) ? index(of: $0) : nil }
    let labelsOf = ([.empty] + profile.labels.sets).map { set in relabel(set).map { result.labels.number(of: $0) } }
    // A stack that several threads have is changed once.
    var stackOf: [Int32: Int32?] = [:]
    var valueOf = [Int?](repeating: nil, count: profile.values.count)
    for (index, value) in profile.values.enumerated() {
      guard let thread = threadOf[value.thread], let labels = labelsOf[Int(value.labels)] else { continue }
      let stack: Int32?
      if let known = stackOf[value.stack] {
        stack = known
      } else {
        let path = change(profile.stacks.path(to: value.stack).map { frames[$0] })
        stack = path.flatMap { stacks.insert($0.map { self.index(of: $0) }) }
        stackOf[value.stack] = .some(stack)
      }
      if let stack { valueOf[index] = add(value, at: Place(thread: thread, stack: stack, labels: labels)) }
    }
    // Captures that began at different times have no time in common.
    result.timeline = isFirst ? profile.timeline?.mapped { valueOf[$0] } : nil
    isFirst = false
  }

  /// Adds a value, and returns where it lies.
  private mutating func add(_ value: Profile.Value, at place: Place) -> Int {
    guard let known = values[place] else {
      values[place] = result.values.count
      result.values.append(place.value(value.weight, value.extremes))
      return result.values.count - 1
    }
    let old = result.values[known]
    var weight = old.weight
    weight += value.weight
    var extremes: ClosedRange<UInt64>?
    if let left = old.extremes, let right = value.extremes {
      extremes = min(left.lowerBound, right.lowerBound)...max(left.upperBound, right.upperBound)
    }
    result.values[known] = place.value(weight, extremes)
    return known
  }

  private mutating func index(of module: Module) -> Int {
    if let known = modules[module] { return known }
    result.modules.append(module)
    modules[module] = result.modules.count - 1
    return result.modules.count - 1
  }

  private mutating func index(of frame: Frame) -> Int {
    if let known = frames[frame] { return known }
    result.frames.append(frame)
    frames[frame] = result.frames.count - 1
    return result.frames.count - 1
  }

  private mutating func index(of thread: ProfiledThread) -> Int {
    if let known = threads[thread] { return known }
    result.threads.append(thread)
    threads[thread] = result.threads.count - 1
    return result.threads.count - 1
  }
}
