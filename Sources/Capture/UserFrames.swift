import CProbes
package import ProfileModel

/// The runtimes of which the kernel side can record frames (`enum swprof_runtime`).
package enum Runtime: UInt8, Sendable, CaseIterable {
  case python = 1
  case java = 2
  case javaScript = 3

  package var language: Language {
    switch self {
    case .python: .python
    case .java: .java
    case .javaScript: .javaScript
    }
  }
}

/// A function call that a runtime keeps in structures of its own. It has no name yet.
package struct RuntimeFrame: Hashable, Sendable {
  package let runtime: Runtime
  package let process: ProcessID
  /// When the program of the process began, see `AddressSpace.programStart`.
  package let programStart: UInt64
  /// By which the runtime knows the function: the address of its code object.
  package let object: UInt64
  /// Where in the function, as the runtime counts.
  package let position: UInt64

  package init(
    runtime: Runtime, process: ProcessID, programStart: UInt64 = 0, object: UInt64, position: UInt64
  ) {
    self.runtime = runtime
    self.process = process
    self.programStart = programStart
    self.object = object
    self.position = position
  }
}

/// What a runtime calls a frame.
package enum RuntimeName: Hashable, Sendable {
  /// `line` is nil for an instruction without one.
  case function(name: String, file: String, line: Int?)
  /// What ran there has been freed.
  case gone
}

/// A frame of a user stack as the kernel side records it.
enum UserFrame: Equatable {
  /// An instruction pointer of the innermost frame, or else a return address.
  case code(address: UInt64, isLeaf: Bool)
  case marker(Location.Marker)
  case runtime(Runtime, object: UInt64, position: UInt64)
}

/// The frames of a user stack from its root to its leaf.
///
/// A native frame is one word, and so is a mark, but for those of asyncio tasks (`stacks.h`). A frame of a runtime is
/// three: where in the function, the function, and towards the root the word that announces both
/// (`SWPROF_FRAME_RUNTIME`), so that a stack is read from its root. Any words can be read.
struct UserFrames: Sequence, IteratorProtocol {
  private let words: [UInt64]
  private var end: Int

  /// - Parameter words: from leaf to root.
  init(_ words: [UInt64]) {
    self.words = words
    end = words.count
  }

  mutating func next() -> UserFrame? {
    guard end > 0 else { return nil }
    end -= 1
    let word = words[end]
    switch word {
    case UInt64(SWPROF_FRAME_GUESSED): return .marker(.guessedCaller)
    case UInt64(SWPROF_FRAME_DOUBTED): return .marker(.doubtedCaller)
    case UInt64(SWPROF_FRAME_PYTHON_TRUNCATED): return .marker(.python(.truncated))
    case UInt64(SWPROF_FRAME_PYTHON_UNREADABLE): return .marker(.python(.unreadable))
    case UInt64(SWPROF_FRAME_PYTHON_NOT_MERGED): return .marker(.python(.notMerged))
    case UInt64(SWPROF_FRAME_PYTHON_COLLECTING): return .marker(.python(.collecting))
    case UInt64(SWPROF_FRAME_PYTHON_TASKS_CUT): return .marker(.python(.tasksTruncated))
    case UInt64(SWPROF_FRAME_PYTHON_WAITERS) where end >= 1:
      end -= 1
      return .marker(.pythonWaiters(words[end]))
    case UInt64(SWPROF_FRAME_PYTHON_TASK) where end > PythonTaskName.wordCount:
      end -= PythonTaskName.wordCount + 1
      return .marker(.pythonTask(PythonTaskName.read(words[end...])))
    case Self.announcements:
      guard let runtime = Self.runtime(word), end >= 2 else { break }
      end -= 2
      return .runtime(runtime, object: words[end + 1], position: words[end])
    default: break
    }
    return .code(address: word, isLeaf: end == 0)
  }

  private static let announcements = UInt64(SWPROF_FRAME_RUNTIME)...UInt64(SWPROF_FRAME_RUNTIME_LAST)

  private static func runtime(_ word: UInt64) -> Runtime? {
    Runtime(rawValue: UInt8(truncatingIfNeeded: word - UInt64(SWPROF_FRAME_RUNTIME)))
  }

  /// The first word, from the root, that announces a frame of an unknown runtime or one that is not whole.
  ///
  /// - Complexity: O(words), one comparison for each native frame.
  static func malformedWord(in words: [UInt64]) -> UInt64? {
    guard words.contains(where: announcements.contains) else { return nil }
    for case .code(let address, _) in UserFrames(words) where announcements.contains(address) { return address }
    return nil
  }
}
