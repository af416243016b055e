import BPF
import CProbes
import Unwinding

extension UnwindTable {
  private var pageLines: Int { UnwindLines.lines(forBytes: pages.count * MemoryLayout<swprof_unwind_page>.stride) }
  private var rowLines: Int { UnwindLines.lines(forBytes: rows.count * MemoryLayout<UInt32>.stride) }
  private var ruleLines: Int { UnwindLines.lines(forBytes: rules.count * MemoryLayout<swprof_unwind_rule>.stride) }

  /// The lines that the table takes in the kernel.
  var storedLines: Int { 1 + pageLines + rowLines + ruleLines }

  /// Writes the table into lines of the kernel side.
  ///
  /// - Returns: the line of its `struct swprof_module`, or nil when there is no room for it.
  func store(in lines: UnwindLines) throws(BPFError) -> UInt32? {
    guard let first = try lines.allocate(lines: storedLines) else { return nil }
    var module = swprof_module()
    module.first_page = firstPage
    module.page_count = UInt32(pages.count)
    module.pages = first + 1
    module.rows = module.pages + UInt32(pageLines)
    module.rules = module.rows + UInt32(rowLines)
    // `Page` is laid out as `struct swprof_unwind_page` is.
    lines.write(pages, at: module.pages)
    lines.write(rows, at: module.rows)
    lines.write(rules.map(swprof_unwind_rule.init), at: module.rules)
    lines.write([module], at: first)
    return first
  }
}

extension swprof_unwind_rule {
  /// A rule as the kernel side has it; what does not fit becomes an unsupported one.
  init(_ rule: UnwindRule) {
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
      if case .register = rule.frameAddress { return setFrameAddress(SWPROF_CFA_UNSUPPORTED) }
      return_address = UInt8(SWPROF_RA_REGISTER.rawValue)
      reg = number
    case .atFrameAddress(let offset):
      switch rule.frameAddress {
      case .atStackPointer, .atFramePointer, .linkageStub: return setFrameAddress(SWPROF_CFA_UNSUPPORTED)
      default: break
      }
      return_address = UInt8(SWPROF_RA_AT_CFA.rawValue)
      addend = offset
    }
  }
}
