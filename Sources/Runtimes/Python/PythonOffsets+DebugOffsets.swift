import CProbes
import ELF

extension PythonOffsets {
  /// What the tasks of asyncio need besides, since 3.14.
  private struct TaskPositions {
    let stackPointer: Int
    let setCount: Int
    let coroutineFrame: Int
    /// `gi_frame_state` of a coroutine that awaits something (CPython, Include/internal/pycore_frame.h).
    let suspended: Int8
    /// How far below its stack pointer a frame has what it awaits.
    let awaited: UInt16
  }

  /// Where `_Py_DebugOffsets` (CPython, Include/internal/pycore_debug_offsets.h) has the offset of each field.
  private struct Positions {
    let threadNext: Int
    let frame: Int
    let frameOwner: Int
    let code: Int
    let bytecode: Int
    let objectType: Int
    let bytes: Int
    let text: Int
    let collector: Int
    let collecting: Int
    var threadID: Int
    var baseFrame: Int?
    var gilRequested: Int?
    var tasks: TaskPositions?

    static let byMinor = [
      13: Positions(
        threadNext: 168, frame: 232, frameOwner: 264, code: 280, bytecode: 344, objectType: 360, bytes: 520, text: 544,
        collector: 80, collecting: 576, threadID: 192),
      14: Positions(
        threadNext: 192, frame: 256, frameOwner: 288, code: 320, bytecode: 384, objectType: 408, bytes: 600, text: 624,
        collector: 88, collecting: 656, threadID: 216,
        tasks: TaskPositions(stackPointer: 296, setCount: 504, coroutineFrame: 680, suspended: -1, awaited: 8)),
      15: Positions(
        threadNext: 192, frame: 320, frameOwner: 352, code: 384, bytecode: 448, objectType: 472, bytes: 696, text: 720,
        collector: 88, collecting: 760, threadID: 240, baseFrame: 216, gilRequested: 280,
        tasks: TaskPositions(stackPointer: 360, setCount: 600, coroutineFrame: 808, suspended: 2, awaited: 16)),
    ]
  }

  /// The size of the part of `_Py_DebugOffsets` that is read.
  static let debugTableSize = 1024
  /// More than any structure of CPython has; `PyInterpreterState` is the largest.
  private static let maximumOffset: UInt64 = 1 << 16 - 1

  /// Reads the offsets that the runtime of 3.13 and later tells about itself.
  ///
  /// - Parameter table: the beginning of `_PyRuntime`.
  /// - Returns: nil for a version that is not known, or where one of them cannot be.
  init?(debugOffsets table: [UInt8], minor: Int) {
    guard let at = Positions.byMinor[minor], table.count >= Self.debugTableSize,
      table.starts(with: PythonImage.debugCookie)
    else { return nil }
    func offset(_ position: Int) -> Int {
      let value: UInt64 = table.integer(at: position)
      return value < Self.maximumOffset ? Int(value) : Int(Self.maximumOffset)
    }
    func short(_ position: Int) -> UInt16 { UInt16(offset(position)) }

    let freeThreaded: UInt64 = table.integer(at: 16)
    guard freeThreaded <= 1 else { return nil }
    self.init(minor: minor, objectHeader: freeThreaded == 1 ? 32 : 16)
    kernel.is_free_threaded = UInt8(freeThreaded)
    kernel.anchor = UInt8(SWPROF_PYTHON_ANCHOR_SHIM.rawValue)
    kernel.position = UInt8(SWPROF_PYTHON_POSITION_POINTER.rawValue)
    kernel.tag_mask = minor >= 14 ? 7 : 0
    kernel.shim_owner = 3
    kernel.other_shim_owner = minor == 14 ? 4 : 3

    interpreters = offset(40)
    nextInterpreter = offset(64)
    threads = offset(72)
    modules = offset(at.collector + 8)
    nextState = offset(at.threadNext)
    kernel.state_interpreter = short(at.threadNext + 8)
    kernel.state_frame = short(at.threadNext + 16)
    baseFramePointer = at.baseFrame.map(offset)
    kernel.state_gil_requested = at.gilRequested.map(short) ?? 0
    kernel.state_thread = short(at.threadID)
    nativeThread = offset(at.threadID + 8)
    kernel.frame_previous = short(at.frame)
    kernel.frame_code = short(at.frame + 8)
    kernel.frame_position = short(at.frame + 16)
    kernel.frame_owner = short(at.frameOwner)
    fileName = offset(at.code)
    name = offset(at.code + 8)
    qualifiedName = offset(at.code + 16)
    lineTable = offset(at.code + 24)
    kernel.code_first_line = short(at.code + 32)
    kernel.code_argument_count = short(at.code + 40)
    kernel.code_bytecode = short(at.bytecode)
    kernel.code_object_type = short(at.objectType)
    bytesSize = offset(at.bytes)
    bytesData = offset(at.bytes + 8)
    textState = offset(at.text)
    textLength = offset(at.text + 8)
    textASCII = offset(at.text + 16)
    // Behind that head are the length and the address of its form in UTF-8.
    textOther = textASCII + 16
    let collecting = offset(at.collector) + offset(at.collecting)
    kernel.interpreter_collecting = UInt16(exactly: collecting) ?? 0
    if let tasks = at.tasks { setTasks(tasks, offset: short) }
    guard isPlausible else { return nil }
  }

  /// - Parameter offset: what the table has at a position.
  private mutating func setTasks(_ tasks: TaskPositions, offset: (Int) -> UInt16) {
    kernel.tasks.stack_pointer = offset(tasks.stackPointer)
    kernel.tasks.set_count = offset(tasks.setCount)
    kernel.tasks.frame = offset(tasks.coroutineFrame)
    kernel.tasks.frame_state = offset(tasks.coroutineFrame + 8)
    kernel.tasks.suspended = UInt8(bitPattern: tasks.suspended)
    kernel.tasks.awaited = tasks.awaited
    kernel.tasks.text_kind_shift = UInt8(kindShift)
    kernel.tasks.text_length = UInt16(clamping: textLength)
    kernel.tasks.text_state = UInt16(clamping: textState)
    kernel.tasks.text_ascii = UInt16(clamping: textASCII)
    kernel.tasks.text_other = UInt16(clamping: textOther)
  }

  /// Whether each offset is one that a structure of such a size can have. Those of the code object and of the frame are
  /// checked against the objects themselves later.
  private var isPlausible: Bool {
    let ofState =
      [
        kernel.state_interpreter, kernel.state_frame, kernel.state_gil_requested,
        kernel.state_thread,
      ].map(Int.init) + [nextState, nativeThread ?? 0, baseFramePointer ?? 0]
    let ofFrame = [kernel.frame_previous, kernel.frame_code, kernel.frame_position, kernel.frame_owner].map(Int.init)
    let ofCode =
      [kernel.code_first_line, kernel.code_argument_count, kernel.code_bytecode].map(Int.init)
      + [fileName, name, qualifiedName ?? 0, lineTable]
    let ofObjects = [bytesSize, bytesData, textState, textLength, textASCII, Int(kernel.code_object_type)]
    let all = ofState + [interpreters, nextInterpreter, threads, modules]
    return all.allSatisfy { $0 < Self.maximumOffset } && ofState.allSatisfy { $0 < 4096 }
      && ofFrame.allSatisfy { $0 < 128 } && ofCode.allSatisfy { $0 < 512 } && ofObjects.allSatisfy { $0 < 128 }
      && max(textLength + 8, textState + 4) <= textASCII
  }
}
