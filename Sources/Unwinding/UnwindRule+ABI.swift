package import CProbes

extension swprof_unwind_rule {
  /// A rule as the kernel side has it; what does not fit becomes an unsupported one.
  package init(_ rule: UnwindRule) {
    self.init()
    switch rule.frameAddress {
    case .unknown(.gap): setFrameAddress(SWPROF_CFA_GAP)
    case .unknown(.unsupported): setFrameAddress(SWPROF_CFA_UNSUPPORTED)
    case .outermost: setFrameAddress(SWPROF_CFA_OUTERMOST)
    case .stackPointer(let offset): setFrameAddress(SWPROF_CFA_SP, offset)
    case .framePointer(let offset): setFrameAddress(SWPROF_CFA_BP, offset)
    case .register(let number, let offset):
      setFrameAddress(SWPROF_CFA_REGISTER, offset)
      reg = number
    case .atStackPointer(let offset, let addend): setFrameAddress(SWPROF_CFA_AT_SP, offset, addend)
    case .atFramePointer(let offset, let addend): setFrameAddress(SWPROF_CFA_AT_BP, offset, addend)
    case .atIndexedStackPointer(let number, let offset, let addend):
      setFrameAddress(SWPROF_CFA_AT_SP_INDEXED, offset, addend)
      reg = number
    case .linkageStub(let offset, let threshold): setFrameAddress(SWPROF_CFA_LINKAGE_STUB, offset, threshold)
    case .signalFrame: setFrameAddress(SWPROF_CFA_SIGNAL_FRAME)
    }
    switch rule.framePointer {
    case .unknown: setFramePointer(SWPROF_BP_UNKNOWN)
    case .same: setFramePointer(SWPROF_BP_SAME)
    case .atFrameAddress(let offset): setFramePointer(SWPROF_BP_AT_CFA, offset)
    case .atStackPointer(let offset): setFramePointer(SWPROF_BP_AT_SP, offset)
    case .atFramePointer(let offset): setFramePointer(SWPROF_BP_AT_BP, offset)
    }
    setReturnAddress(rule)
    setKept(rule)
  }

  private mutating func setFrameAddress(_ kind: swprof_frame_address, _ offset: Int32 = 0, _ addend: Int32 = 0) {
    frame_address = UInt8(kind.rawValue)
    self.offset = offset
    self.addend = addend
  }

  private mutating func setFramePointer(_ kind: swprof_frame_pointer, _ offset: Int32 = 0) {
    frame_pointer = UInt8(kind.rawValue)
    bp_offset = offset
  }

  /// The return address shares fields with the frame address: a rule that needs one of them twice does not fit.
  private mutating func setReturnAddress(_ rule: UnwindRule) {
    switch rule.returnAddress {
    case .below:
      return_address = UInt8(SWPROF_RA_BELOW_CFA.rawValue)
    case .register(let number):
      switch rule.frameAddress {
      case .register, .atIndexedStackPointer: return setFrameAddress(SWPROF_CFA_UNSUPPORTED)
      default: break
      }
      return_address = UInt8(SWPROF_RA_REGISTER.rawValue)
      reg = number
    case .atFrameAddress(let offset):
      switch rule.frameAddress {
      case .atStackPointer, .atFramePointer, .atIndexedStackPointer, .linkageStub:
        return setFrameAddress(SWPROF_CFA_UNSUPPORTED)
      default: break
      }
      return_address = UInt8(SWPROF_RA_AT_CFA.rawValue)
      addend = offset
    }
  }
  /// The places of the other registers go into `addend`, where that is free; else they are lost.
  private mutating func setKept(_ rule: UnwindRule) {
    guard rule.kept != .unchanged else { return }
    let usesAddend =
      switch rule.frameAddress {
      case .atStackPointer, .atFramePointer, .atIndexedStackPointer, .linkageStub: true
      case .unknown, .outermost, .stackPointer, .framePointer, .register, .signalFrame:
        return_address == UInt8(SWPROF_RA_AT_CFA.rawValue)
      }
    if !usesAddend { addend = Int32(bitPattern: rule.kept.places) }
    let kept = usesAddend ? SWPROF_KEEPS_NONE : SWPROF_KEEPS_SOME
    reg |= UInt8(kept.rawValue) << UInt8(SWPROF_KEEPS_SHIFT)
  }
}
