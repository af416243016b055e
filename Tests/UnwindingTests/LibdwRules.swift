import CElfutils
import Glibc
import Testing

@testable import Unwinding

/// The call frame information of a file as libdw reads it: the oracle of our own reading.
final class LibdwRules {
  /// A stretch of code with one rule.
  struct Row {
    let start: UInt64
    let end: UInt64
    let rule: UnwindRule
  }

  private let descriptor: Int32
  private let elf: OpaquePointer
  private let frames: OpaquePointer
  /// Whose `.debug_frame` is read; nil where it is `.eh_frame`.
  private let debugging: OpaquePointer?

  /// Nil where libdw finds no call frame information.
  ///
  /// - Parameter debugFrames: whether to read `.debug_frame`.
  init?(_ path: String, debugFrames: Bool = false) {
    elf_version(UInt32(EV_CURRENT))
    descriptor = open(path, O_RDONLY)
    guard descriptor >= 0, let elf = elf_begin(descriptor, ELF_C_READ_MMAP, nil) else {
      close(descriptor)
      return nil
    }
    debugging = debugFrames ? dwarf_begin_elf(elf, DWARF_C_READ, nil) : nil
    guard let frames = debugFrames ? dwarf_getcfi(debugging) : dwarf_getcfi_elf(elf) else {
      dwarf_end(debugging)
      elf_end(elf)
      close(descriptor)
      return nil
    }
    self.elf = elf
    self.frames = frames
  }

  deinit {
    if let debugging { dwarf_end(debugging) } else { dwarf_cfi_end(frames) }
    elf_end(elf)
    close(descriptor)
  }

  /// The row that covers an address; nil where there is none.
  func row(at address: UInt64) -> Row? {
    var frame: OpaquePointer?
    guard dwarf_cfi_addrframe(frames, address, &frame) == 0, let frame else { return nil }
    defer { free(UnsafeMutableRawPointer(frame)) }
    var start: UInt64 = 0
    var end: UInt64 = 0
    var isSignalFrame = false
    _ = dwarf_frame_info(frame, &start, &end, &isSignalFrame)
    return Row(start: start, end: end, rule: rule(frame, isSignalFrame: isSignalFrame))
  }

  private func rule(_ frame: OpaquePointer, isSignalFrame: Bool) -> UnwindRule {
    var operations: UnsafeMutablePointer<Dwarf_Op>?
    var count = 0
    guard dwarf_frame_cfa(frame, &operations, &count) == 0 else { return .unsupported }
    let frameAddress = Self.frameAddress(UnsafeBufferPointer(start: operations, count: count))
    if isSignalFrame, frameAddress == .atStackPointer(offset: 160, addend: 0) {
      return UnwindRule(frameAddress: .signalFrame, framePointer: .unknown)
    }
    let returnAddress: UnwindRule.ReturnAddress
    switch place(of: 16, frame) {
    case .undefined: return .outermost
    case .offset(-8): returnAddress = .below
    case .offset(let offset): returnAddress = .atFrameAddress(offset: offset)
    case .register(let number): returnAddress = .register(UInt8(number))
    case .same, .expression, .other: return .unsupported
    }
    guard let frameAddress else { return .unsupported }
    let framePointer: UnwindRule.FramePointer
    switch place(of: 6, frame) {
    case .same, .register(6): framePointer = .same
    case .offset(let offset): framePointer = .atFrameAddress(offset: offset)
    case .expression(7, let offset): framePointer = .atStackPointer(offset: offset)
    case .expression(6, let offset): framePointer = .atFramePointer(offset: offset)
    case .undefined, .register, .expression, .other: framePointer = .unknown
    }
    var kept = KeptRegisters.unchanged
    for register in [3, 12, 13, 14, 15] as [Int32] {
      switch place(of: register, frame) {
      case .same: break
      case .offset(let offset): kept.set(UInt64(register), to: .offset(Int64(offset)))
      case .register(Int(register)): break
      // libdw does not know that functions keep rbx: to it, what is not said of rbx is undefined.
      case .undefined where register == 3: break
      case .undefined, .register, .expression, .other: kept.set(UInt64(register), to: .undefined)
      }
    }
    return UnwindRule(
      frameAddress: frameAddress, framePointer: framePointer, returnAddress: returnAddress, kept: kept)
  }

  private enum Place: Equatable {
    case undefined
    case same
    case offset(Int32)
    case register(Int)
    case expression(register: Int, offset: Int32)
    case other
  }

  private func place(of register: Int32, _ frame: OpaquePointer) -> Place {
    withUnsafeTemporaryAllocation(of: Dwarf_Op.self, capacity: 3) { memory in
      guard let base = memory.baseAddress else { return .other }
      var operations: UnsafeMutablePointer<Dwarf_Op>?
      var count = 0
      guard dwarf_frame_register(frame, register, base, &operations, &count) == 0 else { return .other }
      guard count > 0 else { return operations == nil ? .same : .undefined }
      let found = UnsafeBufferPointer(start: operations, count: count)
      if count == 1, let number = Self.register(found[0]), found[0].number2 == 0,
        found[0].atom < 0x70 || found[0].atom == 0x90
      {
        return .register(number)
      }
      if count <= 2, found[0].atom == 0x9C {
        if count == 1 { return .offset(0) }
        if found[1].atom == 0x23 { return .offset(Int32(truncatingIfNeeded: Int64(bitPattern: found[1].number))) }
        // An expression starts with the frame address on its stack (DWARF 5, section 6.4.2.3).
        if let (number, offset) = Self.base(found[1]) { return .expression(register: number, offset: offset) }
      }
      return .other
    }
  }

  private static func frameAddress(_ operations: UnsafeBufferPointer<Dwarf_Op>) -> UnwindRule.FrameAddress? {
    guard let first = operations.first, let (register, offset) = base(first) else { return nil }
    let rest = operations.dropFirst().map { $0 }
    let codes = rest.map(\.atom)
    if rest.isEmpty {
      switch register {
      case 7: return .stackPointer(offset: offset)
      case 6: return .framePointer(offset: offset)
      case 0..<16: return .register(UInt8(register), offset: offset)
      default: return nil
      }
    }
    guard register == 6 || register == 7 else { return nil }
    if codes.first == 0x06 {
      var addend: UInt64?
      if codes.count == 1 { addend = 0 }
      if codes.count == 2, codes[1] == 0x23 { addend = rest[1].number }
      if codes.count == 3, codes[2] == 0x22 {
        if (0x30..<0x50).contains(codes[1]) { addend = UInt64(codes[1] - 0x30) }
        if codes[1] == 0x08 { addend = rest[1].number }
      }
      guard let addend = addend.flatMap({ Int32(exactly: $0) }) else { return nil }
      return register == 7
        ? .atStackPointer(offset: offset, addend: addend) : .atFramePointer(offset: offset, addend: addend)
    }
    // *(rsp + offset + 8 * register) [+ addend]
    if register == 7, codes.count == 5 || codes.count == 6, (0x70..<0x80).contains(codes[0]), rest[0].number == 0,
      codes[1...4] == [0x38, 0x1E, 0x22, 0x06], codes.count == 5 || codes[5] == 0x23
    {
      let addend = codes.count == 5 ? 0 : Int32(truncatingIfNeeded: rest[5].number)
      return .atIndexedStackPointer(codes[0] - 0x70, offset: offset, addend: addend)
    }
    if register == 7, codes.count == 8, rest[0].atom == 0x80, rest[0].number == 0, codes[1] == 0x3F, codes[2] == 0x1A,
      (0x30..<0x40).contains(codes[3]), codes[4...] == [0x2A, 0x33, 0x24, 0x22]
    {
      return .linkageStub(offset: offset, threshold: Int32(codes[3]) - 0x30)
    }
    return nil
  }

  /// `DW_OP_regN` and `DW_OP_regx`.
  private static func register(_ operation: Dwarf_Op) -> Int? {
    switch operation.atom {
    case 0x50..<0x70: Int(operation.atom) - 0x50
    case 0x90: Int(operation.number)
    default: nil
    }
  }

  /// `DW_OP_bregN` and `DW_OP_bregx`.
  private static func base(_ operation: Dwarf_Op) -> (Int, Int32)? {
    switch operation.atom {
    case 0x70..<0x90: Int32(exactly: Int64(bitPattern: operation.number)).map { (Int(operation.atom) - 0x70, $0) }
    case 0x92: Int32(exactly: Int64(bitPattern: operation.number2)).map { (Int(operation.number), $0) }
    default: nil
    }
  }
}
