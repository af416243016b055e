import CProbes
import CUnwinding

/// The walk of `bpf/src/unwind/walk.h`, compiled for user space: over any registers and any memory.
package struct StackWalk {
  /// What x86-64 code runs on.
  package struct Registers: Equatable, Sendable {
    package var rip: UInt64
    /// By their DWARF numbers (System V ABI, AMD64 supplement, figure 3.36); rbp is 6, rsp is 7.
    package var general: [UInt64]

    /// - Parameter general: sixteen.
    package init(rip: UInt64, general: [UInt64]) {
      precondition(general.count == 16)
      self.rip = rip
      self.general = general
    }

    package init(rip: UInt64, rsp: UInt64, rbp: UInt64) {
      var general = [UInt64](repeating: 0, count: 16)
      general[6] = rbp
      general[7] = rsp
      self.init(rip: rip, general: general)
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

  package enum End: UInt32, Equatable, Sendable {
    case complete = 1
    case tooDeep = 2
    case unreadable = 3
    case noFramePointer = 4
    case unmapped = 5
    case unsupported = 6
    case corrupt = 7
    case doubted = 9
    /// A signal has interrupted 32-bit code.
    case compat = 16
  }

  /// A walk that ended, and how.
  package struct Stack: Equatable, Sendable {
    /// From leaf to root: an instruction pointer, then return addresses; a frame that a signal interrupted is given by
    /// its instruction pointer + 1. `guessed` and `doubted` stand among them.
    package var frames: [UInt64]
    package var end: End
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
  ///   - read: a number of bytes from an address on; nil where not all can be read.
  package static func walk(
    from registers: Registers, through ranges: [CodeRange], read: @escaping (UInt64, Int) -> [UInt8]?
  ) -> Stack {
    var source = StackWalk(ranges: ranges, read: read)
    return unsafe withUnsafeMutablePointer(to: &source) { unsafe walk(from: registers, $0) }
  }

  private static func walk(from registers: Registers, _ context: UnsafeMutablePointer<StackWalk>) -> Stack {
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
    let numbers = registers.general + [registers.rip]
    let result = UnsafeMutablePointer<swprof_walk_result>.allocate(capacity: 1)
    defer { unsafe result.deallocate() }
    unsafe swprof_walk(&source, numbers, result)
    let frames = unsafe withUnsafeBytes(of: &result.pointee.frames) {
      unsafe Array($0.bindMemory(to: UInt64.self).prefix(Int(result.pointee.count)))
    }
    // The walk has no other ends where tables are always ready.
    return Stack(frames: frames, end: unsafe End(rawValue: result.pointee.end) ?? .unsupported)
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
