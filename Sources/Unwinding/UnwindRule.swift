/// How the registers of a caller follow from those of its callee at one range of code: what a row of the call frame
/// information says (DWARF 5, section 6.4), cut down to what a stack walk needs.
package struct UnwindRule: Hashable, Sendable {
  /// The canonical frame address: the value of the stack pointer in the caller.
  package enum FrameAddress: Hashable, Sendable {
    /// No information: a gap between functions, or a rule that the walk cannot follow; see `Missing`.
    case unknown(Missing)
    /// The outermost frame: the return address is undefined.
    case outermost
    /// `rsp + offset`.
    case stackPointer(offset: Int32)
    /// `rbp + offset`.
    case framePointer(offset: Int32)
    /// Another register + offset; `register` is the DWARF number. Certain only in the innermost frame, and in one that a
    /// signal interrupted; elsewhere the walk checks what it leads to.
    case register(UInt8, offset: Int32)
    /// `*(rsp + offset) + addend`.
    case atStackPointer(offset: Int32, addend: Int32)
    /// `*(rbp + offset) + addend`.
    case atFramePointer(offset: Int32, addend: Int32)
    /// `*(rsp + offset + 8 * register) + addend`; the register is known as that of `register` is.
    case atIndexedStackPointer(UInt8, offset: Int32, addend: Int32)
    /// A stub of the procedure linkage table: `rsp + offset`, and 8 more where `(rip & 15) >= threshold`.
    case linkageStub(offset: Int32, threshold: Int32)
    /// The frame that the kernel made for a signal handler: all registers stand in the `ucontext` at `rsp`.
    case signalFrame
  }

  package enum Missing: Hashable, Sendable {
    /// Between functions, or code without call frame information.
    case gap
    /// An expression or a register that this table cannot hold.
    case unsupported
  }

  /// Where the caller's rbp is.
  package enum FramePointer: Hashable, Sendable {
    /// Not changed.
    case same
    /// At the frame address + offset.
    case atFrameAddress(offset: Int32)
    /// At the callee's rsp + offset.
    case atStackPointer(offset: Int32)
    /// At the callee's rbp + offset.
    case atFramePointer(offset: Int32)
    /// Lost, or kept in a way that this table cannot hold: a later rule that asks for it cannot be followed.
    case unknown
  }

  /// Where the return address is.
  package enum ReturnAddress: Hashable, Sendable {
    /// At the frame address - 8, where a call puts it.
    case below
    /// In a register; `number` is the DWARF number. Known as `FrameAddress.register` is.
    case register(UInt8)
    /// At the frame address + offset.
    case atFrameAddress(offset: Int32)
  }

  package var frameAddress: FrameAddress
  package var framePointer: FramePointer
  package var returnAddress: ReturnAddress
  package var kept: KeptRegisters

  package init(
    frameAddress: FrameAddress, framePointer: FramePointer = .same, returnAddress: ReturnAddress = .below,
    kept: KeptRegisters = .unchanged
  ) {
    self.frameAddress = frameAddress
    self.framePointer = framePointer
    self.returnAddress = returnAddress
    self.kept = kept
  }

  package static let gap = UnwindRule(frameAddress: .unknown(.gap), framePointer: .unknown)
  package static let unsupported = UnwindRule(frameAddress: .unknown(.unsupported), framePointer: .unknown)
  package static let outermost = UnwindRule(frameAddress: .outermost, framePointer: .unknown)
}
