import CUnwinding

/// A row of the call frame information while it is put together: the frame address, and the registers that a stack walk
/// follows (DWARF 5, section 6.4.1).
struct CallFrameRow: Equatable {
  /// Where the caller's value of a register is.
  enum Place: Equatable {
    /// Nothing was said.
    case unspecified
    case undefined
    case same
    /// At the frame address + offset.
    case offset(Int64)
    /// The frame address + offset itself.
    case valueOffset(Int64)
    case register(UInt64)
    /// At the address that an expression computes; a range of the section.
    case expression(Range<Int>)
    case valueExpression
  }

  enum FrameAddress: Equatable {
    case unspecified
    case register(UInt64, offset: Int64)
    case expression(Range<Int>)
  }

  /// DWARF numbers.
  enum Register {
    static var rbp: UInt64 { UInt64(SWPROF_REGISTER_BP.rawValue) }
    static var rsp: UInt64 { UInt64(SWPROF_REGISTER_SP.rawValue) }
    static var returnAddress: UInt64 { UInt64(SWPROF_REGISTER_RETURN_ADDRESS.rawValue) }
  }

  var frameAddress = FrameAddress.unspecified
  var rbp = Place.unspecified
  var returnAddress = Place.unspecified
  var kept = KeptRegisters.unchanged

  mutating func set(_ register: UInt64, to place: Place) {
    switch register {
    case Register.rbp: rbp = place
    case Register.returnAddress: returnAddress = place
    default: kept.set(register, to: place)
    }
  }

  mutating func restore(_ register: UInt64, from initial: CallFrameRow) {
    switch register {
    case Register.rbp: rbp = initial.rbp
    case Register.returnAddress: returnAddress = initial.returnAddress
    default: kept.restore(register, from: initial.kept)
    }
  }

  /// The row as a rule; `bytes` holds its expressions.
  func rule(in bytes: [UInt8]) -> UnwindRule {
    if returnAddress == .undefined { return .outermost }
    guard let frameAddress = ruleFrameAddress(in: bytes), let returnAddress = ruleReturnAddress else {
      return .unsupported
    }
    return UnwindRule(
      frameAddress: frameAddress, framePointer: ruleFramePointer(in: bytes), returnAddress: returnAddress, kept: kept)
  }

  private func ruleFrameAddress(in bytes: [UInt8]) -> UnwindRule.FrameAddress? {
    switch frameAddress {
    case .unspecified: return nil
    case .register(let register, let offset):
      guard let offset = Int32(exactly: offset) else { return nil }
      switch register {
      case Register.rsp: return .stackPointer(offset: offset)
      case Register.rbp: return .framePointer(offset: offset)
      case 0..<Register.returnAddress: return .register(UInt8(register), offset: offset)
      default: return nil
      }
    case .expression(let range): return AddressExpression.frameAddress(bytes, range)
    }
  }

  private func ruleFramePointer(in bytes: [UInt8]) -> UnwindRule.FramePointer {
    switch rbp {
    // Callee-saved: a function that says nothing about it does not touch it.
    case .unspecified, .same: return .same
    case .offset(let offset): return Int32(exactly: offset).map { .atFrameAddress(offset: $0) } ?? .unknown
    case .register(Register.rbp): return .same
    case .expression(let range): return AddressExpression.framePointer(bytes, range)
    case .undefined, .valueOffset, .register, .valueExpression: return .unknown
    }
  }

  private var ruleReturnAddress: UnwindRule.ReturnAddress? {
    switch returnAddress {
    case .offset(-8): .below
    case .offset(let offset): Int32(exactly: offset).map { .atFrameAddress(offset: $0) }
    case .register(let number) where number < Register.returnAddress: .register(UInt8(number))
    case .unspecified, .undefined, .same, .valueOffset, .register, .expression, .valueExpression: nil
    }
  }
}
