package import CProbes
import CUnwinding

/// The walks of `bpf/src/unwind`, compiled for user space: over any registers and any memory.
package struct StackWalk {
  /// What code runs on.
  package struct Registers: Equatable, Sendable {
    package static let stackPointer = Int(SWPROF_REGISTER_SP.rawValue)
    private static let framePointer = Int(SWPROF_REGISTER_BP.rawValue)
    private static let instructionPointer = Int(SWPROF_REGISTER_RETURN_ADDRESS.rawValue)

    /// By their DWARF numbers; the last one is the instruction pointer.
    package var numbers: [UInt64]

    /// - Parameter numbers: as many as there are registers.
    package init(_ numbers: [UInt64]) {
      precondition(numbers.count == Int(SWPROF_REGISTER_COUNT.rawValue))
      self.numbers = numbers
    }

    package init(rip: UInt64, rsp: UInt64, rbp: UInt64) {
      var numbers = [UInt64](repeating: 0, count: Int(SWPROF_REGISTER_COUNT.rawValue))
      numbers[Self.instructionPointer] = rip
      numbers[Self.stackPointer] = rsp
      numbers[Self.framePointer] = rbp
      self.init(numbers)
    }
  }

  /// Code that a process has mapped.
  package struct CodeRange {
    package let addresses: Range<UInt64>
    /// ELF virtual address = address + bias, modulo 2^64.
    package let bias: UInt64
    /// The rule at an ELF virtual address; nil where the code has no table at all.
    package let rule: (UInt64) -> UnwindRule?
    /// Whether it is of no file: code that the process has written.
    package let isGenerated: Bool

    package init(
      addresses: Range<UInt64>, bias: UInt64, isGenerated: Bool = false, rule: @escaping (UInt64) -> UnwindRule?
    ) {
      self.addresses = addresses
      self.bias = bias
      self.isGenerated = isGenerated
      self.rule = rule
    }

    /// - Parameter table: nil for code that has none.
    package init(addresses: Range<UInt64>, bias: UInt64, table: UnwindTable?, isGenerated: Bool = false) {
      self.init(addresses: addresses, bias: bias, isGenerated: isGenerated) { table?.rule(at: $0) }
    }
  }

  /// A walk that ended, and how.
  package struct Stack: Equatable, Sendable {
    /// From leaf to root: an instruction pointer, then return addresses; a frame that a signal interrupted is given by
    /// its instruction pointer + 1. `guessed` and `doubted` stand among them.
    package var frames: [UInt64]
    package var end: StackEnd
    /// The records of the Python side, from leaf to root (`python.h`).
    package var python: [UInt64]
    /// How the thread stands to the lock of CPython (`enum swprof_gil`).
    package var gil: UInt8

    package init(frames: [UInt64], end: StackEnd, python: [UInt64] = [], gil: UInt8 = 0) {
      self.frames = frames
      self.end = end
      self.python = python
      self.gil = gil
    }
  }

  /// Where the Python side of a stack comes from.
  package enum PythonSide {
    case none
    /// It is walked by what is known of the process.
    case thread(swprof_python, threadPointer: UInt64)
    /// It was walked before, and is to have its places among the native frames.
    case records([UInt64])
  }

  /// Frames above this are not taken.
  package static let maximumFrames = Int(SWPROF_USER_FRAMES_MAX)
  /// A mark among the frames: the next one is a guess.
  package static let guessed = UInt64(SWPROF_FRAME_GUESSED)
  /// A mark among the frames: a caller may be missing before the next one.
  package static let doubted = UInt64(SWPROF_FRAME_DOUBTED)

  private let ranges: [CodeRange]
  private let read: (UInt64, Int) -> [UInt8]?

  /// Walks to the end.
  ///
  /// - Parameters:
  ///   - ranges: sorted by address, without overlap.
  ///   - python: the Python side of the stack.
  ///   - read: a number of bytes from an address on; nil where not all can be read.
  package static func walk(
    from registers: Registers, through ranges: [CodeRange], python: PythonSide = .none,
    read: @escaping (UInt64, Int) -> [UInt8]?
  ) -> Stack {
    unsafe StackWalk(ranges: ranges, read: read).stack { source, result in
      var source = unsafe source.pointee
      switch python {
      case .none: unsafe swprof_walk(&source, registers.numbers, result)
      case .thread(var target, let pointer):
        unsafe withUnsafePointer(to: &target) { target in
          unsafe source.python = target
          unsafe source.thread_pointer = pointer
          unsafe swprof_walk(&source, registers.numbers, result)
        }
      case .records(let words):
        unsafe words.withUnsafeBufferPointer { words in
          unsafe source.python_records = words.baseAddress
          unsafe source.python_words = UInt32(clamping: words.count)
          unsafe swprof_walk(&source, registers.numbers, result)
        }
      }
    }
  }

  /// Walks the stack of 32-bit code to its end, by frame pointers alone.
  ///
  /// - Parameters:
  ///   - isWide: whether the program itself is 64-bit.
  ///   - ranges: all code that is mapped, sorted by address, without overlap.
  ///   - read: a number of bytes from an address on; nil where not all can be read.
  package static func walkCompat(
    from registers: Registers, isWide: Bool, through ranges: [CodeRange],
    read: @escaping (UInt64, Int) -> [UInt8]?
  ) -> Stack {
    unsafe StackWalk(ranges: ranges, read: read).stack(isWide: isWide) { source, result in
      unsafe swprof_walk_compat(source, registers.numbers, result)
    }
  }

  private func stack(
    isWide: Bool = true,
    by walk: (UnsafePointer<swprof_walk_source>, UnsafeMutablePointer<swprof_walk_result>) -> Void
  ) -> Stack {
    var context = self
    return unsafe withUnsafeMutablePointer(to: &context) { context in
      var source = unsafe Self.source(context)
      unsafe source.is_wide = isWide ? 1 : 0
      let result = UnsafeMutablePointer<swprof_walk_result>.allocate(capacity: 1)
      defer { unsafe result.deallocate() }
      unsafe walk(&source, result)
      let (count, pythonCount) = unsafe (Int(result.pointee.count), Int(result.pointee.python_words))
      let words = unsafe withUnsafeBytes(of: &result.pointee.frames) {
        unsafe Array($0.bindMemory(to: UInt64.self).prefix(count + pythonCount))
      }
      let end = unsafe UInt8(exactly: result.pointee.end).flatMap(StackEnd.init(rawValue:))
      return Stack(
        frames: Array(words[..<count]), end: end ?? .unsupported, python: Array(words[count...]),
        gil: unsafe UInt8(truncatingIfNeeded: result.pointee.gil))
    }
  }

  private static func source(_ context: UnsafeMutablePointer<StackWalk>) -> swprof_walk_source {
    var source = unsafe swprof_walk_source()
    unsafe source.context = UnsafeMutableRawPointer(context)
    unsafe source.lowest_code = context.pointee.ranges.first?.addresses.lowerBound ?? 0
    unsafe source.highest_code = context.pointee.ranges.last?.addresses.upperBound ?? 0
    unsafe source.read = { context, target, size, address in
      guard let target = unsafe target,
        let bytes = unsafe StackWalk.of(context).read(address, Int(size)), bytes.count == Int(size)
      else { return 1 }
      unsafe target.copyMemory(from: bytes, byteCount: bytes.count)
      return 0
    }
    unsafe source.find_range = { context, address, result in
      guard let range = unsafe StackWalk.of(context).range(at: address) else { return 1 }
      unsafe result?.pointee = range
      return 0
    }
    unsafe source.find_rule = { context, module, address, result in
      let walk = unsafe StackWalk.of(context)
      unsafe result?.pointee = swprof_unwind_rule(walk.ranges[Int(module) - 1].rule(address) ?? .gap)
      return 0
    }
    return unsafe source
  }

  private static func of(_ context: UnsafeMutableRawPointer?) -> StackWalk {
    guard let context = unsafe context else { preconditionFailure("a walk has a source") }
    return unsafe context.assumingMemoryBound(to: StackWalk.self).pointee
  }

  private func range(at address: UInt64) -> swprof_code_range? {
    guard let index = ranges.firstIndex(where: { $0.addresses.contains(address) }) else { return nil }
    let range = ranges[index]
    var result = swprof_code_range()
    result.start = range.addresses.lowerBound
    result.end = range.addresses.upperBound
    result.bias = range.bias
    result.flags = range.isGenerated ? UInt32(SWPROF_RANGE_GENERATED) : 0
    // Modules are numbered by their ranges, from 1 on: 0 is code without a table.
    result.module = range.rule(address &+ range.bias) == nil ? 0 : UInt32(index) + 1
    return result
  }
}
