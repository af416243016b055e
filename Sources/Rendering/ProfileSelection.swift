package import ProfileModel

/// Which part of a profile is shown, and from which end.
package struct ProfileSelection {
  package enum Side: Sendable {
    case user
    case kernel
  }

  /// Stacks with a frame that this holds for; nil for all.
  package var focus: ((Frame) -> Bool)?
  /// Stacks with a frame that this holds for are left out.
  package var ignore: ((Frame) -> Bool)?
  package var thread: ((ProfiledThread) -> Bool)?
  /// Values whose labels this holds for.
  package var labels: ((LabelSet) -> Bool)?
  package var side: Side?
  /// Whether stacks are merged from their leaves.
  package var isReversed = false

  package init() {}

  private var isEverything: Bool {
    focus == nil && ignore == nil && thread == nil && labels == nil && side == nil && !isReversed
  }

  package func apply(to profile: Profile) -> Profile {
    guard !isEverything else { return profile }
    var merge = ProfileMerge()
    let isWanted = labels ?? { _ in true }
    merge.add(profile, thread: thread ?? { _ in true }, labels: { isWanted($0) ? $0 : nil }, stack: change)
    return merge.profile
  }

  private func change(_ stack: [Frame]) -> [Frame]? {
    if let focus, !stack.contains(where: focus) { return nil }
    if let ignore, stack.contains(where: ignore) { return nil }
    var stack = stack
    switch side {
    case nil: break
    case .user: stack.removeAll { $0.origin == .kernel }
    case .kernel: stack.removeAll { $0.origin != .kernel && !$0.isPhase }
    }
    if side == .kernel, !stack.contains(where: { $0.origin == .kernel }) { return nil }
    return isReversed ? stack.reversed() : stack
  }
}
