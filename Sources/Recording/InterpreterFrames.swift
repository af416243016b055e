import ProfileModel

/// Tells the native frames by which CPython runs Python functions from those that do the work.
///
/// The module of an interpreter is one whose frames stand right before Python frames: those of its eval loop; or one with
/// the loop by its name. In stacks with Python frames, its frames become `FrameOrigin.interpreterNative` if they are of its
/// loop or of the calls into it and out of it, or have no name: that is all that stripped interpreters have of their
/// static functions.
struct InterpreterFrames {
  private let pythonFrames: Set<Int>
  /// Of interpreters, by index.
  private let modules: Set<Int>
  private var builder = StackTreeBuilder()
  /// The frames that stand for native frames, by these.
  private var hidden: [Int: Int] = [:]
  private var marks: [String: Int] = [:]

  /// What a stack is found to be.
  struct Finding {
    /// Whether a frame that is shown has no name.
    let isUnresolved: Bool
    /// The defect as which it was counted, where all that is missing is of another greenlet's stack.
    let mended: DefectCause?
  }

  /// What became of a stack.
  private struct Change {
    let stack: Int32
    let finding: Finding
    let waitsForGIL: Bool
  }

  /// - Parameter pythonFrames: the indices of Python frames.
  /// - Returns: nil for a profile without such frames.
  init?(of profile: Profile, pythonFrames: Set<Int>) {
    guard !pythonFrames.isEmpty else { return nil }
    self.pythonFrames = pythonFrames
    var modules: Set<Int> = []
    for frame in profile.frames where frame.isPythonLoop { if let module = frame.module { modules.insert(module) } }
    for node in profile.stacks.nodes where pythonFrames.contains(Int(node.frame)) {
      var caller = node.parent
      while caller >= 0, profile.frames[Int(profile.stacks.nodes[Int(caller)].frame)].origin == .marker {
        caller = profile.stacks.nodes[Int(caller)].parent
      }
      guard caller >= 0 else { continue }
      let index = Int(profile.stacks.nodes[Int(caller)].frame)
      let frame = profile.frames[index]
      guard let module = frame.module, !pythonFrames.contains(index) else { continue }
      if frame.origin == .unresolved || frame.isInlined { modules.insert(module) }
    }
    self.modules = modules
  }

  /// Changes the stacks of a profile.
  ///
  /// - Returns: what was found out about the stack of each value.
  mutating func apply(to profile: inout Profile) -> [Finding] {
    var changes: [Int32: Change] = [:]
    var waiting: Set<Int> = []
    for (index, value) in profile.values.enumerated() {
      let change = changes[value.stack] ?? change(profile.stacks.path(to: value.stack), of: &profile)
      changes[value.stack] = change
      if change.waitsForGIL { waiting.insert(index) }
    }
    let findings = profile.values.map { changes[$0.stack]?.finding ?? Finding(isUnresolved: false, mended: nil) }
    profile.values = profile.values.map { value in
      Profile.Value(
        thread: value.thread, stack: changes[value.stack]?.stack ?? value.stack, labels: value.labels,
        weight: value.weight, extremes: value.extremes)
    }
    profile.stacks = builder.tree
    GILWait.label(waiting, of: &profile)
    return findings
  }

  private mutating func change(_ path: [Int], of profile: inout Profile) -> Change {
    var path = PythonLoopCount.merge(path, in: profile, isPython: pythonFrames.contains) ?? path
    var waitsForGIL = false
    var mended: DefectCause?
    if let last = path.lastIndex(where: pythonFrames.contains),
      !PythonCollection.isWithin(path, behind: last, of: profile, isInterpreter: modules.contains)
    {
      path.removeAll { PythonCollection.isMark(profile.frames[$0]) }
    }
    if let first = path.firstIndex(where: pythonFrames.contains) {
      waitsForGIL = GILWait.isWait(path, behind: first, of: profile) { modules.contains($0) }
      let seam = seam(path, before: first, in: profile)
      for index in path.indices {
        let isBehindSeam = index < (seam?.index ?? 0)
        let follows = index > 0 && profile.frames[path[index - 1]].origin.isInterpreterNative
        if isPlumbing(path[index], in: profile, isBehindSeam: isBehindSeam, follows: follows) {
          path[index] = hide(path[index], of: &profile)
        }
      }
      if let seam {
        path.insert(mark(seam.mark, of: &profile), at: seam.index)
        mended = seam.mark == Self.greenlet ? dropTruncation(from: &path, of: profile) : nil
      }
    }
    let isUnresolved = path.contains { profile.frames[$0].origin == .unresolved }
    return Change(
      stack: builder.insert(path) ?? -1, finding: Finding(isUnresolved: isUnresolved, mended: mended),
      waitsForGIL: waitsForGIL)
  }

  /// - Parameters:
  ///   - isBehindSeam: whether it is of another stack, towards the root.
  ///   - follows: whether the frame before it, towards the root, is plumbing.
  private func isPlumbing(_ index: Int, in profile: Profile, isBehindSeam: Bool, follows: Bool) -> Bool {
    let frame = profile.frames[index]
    guard frame.origin == .user || frame.origin == .unresolved, !pythonFrames.contains(index) else { return false }
    if isBehindSeam { return true }
    guard let module = frame.module, modules.contains(module) else { return false }
    // A copy within the loop is of the loop.
    if frame.isInlined { return follows }
    return frame.origin == .unresolved || CPythonCalls.contains(frame.function)
  }

  private mutating func hide(_ index: Int, of profile: inout Profile) -> Int {
    if let known = hidden[index] { return known }
    let frame = profile.frames[index]
    profile.frames.append(
      Frame(
        function: frame.function, module: frame.module, address: frame.address, origin: .interpreterNative(.python),
        isInlined: frame.isInlined, source: frame.source))
    hidden[index] = profile.frames.count - 1
    return profile.frames.count - 1
  }

  private mutating func mark(_ name: String, of profile: inout Profile) -> Int {
    if let known = marks[name] { return known }
    profile.frames.append(Frame(function: name, origin: .marker))
    marks[name] = profile.frames.count - 1
    return profile.frames.count - 1
  }

  // MARK: - Other stacks towards the root

  private static let greenlet = "[greenlet]"

  /// Drops the mark at the root of a stack that was cut short. Behind the first frame of a greenlet lies the stack of the
  /// one that has started it: by now that may have other frames there, and the walk ends anywhere.
  ///
  /// - Returns: the defect as which the stack was counted, if there was a mark.
  private func dropTruncation(from path: inout [Int], of profile: Profile) -> DefectCause? {
    guard let root = path.first.map({ profile.frames[$0] }), root.isTruncation,
      let reason = Truncation.allCases.first(where: { Frame.truncated($0).function == root.function }),
      // These two tell of any place in the stack.
      reason != .callerDoubted, reason != .compat
    else { return nil }
    path.removeFirst()
    return reason.defect
  }

  /// Where the stack of a greenlet, or of another interpreter, ends on that of the thread: how many frames are of others.
  ///
  /// The Python frames of a thread are those of the greenlet that runs. The native stack goes on into that of whoever
  /// has switched to it: a loop there runs Python frames that the thread does not have now.
  private func seam(
    _ path: [Int], before first: Int, in profile: Profile
  ) -> (index: Int, mark: String)? {
    // Frames that are missing would look like those of others.
    let isPartial = path.contains { index in
      let frame = profile.frames[index]
      return frame.origin == .marker && Self.partialMarks.contains(frame.function)
    }
    guard !isPartial else { return nil }
    var loop = first
    repeat { loop -= 1 } while loop > 0 && isWithinLoop(profile.frames[path[loop]])
    guard loop > 0 else { return nil }
    for index in (0..<loop).reversed() {
      let frame = profile.frames[path[index]]
      guard let module = frame.module, frame.origin == .user || frame.origin == .unresolved else { continue }
      if profile.modules[module].name.hasPrefix("_greenlet") { return (index + 1, Self.greenlet) }
      if frame.isPythonLoop {
        let hasGreenlets = path[..<index].contains { place in
          profile.frames[place].module.map { profile.modules[$0].name.hasPrefix("_greenlet") } ?? false
        }
        return (index + 1, hasGreenlets ? Self.greenlet : "[interpreter]")
      }
    }
    return nil
  }

  private func isWithinLoop(_ frame: Frame) -> Bool { frame.isInlined || frame.origin == .marker }

  private static let partialMarks: Set<String> = [
    "[python: truncated]", "[python: unreadable]", PythonLoopCount.notMerged,
  ]
}

extension Frame {
  /// Whether it is CPython's eval loop by its name, which stripped interpreters have for a part of it alone.
  var isPythonLoop: Bool { function == "_PyEval_EvalFrameDefault" && !isInlined && origin == .user }
}

/// Waits for the global interpreter lock, as stacks show them.
private enum GILWait {
  private static let key = "gil"

  /// Whether a stack waits in `take_gil` (Python/ceval_gil.c): of all waits that the interpreter makes, it alone is a
  /// wait for a condition with a time limit. Locks of Python code are semaphores on Linux (Python/thread_pthread.h).
  ///
  /// - Parameters:
  ///   - first: the place of the outermost Python frame.
  ///   - isInterpreter: asked of modules.
  static func isWait(_ path: [Int], behind first: Int, of profile: Profile, isInterpreter: (Int) -> Bool) -> Bool {
    guard
      let wait = path.indices.last(where: { waits.contains(profile.frames[path[$0]].function) }), wait > first + 1,
      profile.frames[path[wait]].origin == .user
    else { return false }
    return profile.frames[path[wait - 1]].module.map(isInterpreter) ?? false
  }

  /// What the C library calls the wait, exported, and in its own symbol table since 2.34.
  private static let waits: Set<String> = [
    "pthread_cond_timedwait", "pthread_cond_clockwait", "__pthread_cond_timedwait", "__pthread_cond_clockwait",
    "___pthread_cond_timedwait64", "___pthread_cond_clockwait64",
  ]

  /// Labels values that were measured without the lock, as the kernel side cannot tell what a thread waits for.
  static func label(_ waiting: Set<Int>, of profile: inout Profile) {
    var isChanged = false
    for index in waiting {
      let value = profile.values[index]
      let labels = profile.labels[value.labels].labels
      guard let place = labels.firstIndex(where: { $0.key == key && $0.value == "none" }) else { continue }
      var changed = labels
      changed[place] = Label(key: key, value: "waiting")
      profile.values[index] = Profile.Value(
        thread: value.thread, stack: value.stack, labels: profile.labels.number(of: LabelSet(changed)),
        weight: value.weight, extremes: value.extremes)
      isChanged = true
    }
    guard isChanged else { return }
    // Some may have had the label before.
    var merge = ProfileMerge()
    merge.add(profile)
    profile = merge.profile
  }
}
