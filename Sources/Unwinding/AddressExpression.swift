import ELF

/// The few DWARF expressions that compilers, linkers and hand-written assembly put into call frame information.
enum AddressExpression {
  private enum Operation {
    static let dereference: UInt8 = 0x06
    static let constant1: UInt8 = 0x08
    static let and: UInt8 = 0x1A
    static let multiply: UInt8 = 0x1E
    static let plus: UInt8 = 0x22
    static let plusConstant: UInt8 = 0x23
    static let shiftLeft: UInt8 = 0x24
    static let greaterOrEqual: UInt8 = 0x2A
    static let literal0: UInt8 = 0x30
    static let register0: UInt8 = 0x70
  }

  private static let rbp = Operation.register0 + 6
  private static let rsp = Operation.register0 + 7
  private static let rip = Operation.register0 + 16

  /// A frame address: `*(rsp|rbp + n) [+ m]`, `rsp|rbp + n`, `*(rsp + n + 8 * register) [+ m]`, or that of a stub of the
  /// procedure linkage table.
  static func frameAddress(_ bytes: [UInt8], _ range: Range<Int>) -> UnwindRule.FrameAddress? {
    var cursor = ByteCursor(bytes, range)
    let base = cursor.byte()
    guard base == rsp || base == rbp, let offset = Int32(exactly: cursor.signedLEB()) else { return nil }
    if cursor.isAtEnd, !cursor.isExhausted {
      return base == rsp ? .stackPointer(offset: offset) : .framePointer(offset: offset)
    }
    let operation = cursor.byte()
    if operation == rip, base == rsp { return linkageStub(&cursor, offset: offset) }
    if operation >= Operation.register0, operation < rip, base == rsp {
      return indexed(&cursor, by: operation - Operation.register0, offset: offset)
    }
    guard operation == Operation.dereference, let addend = addend(&cursor) else { return nil }
    return base == rsp
      ? .atStackPointer(offset: offset, addend: addend) : .atFramePointer(offset: offset, addend: addend)
  }

  /// Where rbp is: `rsp|rbp + n`.
  static func framePointer(_ bytes: [UInt8], _ range: Range<Int>) -> UnwindRule.FramePointer {
    var cursor = ByteCursor(bytes, range)
    let base = cursor.byte()
    guard let offset = Int32(exactly: cursor.signedLEB()), cursor.isAtEnd, !cursor.isExhausted else { return .unknown }
    switch base {
    case rsp: return .atStackPointer(offset: offset)
    case rbp: return .atFramePointer(offset: offset)
    default: return .unknown
    }
  }

  /// Whether an expression is `*(rsp + offset)`.
  static func isValue(atStackPointer offset: Int64, _ bytes: [UInt8], _ range: Range<Int>) -> Bool {
    var cursor = ByteCursor(bytes, range)
    return cursor.byte() == rsp && cursor.signedLEB() == offset && cursor.byte() == Operation.dereference
      && cursor.isAtEnd && !cursor.isExhausted
  }

  /// What is added at the end of an expression; zero where it ends, nil for anything else.
  private static func addend(_ cursor: inout ByteCursor) -> Int32? {
    if cursor.isAtEnd { return 0 }
    let addend: UInt64
    switch cursor.byte() {
    case Operation.plusConstant:
      addend = cursor.unsignedLEB()
    case Operation.constant1:
      addend = UInt64(cursor.byte())
      guard cursor.byte() == Operation.plus else { return nil }
    case let literal where literal >= Operation.literal0 && literal < Operation.literal0 + 32:
      addend = UInt64(literal - Operation.literal0)
      guard cursor.byte() == Operation.plus else { return nil }
    default: return nil
    }
    return cursor.isAtEnd && !cursor.isExhausted ? Int32(exactly: addend) : nil
  }

  /// `*(rsp + n + register * 8) [+ m]`, with the cursor behind the register: multi-precision arithmetic of OpenSSL.
  private static func indexed(_ cursor: inout ByteCursor, by register: UInt8, offset: Int32)
    -> UnwindRule.FrameAddress?
  {
    guard cursor.signedLEB() == 0, cursor.byte() == Operation.literal0 + 8, cursor.byte() == Operation.multiply,
      cursor.byte() == Operation.plus, cursor.byte() == Operation.dereference, let addend = addend(&cursor)
    else { return nil }
    return .atIndexedStackPointer(register, offset: offset, addend: addend)
  }

  /// `rsp + n + (((rip + 0) & 15) >= threshold) << 3`, with the cursor behind the `rip`.
  private static func linkageStub(_ cursor: inout ByteCursor, offset: Int32) -> UnwindRule.FrameAddress? {
    guard cursor.signedLEB() == 0, cursor.byte() == Operation.literal0 + 15, cursor.byte() == Operation.and else {
      return nil
    }
    let threshold = cursor.byte()
    guard threshold >= Operation.literal0, threshold < Operation.literal0 + 16,
      cursor.byte() == Operation.greaterOrEqual, cursor.byte() == Operation.literal0 + 3,
      cursor.byte() == Operation.shiftLeft, cursor.byte() == Operation.plus, cursor.isAtEnd, !cursor.isExhausted
    else { return nil }
    return .linkageStub(offset: offset, threshold: Int32(threshold - Operation.literal0))
  }
}
