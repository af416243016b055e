import CProbes
package import ProfileModel
package import Unwinding

extension StackEnd {
  /// Why frames are missing at the root; nil where none are.
  package var truncation: Truncation? {
    switch self {
    case .none, .complete, .compatWhole: nil
    case .tooDeep: .tooDeep
    case .unreadable: .unreadable
    case .noFramePointer: .noFramePointer
    case .unmapped: .unmapped
    case .unsupported: .unsupported
    case .corrupt: .corrupt
    case .notReady: .notReady
    case .doubted: .callerDoubted
    case .compat: .compat
    }
  }

  /// Whether the stack is one of 32-bit code, walked by frame pointers alone.
  package var isCompat: Bool { self == .compat || self == .compatWhole }
}

extension StackEnd {
  /// Whether the walk may have ended there because the process has mapped something else than is known.
  var mayLackMappings: Bool {
    [.unmapped, .noFramePointer, .corrupt].contains(self)
  }
}

/// One tick as the kernel side reports it (`struct swprof_sample`).
package struct SampleRecord: Equatable, Sendable, CaptureRecord {
  package enum DecodeError: Error, Equatable {
    case truncated(expected: Int, actual: Int)
    case unknownStackEnd(UInt8)
    /// A word that announces a frame of a runtime that is unknown, or of which words are missing.
    case malformedFrame(UInt64)
    case unknownGILState(UInt8)
  }

  package let time: MonotonicTime
  package let process: ProcessID
  package let thread: ThreadID
  package let cpu: UInt32
  package let threadName: String
  package let processName: String
  package let userEnd: StackEnd
  package let kernelEnd: StackEnd
  /// Words from leaf to root, see `UserFrames`. Of native code, the first is an instruction pointer, the others are return
  /// addresses. Python frames are among them.
  package let userStack: [UInt64]
  /// The same without Python frames.
  package let nativeStack: [UInt64]
  /// Records from leaf to root, see `PythonRecord`.
  package let pythonStack: [UInt64]
  package let gil: GILState
  package let kernelStack: [UInt64]
  /// What the user stack can be walked from, where a table was not ready.
  package let stackCopy: StackCopy?

  /// Registers by their DWARF numbers, rip behind them, and the words of the stack from rsp on.
  package struct StackCopy: Equatable, Sendable {
    package let registers: [UInt64]
    package let words: [UInt64]
  }

  /// - Parameters:
  ///   - userStack: the native frames of the user stack.
  ///   - pythonStack: the Python frames beside them.
  package init(
    time: MonotonicTime, process: ProcessID, thread: ThreadID, cpu: UInt32, threadName: String, processName: String,
    userEnd: StackEnd, kernelEnd: StackEnd, userStack: [UInt64], pythonStack: [UInt64] = [], gil: GILState = .unknown,
    kernelStack: [UInt64], stackCopy: StackCopy? = nil
  ) {
    self.time = time
    self.process = process
    self.thread = thread
    self.cpu = cpu
    self.threadName = threadName
    self.processName = processName
    self.userEnd = userEnd
    self.kernelEnd = kernelEnd
    self.userStack = PythonMerge.merge(userStack, pythonStack)
    nativeStack = userStack
    self.pythonStack = pythonStack
    self.gil = gil
    self.kernelStack = kernelStack
    self.stackCopy = stackCopy
  }

  package init(decoding bytes: [UInt8]) throws(DecodeError) {
    let headerSize = MemoryLayout<swprof_sample>.size
    guard let header: swprof_sample = bytes.value(at: 0) else {
      throw .truncated(expected: headerSize, actual: bytes.count)
    }
    let userCount = Int(header.user_frames)
    let pythonCount = Int(header.python_words)
    let kernelCount = Int(header.kernel_frames)
    let copied = header.stack_words > 0 ? Int(SWPROF_COPY_REGISTERS) + Int(header.stack_words) : 0
    let expected = headerSize + (userCount + pythonCount + kernelCount + copied) * MemoryLayout<UInt64>.size
    guard bytes.count >= expected else { throw .truncated(expected: expected, actual: bytes.count) }
    guard let userEnd = StackEnd(rawValue: header.user_end) else { throw .unknownStackEnd(header.user_end) }
    guard let kernelEnd = StackEnd(rawValue: header.kernel_end) else { throw .unknownStackEnd(header.kernel_end) }
    guard let gil = GILState(rawValue: header.gil) else { throw .unknownGILState(header.gil) }
    func words(from first: Int, count: Int) -> [UInt64] {
      bytes.addresses(at: headerSize + first * MemoryLayout<UInt64>.size, count: count)
    }
    let userStack = words(from: 0, count: userCount)
    let pythonStack = words(from: userCount, count: pythonCount)
    if let word = UserFrames.malformedWord(in: userStack) ?? PythonRecord.malformedWord(in: pythonStack) {
      throw .malformedFrame(word)
    }

    self.init(
      time: MonotonicTime(nanoseconds: header.time_ns),
      process: ProcessID(rawValue: Int32(bitPattern: header.tgid)),
      thread: ThreadID(rawValue: Int32(bitPattern: header.tid)),
      cpu: header.cpu, threadName: text(header.comm),
      processName: text(header.process_comm),
      userEnd: userEnd, kernelEnd: kernelEnd,
      userStack: userStack, pythonStack: pythonStack, gil: gil,
      kernelStack: words(from: userCount + pythonCount, count: kernelCount),
      stackCopy: copied > 0
        ? StackCopy(words(from: userCount + pythonCount + kernelCount, count: copied)) : nil)
  }
}

extension SampleRecord.StackCopy {
  /// - Parameter numbers: the registers, then the words.
  init(_ numbers: [UInt64]) {
    registers = Array(numbers[..<Int(SWPROF_COPY_REGISTERS)])
    words = Array(numbers[Int(SWPROF_COPY_REGISTERS)...])
  }

  /// A number of bytes from an address on; nil where not all were copied.
  func bytes(at address: UInt64, count: Int) -> [UInt8]? {
    let offset = address &- registers[StackWalk.Registers.stackPointer]
    let size = words.count * MemoryLayout<UInt64>.size
    guard offset <= UInt64(size), count <= size - Int(offset) else { return nil }
    return unsafe words.withUnsafeBytes { unsafe Array($0[Int(offset)..<Int(offset) + count]) }
  }
}

extension SampleRecord {
  /// This sample with a user stack that was walked later, and its Python records as they belong to that.
  func walked(_ stack: [UInt64], _ python: [UInt64], _ end: StackEnd) -> SampleRecord {
    SampleRecord(
      time: time, process: process, thread: thread, cpu: cpu, threadName: threadName, processName: processName,
      userEnd: end, kernelEnd: kernelEnd, userStack: stack, pythonStack: python, gil: gil, kernelStack: kernelStack)
  }
}

extension SampleRecord {
  var profiledThread: ProfiledThread {
    ProfiledThread(process: process, thread: thread, processName: processName, name: threadName)
  }
}

/// The fields of records, which are laid out as C has them.
extension [UInt8] {
  /// A plain value at a position; nil where it does not fit.
  func value<Value: BitwiseCopyable>(at position: Int) -> Value? {
    guard position >= 0, position <= count - MemoryLayout<Value>.size else { return nil }
    return unsafe withUnsafeBytes { unsafe $0.loadUnaligned(fromByteOffset: position, as: Value.self) }
  }

  /// Numbers of 8 bytes, which must be there.
  func addresses(at position: Int, count: Int) -> [UInt64] {
    unsafe withUnsafeBytes { buffer in
      (0..<count).map {
        unsafe buffer.loadUnaligned(fromByteOffset: position + $0 * MemoryLayout<UInt64>.size, as: UInt64.self)
      }
    }
  }
}

/// The text in an array of C characters, up to its NUL.
func text<Field: BitwiseCopyable>(_ field: Field) -> String {
  unsafe withUnsafeBytes(of: field) { unsafe String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
}
