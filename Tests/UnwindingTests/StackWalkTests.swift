import Testing

@testable import Unwinding

/// Walks over made-up code at 0x1000 and a made-up stack at 0x8000.
struct StackWalkTests {
  private let leafRule = UnwindRule(frameAddress: .stackPointer(offset: 8))

  /// One function for each rule, 0x100 bytes each, from 0x1000 on.
  private func code(_ rules: UnwindRule...) -> StackWalk.CodeRange {
    var builder = UnwindTableBuilder(from: 0x1000)
    for (index, rule) in rules.enumerated() {
      builder.add(builder.number(of: rule), at: 0x1000 + UInt64(index) * 0x100)
    }
    builder.add(UnwindTableBuilder.gap, at: 0x1000 + UInt64(rules.count) * 0x100)
    return StackWalk.CodeRange(addresses: 0x1000..<0x2000, bias: 0, table: builder.table(damagedEntries: 0))
  }

  private func walk(
    _ ranges: [StackWalk.CodeRange], rip: UInt64, rsp: UInt64 = 0x8000, rbp: UInt64 = 0, _ memory: [UInt64: UInt64]
  ) -> StackWalk.Stack {
    walk(.init(rip: rip, rsp: rsp, rbp: rbp), ranges, memory)
  }

  private func walk(
    _ registers: StackWalk.Registers, _ ranges: [StackWalk.CodeRange], _ memory: [UInt64: UInt64],
    code: [UInt64: [UInt8]] = [:]
  ) -> StackWalk.Stack {
    let memory = SparseMemory(words: memory, code: code)
    return StackWalk.walk(from: registers, through: ranges) { memory.bytes(at: $0, count: $1) }
  }

  @Test func `an undefined return address ends a whole stack`() {
    let ranges = [code(leafRule, .outermost)]

    let stack = walk(ranges, rip: 0x1010, [0x8000: 0x1155])

    #expect(stack == .init(frames: [0x1010, 0x1155], end: .complete))
  }

  @Test func `a return address behind its function belongs to the call before it`() {
    // The caller ends with a call that never returns; behind it begins another function, with another rule.
    let ranges = [code(leafRule, UnwindRule(frameAddress: .stackPointer(offset: 16)), .unsupported, .outermost)]

    let stack = walk(
      .init(rip: 0x1010, rsp: 0x8000, rbp: 0), ranges, [0x8000: 0x1200, 0x8010: 0x1315],
      code: [0x11F8: [0x90, 0x90, 0x90, 0xE8, 0, 0, 0, 0, 0x90]])

    #expect(stack == .init(frames: [0x1010, 0x1200, 0x1315], end: .complete))
  }

  @Test func `a leaf at the first byte of a function belongs to it`() {
    #expect(walk([code(.unsupported, .outermost)], rip: 0x1100, [:]).end == .complete)
  }

  @Test func `the frame pointer is restored and used by a caller that needs it`() {
    let saves = UnwindRule(
      frameAddress: .stackPointer(offset: 24), framePointer: .atFrameAddress(offset: -16))
    let ranges = [code(saves, UnwindRule(frameAddress: .framePointer(offset: 16)), .outermost)]

    let stack = walk(ranges, rip: 0x1010, rbp: 0xBAD, [0x8008: 0x9000, 0x8010: 0x1155, 0x9008: 0x1215])

    #expect(stack == .init(frames: [0x1010, 0x1155, 0x1215], end: .complete))
  }

  @Test(arguments: [
    (UnwindRule.FramePointer.atStackPointer(offset: 0x40), 0x8040 as UInt64),
    (.atFramePointer(offset: -8), 0x8FF8), (.atFrameAddress(offset: 0x20), 0x8028),
  ])
  func `the frame pointer is found where the rule says`(rule: UnwindRule.FramePointer, place: UInt64) {
    let saves = UnwindRule(frameAddress: .stackPointer(offset: 8), framePointer: rule)
    let ranges = [code(saves, UnwindRule(frameAddress: .framePointer(offset: 16)), .outermost)]

    let stack = walk(ranges, rip: 0x1010, rbp: 0x9000, [0x8000: 0x1155, place: 0xA000, 0xA008: 0x1215])

    #expect(stack == .init(frames: [0x1010, 0x1155, 0x1215], end: .complete))
  }

  @Test(arguments: [
    (UnwindRule.FrameAddress.atStackPointer(offset: 0x18, addend: 8), 0x8018 as UInt64),
    (.atFramePointer(offset: -8, addend: 8), 0x8FF8),
  ])
  func `a frame address may lie in memory`(rule: UnwindRule.FrameAddress, place: UInt64) {
    let ranges = [code(UnwindRule(frameAddress: rule), .outermost)]

    let stack = walk(ranges, rip: 0x1010, rbp: 0x9000, [place: 0x9FF8, 0x9FF8: 0x1155])

    #expect(stack == .init(frames: [0x1010, 0x1155], end: .complete))
  }

  @Test(arguments: [(0x100A as UInt64, 0x8000 as UInt64), (0x100B, 0x8008)])
  func `a stub of the linkage table has pushed a word from its second half on`(rip: UInt64, place: UInt64) {
    let ranges = [code(UnwindRule(frameAddress: .linkageStub(offset: 8, threshold: 11)), .outermost)]

    #expect(walk(ranges, rip: rip, [place: 0x1155]) == .init(frames: [rip, 0x1155], end: .complete))
  }

  @Test func `other registers are known in the leaf and not in its caller`() {
    let byRegister = UnwindRule(frameAddress: .register(10, offset: 0))
    let ranges = [code(byRegister, .outermost, leafRule)]
    var registers = StackWalk.Registers(rip: 0x1010, rsp: 0x8000, rbp: 0)
    registers.numbers[10] = 0x8100
    let memory: [UInt64: UInt64] = [0x80F8: 0x1155, 0x8000: 0x1055]

    let leaf = walk(registers, ranges, memory)
    registers.numbers[16] = 0x1215
    let caller = walk(registers, ranges, memory)

    #expect(leaf == .init(frames: [0x1010, 0x1155], end: .complete))
    #expect(caller == .init(frames: [0x1215, 0x1055], end: .unsupported))
  }

  @Test func `a return address may be in a register of the leaf`() {
    let popped = UnwindRule(frameAddress: .stackPointer(offset: 0), returnAddress: .register(5))
    var registers = StackWalk.Registers(rip: 0x1010, rsp: 0x8000, rbp: 0)
    registers.numbers[5] = 0x1155

    let stack = walk(registers, [code(popped, .outermost)], [:])

    #expect(stack == .init(frames: [0x1010, 0x1155], end: .complete))
  }

  @Test func `behind a signal handler stands the code that it interrupted, with all its registers`() {
    let byRegister = UnwindRule(frameAddress: .register(10, offset: 0))
    let ranges = [code(leafRule, UnwindRule(frameAddress: .signalFrame), byRegister, .outermost)]
    var memory: [UInt64: UInt64] = [0x8000: 0x1101]
    for offset in stride(from: UInt64(0), to: 19 * 8, by: 8) { memory[0x8008 + 40 + offset] = 0 }
    memory[0x8008 + 40 + 2 * 8] = 0x9100  // r10
    memory[0x8008 + 40 + 15 * 8] = 0x9000  // rsp
    memory[0x8008 + 40 + 16 * 8] = 0x1200  // rip: the first byte of its function
    memory[0x90F8] = 0x1355

    let stack = walk(ranges, rip: 0x1010, memory)

    #expect(stack == .init(frames: [0x1010, 0x1101, 0x1201, 0x1355], end: .complete))
  }

  @Test func `a signal that has interrupted 32-bit code ends the stack`() {
    let ranges = [code(leafRule, UnwindRule(frameAddress: .signalFrame))]
    var memory: [UInt64: UInt64] = [0x8000: 0x1101]
    for offset in stride(from: UInt64(0), to: 19 * 8, by: 8) { memory[0x8008 + 40 + offset] = 0x1200 }
    memory[0x8008 + 40 + 18 * 8] = 0x2B_0000_0000_0023  // gs, fs and ss stand above cs

    #expect(walk(ranges, rip: 0x1010, memory) == .init(frames: [0x1010, 0x1101], end: .compat))
  }

  @Test func `code without a table is walked by frame pointers, and the tables go on behind it`() {
    let jit = StackWalk.CodeRange(addresses: 0x4000..<0x5000, bias: 0, table: nil)

    let stack = walk([code(.outermost), jit], rip: 0x4010, rbp: 0x8010, [0x8010: 0x9000, 0x8018: 0x1055])

    #expect(stack == .init(frames: [0x4010, 0x1055], end: .complete))
  }

  @Test func `a gap in a table is walked by frame pointers`() {
    let stack = walk([code(.outermost)], rip: 0x1800, rbp: 0x8010, [0x8010: 0x9000, 0x8018: 0x1055])

    #expect(stack == .init(frames: [0x1800, 0x1055], end: .complete))
  }

  @Test(arguments: [
    (0x7FF8, 0x1055), (0x8014, 0x1055), (0x8010 + (1 << 24), 0x1055), (0, 0x1055),
  ])
  func `what cannot be a frame pointer ends the stack`(rbp: UInt64, address: UInt64) {
    let stack = walk([code(.outermost)], rip: 0x1800, rbp: rbp, [rbp: 0x9000, rbp + 8: address])

    #expect(stack == .init(frames: [0x1800], end: .noFramePointer))
  }

  @Test func `a chain of frame pointers that ends in zero is whole`() {
    let jit = StackWalk.CodeRange(addresses: 0x4000..<0x5000, bias: 0, table: nil)

    #expect(walk([jit], rip: 0x4010, rbp: 0x8010, [0x8010: 0, 0x8018: 0x4055]).end == .complete)
  }

  @Test func `every other end says why`() {
    let loop = [code(leafRule)]
    var endless: [UInt64: UInt64] = [:]
    for place in stride(from: UInt64(0x8000), to: 0x8000 + 8 * 1100, by: 8) { endless[place] = 0x1055 }

    #expect(walk(loop, rip: 0x1010, [:]).end == .unreadable)
    #expect(walk(loop, rip: 0x1010, [0x8000: 0x7777]) == .init(frames: [0x1010], end: .unmapped))
    #expect(walk([code(.outermost)], rip: 0x1800, rbp: 0x8010, [0x8010: 0x9000, 0x8018: 0x7777]).end == .unmapped)
    #expect(walk(loop, rip: 0x1010, [0x8000: 0]).end == .complete)
    #expect(walk([code(.unsupported)], rip: 0x1010, [:]).end == .unsupported)
    #expect(walk([code(UnwindRule(frameAddress: .stackPointer(offset: -8)))], rip: 0x1010, [:]).end == .corrupt)
    #expect(walk(loop, rip: 0x1010, endless).end == .tooDeep)
    #expect(walk(loop, rip: 0x1010, endless).frames.count == StackWalk.maximumFrames)
  }

  @Test func `a caller that leaves the stack where it is leads astray`() {
    let still = UnwindRule(frameAddress: .stackPointer(offset: 0))

    #expect(walk([code(leafRule, still)], rip: 0x1010, [0x8000: 0x1155]).end == .corrupt)
  }

  @Test func `a frame pointer that was lost is not used`() {
    let loses = UnwindRule(frameAddress: .stackPointer(offset: 8), framePointer: .unknown)
    let ranges = [code(loses, UnwindRule(frameAddress: .framePointer(offset: 16)))]

    #expect(walk(ranges, rip: 0x1010, rbp: 0x9000, [0x8000: 0x1155]).end == .unsupported)
  }

  @Test func `a file that is not mapped where it was linked is looked up by its bias`() {
    var builder = UnwindTableBuilder(from: 0x1000)
    builder.add(builder.number(of: .outermost), at: 0x1000)
    let moved = StackWalk.CodeRange(
      addresses: 0x7F00_0000_1000..<0x7F00_0000_2000, bias: 0 &- 0x7F00_0000_0000,
      table: builder.table(damagedEntries: 0))

    #expect(walk([moved], rip: 0x7F00_0000_1010, [:]).end == .complete)
  }
}

/// Words of stacks and bytes of code; nothing else can be read.
struct SparseMemory {
  var words: [UInt64: UInt64]
  var code: [UInt64: [UInt8]]

  func bytes(at address: UInt64, count: Int) -> [UInt8]? {
    var result: [UInt8] = []
    for offset in 0..<UInt64(count) {
      guard let byte = byte(at: address &+ offset) else { return nil }
      result.append(byte)
    }
    return result
  }

  private func byte(at address: UInt64) -> UInt8? {
    if let word = words[address & ~7] { return UInt8(truncatingIfNeeded: word >> (8 * (address & 7))) }
    for (start, bytes) in code where address >= start && address - start < UInt64(bytes.count) {
      return bytes[Int(address - start)]
    }
    return nil
  }
}
