import ProfileModel

/// Puts Python frames among native ones by counting. Before CPython 3.10, nothing on the stack tells where the loop runs
/// which frame, but each frame has a run of the loop of its own.
enum PythonLoopCount {
  /// Between Python frames and the native frames towards the leaf that ran them, at places that are not known.
  static let notMerged = "[python|native not merged]"

  /// - Parameter path: from root to leaf: Python frames, the mark, native frames.
  /// - Returns: nil for other paths, and where there are not as many loops as Python frames. One more may be a loop that
  ///   is just being entered or left.
  static func merge(_ path: [Int], in profile: Profile, isPython: (Int) -> Bool) -> [Int]? {
    guard
      let mark = path.firstIndex(where: {
        profile.frames[$0].origin == .marker && profile.frames[$0].function == notMerged
      }), path[..<mark].allSatisfy(isPython)
    else { return nil }
    let natives = path[(mark + 1)...]
    let loops = natives.count { profile.frames[$0].isPythonLoop }
    guard loops == mark || loops == mark + 1 && isAtEndOfLoop(natives, in: profile) else { return nil }
    var frames = path[..<mark]
    var merged: [Int] = []
    var isInLoop = false
    for native in natives {
      // Copies within the loop are of the loop.
      if isInLoop, !profile.frames[native].isInlined {
        if let frame = frames.popFirst() { merged.append(frame) }
        isInLoop = false
      }
      merged.append(native)
      if profile.frames[native].isPythonLoop { isInLoop = true }
    }
    return merged + frames.prefix(isInLoop ? 1 : 0)
  }

  /// Whether the innermost loop may have no Python frame yet, or none any more: it is the leaf, or checks the result that
  /// it returns (Python/ceval.c, `exit_eval_frame`).
  private static func isAtEndOfLoop(_ natives: ArraySlice<Int>, in profile: Profile) -> Bool {
    guard let loop = natives.lastIndex(where: { profile.frames[$0].isPythonLoop }) else { return false }
    let callee = natives[(loop + 1)...].first { !profile.frames[$0].isInlined }
    return callee.map { profile.frames[$0].function.hasPrefix("_Py_CheckFunctionResult") } ?? true
  }
}
