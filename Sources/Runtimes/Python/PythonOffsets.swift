import CProbes

/// Where the structures of a CPython have their fields, in bytes.
struct PythonOffsets {
  /// The minor versions of CPython 3 whose structures are known.
  static let minors = 8...15

  /// How a code object tells the lines of its bytecode.
  enum LineFormat {
    /// `co_lnotab`, to 3.9.
    case pairs
    /// `co_linetable` of 3.10.
    case ranges
    /// `co_linetable` since 3.11.
    case locations
  }

  /// What the kernel walks by; without the addresses and paths of a process.
  var kernel = swprof_python()
  let minor: Int
  /// Of an object of fixed size: 16, and 32 in a free-threaded build.
  let objectHeader: Int

  // In `_PyRuntime`, in an interpreter, in the state of a thread.
  var interpreters = 0
  var nextInterpreter = 0
  var threads = 0
  var nextState = 8
  /// Since 3.11.
  var nativeThread: Int?
  /// To the frame at which each chain ends, since 3.15. The frame is a part of the state, `state_base_frame` bytes in.
  var baseFramePointer: Int?

  // In a code object.
  var fileName = 0
  var name = 0
  /// Since 3.11.
  var qualifiedName: Int?
  var lineTable = 0

  // In a string.
  var textLength = 16
  var textState = 32
  var textASCII = 40
  /// The data of a compact string of other characters; to 3.11 also a pointer to those of a string that is not compact.
  var textOther = 56

  // In a bytes object.
  var bytesSize = 16
  var bytesData = 32

  init(minor: Int, objectHeader: Int) {
    self.minor = minor
    self.objectHeader = objectHeader
  }

  var lineFormat: LineFormat {
    switch minor {
    case ...9: .pairs
    case 10: .ranges
    default: .locations
    }
  }

  /// The lowest bit of `kind` in the state of a string: behind `interned`, which is a byte in free-threaded 3.14.
  var kindShift: UInt32 { minor >= 14 && objectHeader == 32 ? 8 : 2 }

  /// Tells the kernel what it reads of a frame and of a code object; false if that is too much.
  mutating func setSizes() -> Bool {
    let pointers = [kernel.frame_previous, kernel.frame_code, kernel.frame_position].map { Int($0) + 8 }
    let flags = [kernel.frame_owner, kernel.frame_entry].map { Int($0) + 1 }
    let numbers = [
      kernel.code_argument_count, kernel.code_keyword_count, kernel.code_flags, kernel.code_first_line,
    ].map { Int($0) + 4 }
    let frame = (pointers + flags).max() ?? 0
    let code = (numbers + [Int(kernel.code_object_type) + 8]).max() ?? 0
    kernel.code_name = UInt16(clamping: qualifiedName ?? name)
    kernel.code_file = UInt16(clamping: fileName)
    kernel.code_lines = UInt16(clamping: lineTable)
    kernel.frame_size = UInt16(clamping: (frame + 7) & ~7)
    kernel.code_size = UInt16(clamping: (code + 7) & ~7)
    return kernel.frame_size <= SWPROF_PYTHON_FRAME_SIZE_MAX && kernel.code_size <= SWPROF_PYTHON_CODE_SIZE_MAX
  }
}
