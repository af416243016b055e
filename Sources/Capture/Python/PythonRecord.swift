import CProbes
import ProfileModel

/// A record of the Python side of a stack (`python.h`).
enum PythonRecord: Equatable {
  /// - Parameter place: where in the code, and a cookie of the code object.
  case frame(code: UInt64, place: UInt64)
  /// A run of the eval loop ends.
  ///
  /// - Parameter natives: the native frames up to the loop's own; nil where it is not among them.
  case boundary(natives: Int?)
  /// Frames towards the root are missing.
  case truncated
  case unreadable
  /// Garbage is being collected.
  case collecting
  /// Bytes of the name of the next task.
  case nameWord(UInt64)
  /// The frames of an asyncio task end.
  ///
  /// - Parameter name: how long the name is, `SWPROF_PYTHON_NAME`.
  case task(name: UInt64)
  /// So many tasks await the last one.
  case waiters(UInt64)
  /// Tasks that await the last one are missing.
  case tasksCut

  /// - Returns: nil for a mark that is unknown.
  init?(_ first: UInt64, _ second: UInt64) {
    guard first < UInt64(SWPROF_PYTHON_MARK_LIMIT) else {
      self = .frame(code: first, place: second)
      return
    }
    switch swprof_python_mark(UInt32(first)) {
    case SWPROF_PYTHON_BOUNDARY:
      let natives = Int32(second & 0xFFFF)
      self = .boundary(natives: natives == SWPROF_PYTHON_DETACHED ? nil : Int(natives))
    case SWPROF_PYTHON_TRUNCATED, SWPROF_PYTHON_NO_CODE: self = .truncated
    case SWPROF_PYTHON_UNREADABLE: self = .unreadable
    case SWPROF_PYTHON_COLLECTING: self = .collecting
    case SWPROF_PYTHON_NAME_WORD: self = .nameWord(second)
    case SWPROF_PYTHON_TASK: self = .task(name: second)
    case SWPROF_PYTHON_WAITERS: self = .waiters(second)
    case SWPROF_PYTHON_TASKS_CUT: self = .tasksCut
    default: return nil
    }
  }

  /// The records in words from leaf to root; those that are unknown are left out.
  static func all(in words: [UInt64]) -> [PythonRecord] {
    stride(from: 0, to: words.count - 1, by: 2).compactMap { PythonRecord(words[$0], words[$0 + 1]) }
  }

  /// The first word of a record that is unknown or not whole.
  static func malformedWord(in words: [UInt64]) -> UInt64? {
    for index in stride(from: 0, to: words.count, by: 2)
    where index + 1 == words.count || PythonRecord(words[index], words[index + 1]) == nil {
      return words[index]
    }
    return nil
  }
}

/// How a thread stood to the global interpreter lock of CPython (`enum swprof_gil`).
package enum GILState: UInt8, Sendable, CaseIterable {
  /// No Python thread, or not known.
  case unknown = 0
  case held = 1
  /// A Python thread without it.
  case none = 2
  /// And asking for it.
  case waiting = 3

  /// The label `gil`; none where nothing is known.
  var labels: LabelSet {
    switch self {
    case .unknown: .empty
    case .held: Self.heldLabels
    case .none: Self.noneLabels
    case .waiting: Self.waitingLabels
    }
  }

  private static let heldLabels = LabelSet([Label(key: "gil", value: "held")])
  private static let noneLabels = LabelSet([Label(key: "gil", value: "none")])
  private static let waitingLabels = LabelSet([Label(key: "gil", value: "waiting")])
}
