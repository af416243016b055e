import CProbes
import Testing
import Unwinding

@testable import Capture

/// Rules as the kernel side has them.
struct UnwindRuleTests {
  @Test func `the usual prologue keeps its offsets`() {
    let rule = swprof_unwind_rule(
      UnwindRule(frameAddress: .stackPointer(offset: 24), framePointer: .atFrameAddress(offset: -16)))

    #expect(rule.frame_address == UInt8(SWPROF_CFA_SP.rawValue))
    #expect(rule.offset == 24)
    #expect(rule.frame_pointer == UInt8(SWPROF_BP_AT_CFA.rawValue))
    #expect(rule.bp_offset == -16)
    #expect(rule.return_address == UInt8(SWPROF_RA_BELOW_CFA.rawValue))
  }

  @Test func `every frame address has a kind of its own`() {
    let all: [UnwindRule.FrameAddress] = [
      .unknown(.gap), .unknown(.unsupported), .outermost, .stackPointer(offset: 1), .framePointer(offset: 1),
      .register(3, offset: 1), .atStackPointer(offset: 1, addend: 2), .atFramePointer(offset: 1, addend: 2),
      .linkageStub(offset: 8, threshold: 11), .signalFrame,
    ]

    #expect(Set(all.map { swprof_unwind_rule(UnwindRule(frameAddress: $0)).frame_address }).count == all.count)
  }

  @Test func `a return address in a register stands in the register's field`() {
    let rule = swprof_unwind_rule(
      UnwindRule(frameAddress: .stackPointer(offset: 0), returnAddress: .register(5)))

    #expect(rule.return_address == UInt8(SWPROF_RA_REGISTER.rawValue))
    #expect(rule.reg == 5)
  }

  @Test func `a rule that needs a field twice is unsupported`() {
    let registers = UnwindRule(frameAddress: .register(3, offset: 0), returnAddress: .register(5))
    let offsets = UnwindRule(
      frameAddress: .atStackPointer(offset: 8, addend: 8), returnAddress: .atFrameAddress(offset: -16))

    #expect(swprof_unwind_rule(registers).frame_address == UInt8(SWPROF_CFA_UNSUPPORTED.rawValue))
    #expect(swprof_unwind_rule(offsets).frame_address == UInt8(SWPROF_CFA_UNSUPPORTED.rawValue))
  }

  @Test func `a page of a table is laid out as the kernel side reads it`() {
    #expect(MemoryLayout<UnwindTable.Page>.stride == MemoryLayout<swprof_unwind_page>.stride)
    #expect(UnwindTable.pageBits == Int(SWPROF_PAGE_BITS))
    #expect(UnwindTable.ruleBits == Int(SWPROF_RULE_BITS))
  }
}
