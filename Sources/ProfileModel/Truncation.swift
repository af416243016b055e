/// Why a stack does not reach its root.
package enum Truncation: String, Sendable, Hashable, CaseIterable {
  /// It has more frames than the walk takes.
  case tooDeep = "too deep"
  /// The next frame lies in memory that could not be read without a page fault.
  case unreadable = "stack not in memory"
  /// Code without unwind information, and no frame pointer either.
  case noFramePointer = "no frame pointer"
  /// The next address lies in no code that the process has mapped.
  case unmapped = "address outside any code"
  /// The unwind information has no rule that the walk can follow.
  case unsupported = "unwind rule not supported"
  /// The unwind information leads away from the root.
  case corrupt = "unwind rule leads astray"
  /// The code was mapped, or the process started, a moment ago: its unwind information was not read yet.
  case notReady = "unwind table not ready"
  /// The walk came to an outermost frame, but may have passed over a caller; `[caller may be missing]` says where.
  case callerDoubted = "caller may be missing"
  /// 32-bit code, which is walked by frame pointers alone: callers are missing here, or may be missing behind the leaf.
  case compat = "32-bit code, frames may be missing"

  /// The cause under which such stacks are counted.
  package var defect: DefectCause {
    switch self {
    case .tooDeep: .stackTooDeep
    case .unreadable: .stackUnreadable
    case .noFramePointer: .stackBroken
    case .unmapped: .stackUnmapped
    case .unsupported: .stackUnsupported
    case .corrupt: .stackCorrupt
    case .notReady: .stackNotReady
    case .callerDoubted: .callerDoubted
    case .compat: .stackCompat
    }
  }
}
