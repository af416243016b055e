import Testing

@testable import Unwinding

/// Callers that no table tells. Code without any table lies at 0x4000, a file with a table at 0x1000; what its table
/// leaves open, from 0x1800 on, is a gap.
struct CallerTests {
  private static let byRegister = UnwindRule(frameAddress: .register(0, offset: 0))

  /// The bytes of code that all functions here consist of, by their addresses, filled up with `nop`.
  private struct Code {
    private(set) var bytes = [UInt8](repeating: 0x90, count: 0x6000)

    /// `call target` so that `address` follows it.
    mutating func call(_ target: UInt64, before address: UInt64) {
      let distance = Int32(truncatingIfNeeded: Int64(bitPattern: target &- address))
      put([0xE8] + (0..<4).map { UInt8(truncatingIfNeeded: distance >> (8 * $0)) }, at: address - 5)
    }

    mutating func put(_ text: [UInt8], at address: UInt64) {
      bytes.replaceSubrange(Int(address)..<Int(address) + text.count, with: text)
    }
  }

  private static func file() -> StackWalk.CodeRange {
    var builder = UnwindTableBuilder(from: 0x1000)
    let rules: [(UInt64, UnwindRule)] = [
      (0x1000, UnwindRule(frameAddress: .stackPointer(offset: 16))), (0x1100, byRegister), (0x1200, .outermost),
      (0x1300, UnwindRule(frameAddress: .framePointer(offset: 16), framePointer: .atFrameAddress(offset: -16))),
      (0x1400, .unsupported), (0x1500, UnwindRule(frameAddress: .register(3, offset: 0))),
    ]
    for (address, rule) in rules { builder.add(builder.number(of: rule), at: address) }
    var kept = KeptRegisters.unchanged
    kept.set(3, to: .offset(-24))
    let saves = UnwindRule(frameAddress: .stackPointer(offset: 32), kept: kept)
    builder.add(builder.number(of: saves), at: 0x1600)
    builder.add(UnwindTableBuilder.gap, at: 0x1800)
    return StackWalk.CodeRange(addresses: 0x1000..<0x3000, bias: 0, table: builder.table(damagedEntries: 0))
  }

  private let generated = StackWalk.CodeRange(addresses: 0x4000..<0x6000, bias: 0, table: nil)

  private func walk(
    rip: UInt64, rsp: UInt64 = 0x8000, rbp: UInt64 = 0, rax: UInt64 = 0, rbx: UInt64 = 0, _ stack: [UInt64: UInt64],
    _ code: Code
  ) -> StackWalk.Stack {
    var registers = StackWalk.Registers(rip: rip, rsp: rsp, rbp: rbp)
    registers.numbers[0] = rax
    registers.numbers[3] = rbx
    var words = stack
    // All of a stack can be read.
    for place in stride(from: UInt64(0x8000), to: 0x8400, by: 8) where words[place] == nil { words[place] = 0 }
    let memory = SparseMemory(words: words, code: [0: code.bytes])
    return StackWalk.walk(from: registers, through: [Self.file(), generated]) {
      memory.bytes(at: $0, count: $1)
    }
  }

  // MARK: leaves in code with frame pointers

  @Test func `a leaf without a frame has the caller whose call leads to it, not its caller's caller`() {
    var code = Code()
    code.call(0x4500, before: 0x4120)  // the leaf's caller
    code.call(0x4100, before: 0x4220)  // its caller
    let stack = walk(rip: 0x4510, rbp: 0x8040, [0x8000: 0x4120, 0x8040: 0x8080, 0x8048: 0x4220, 0x8080: 0], code)

    #expect(stack.frames.prefix(3) == [0x4510, 0x4120, 0x4220])
  }

  @Test func `a leaf that has set up its frame is walked by it, whatever lies below`() {
    var code = Code()
    code.call(0x4400, before: 0x4120)  // of an earlier call, left on the stack
    code.call(0x4500, before: 0x4220)
    code.put([0x55, 0x48, 0x89, 0xE5], at: 0x4500)
    let stack = walk(rip: 0x4510, rbp: 0x8040, [0x8008: 0x4120, 0x8040: 0x8080, 0x8048: 0x4220, 0x8080: 0], code)

    #expect(stack.frames.prefix(2) == [0x4510, 0x4220])
  }

  @Test func `where a call by pointer leaves it open, a caller may be missing, and the stack is not whole`() {
    var code = Code()
    code.put([0xFF, 0xD0], at: 0x411E)  // call *%rax
    code.put([0xFF, 0xD0], at: 0x421E)
    code.put([0xFF, 0xD0], at: 0x431E)
    let stack = walk(
      rip: 0x4610, rbp: 0x8040,
      [0x8000: 0x4120, 0x8040: 0x8080, 0x8048: 0x4220, 0x8080: 0, 0x8088: 0x4320], code)

    #expect(stack == .init(frames: [0x4610, StackWalk.doubted, 0x4220, 0x4320], end: .doubted))
  }

  @Test(
    arguments: [
      ([0x55, 0x48, 0x89, 0xE5], 0x8000), ([0x48, 0x8B, 0x59, 0xF8, 0x55, 0x48, 0x89, 0xE5], 0x8000),
      ([0x48, 0x89, 0xE5], 0x8008), ([0xC3], 0x8000),
    ]
      as [([UInt8], UInt64)])
  func `instructions that begin and end a function tell where its return address is`(bytes: [UInt8], place: UInt64) {
    var code = Code()
    code.put(bytes, at: 0x4610)
    code.put([0xFF, 0xD0], at: 0x411E)
    code.put([0xFF, 0xD0], at: 0x421E)
    let stack = walk(rip: 0x4610, rbp: 0x8040, [place: 0x4120, 0x8040: 0x8080, 0x8048: 0x4220, 0x8080: 0], code)

    #expect(stack.frames.prefix(3) == [0x4610, 0x4120, 0x4220])
  }

  @Test func `a zero in the leaf's rbp does not end its stack`() {
    #expect(walk(rip: 0x4610, rbp: 0, [:], Code()).end == .noFramePointer)
  }

  @Test func `a zero behind a confirmed frame ends it`() {
    var code = Code()
    code.call(0x4600, before: 0x4120)
    let stack = walk(rip: 0x4610, rbp: 0x8040, [0x8040: 0, 0x8048: 0x4120], code)

    #expect(stack == .init(frames: [0x4610, 0x4120], end: .complete))
  }

  // MARK: assembly without call frame information

  @Test func `the caller of a gap in a table is found by its call, marked, and walked on by tables`() {
    var code = Code()
    code.call(0x1900, before: 0x1010)
    let stack = walk(rip: 0x1910, rbp: 7, [0x8010: 0x1010, 0x8020: 0x1213], code)

    #expect(stack == .init(frames: [0x1910, StackWalk.guessed, 0x1010, 0x1213], end: .complete))
  }

  @Test func `what a call to other code has left on the stack is not taken for the caller`() {
    var code = Code()
    code.call(0x1700, before: 0x1650)  // 0x1700 is another function: its code does not reach to 0x1910
    code.put([0x55, 0x48, 0x89, 0xE5], at: 0x1904)
    code.call(0x2800, before: 0x1010)  // 0x2800 lies behind
    code.put([0xFF, 0x50, 0x10], at: 0x121D)  // call *16(%rax)
    let stack = walk(rip: 0x1910, rbp: 7, [0x8010: 0x1650, 0x8018: 0x1010, 0x8020: 0x1220], code)

    #expect(stack == .init(frames: [0x1910, StackWalk.guessed, 0x1220], end: .complete))
  }

  @Test func `generated code is left by the next return address in code with a table`() {
    var code = Code()
    code.put([0xFF, 0xD2], at: 0x101E)
    let stack = walk(rip: 0x4610, rbp: 0x1234_5679, [0x8128: 0x1020, 0x8138: 0x1213], code)

    #expect(stack == .init(frames: [0x4610, StackWalk.guessed, 0x1020, 0x1213], end: .complete))
  }

  @Test func `a search ends where the stack does, and says why the walk ended`() {
    #expect(walk(rip: 0x1410, [:], Code()) == .init(frames: [0x1410], end: .unsupported))
    #expect(walk(rip: 0x1910, rbp: 7, [0x8010: 0x1010], Code()) == .init(frames: [0x1910], end: .noFramePointer))
  }

  @Test func `guesses that lead in a circle end`() {
    var code = Code()
    var words: [UInt64: UInt64] = [:]
    code.call(0x1900, before: 0x1920)
    for place in stride(from: UInt64(0x8000), to: 0x8400, by: 8) { words[place] = 0x1920 }
    let stack = walk(rip: 0x1910, rbp: 7, words, code)

    #expect(stack.end == .noFramePointer)
    #expect(stack.frames.count { $0 == StackWalk.guessed } <= 25)
  }

  // MARK: frame addresses in registers

  @Test func `a caller's frame address in a register is used where a call stands below it`() {
    var code = Code()
    code.call(0x1000, before: 0x1110)
    code.call(0x1100, before: 0x1213)
    let memory: [UInt64: UInt64] = [0x8008: 0x1110, 0x80F8: 0x1213]

    #expect(walk(rip: 0x1010, rax: 0x8100, memory, code) == .init(frames: [0x1010, 0x1110, 0x1213], end: .complete))
    // rax has changed since: nothing but a guess is left.
    #expect(walk(rip: 0x1010, rax: 0x8200, memory, code).frames == [0x1010, 0x1110, StackWalk.guessed, 0x1213])
    #expect(walk(rip: 0x1010, rax: 0x100, memory, code).frames == [0x1010, 0x1110, StackWalk.guessed, 0x1213])
  }

  @Test func `a register that a callee has saved is read from where it did`() {
    var code = Code()
    code.call(0x1600, before: 0x1510)
    code.call(0x1500, before: 0x1213)
    // The frame of 0x1610 ends at 0x8020 and keeps rbx at 0x8008.
    let stack = walk(rip: 0x1610, rbx: 1, [0x8008: 0x8100, 0x8018: 0x1510, 0x80F8: 0x1213], code)

    #expect(stack == .init(frames: [0x1610, 0x1510, 0x1213], end: .complete))
  }

  // MARK: other stacks

  @Test func `a frame pointer that leads to another stack is followed to a call`() {
    var code = Code()
    code.call(0x1300, before: 0x1213)
    let memory: [UInt64: UInt64] = [0x8100: 0, 0x8108: 0x1213]

    #expect(
      walk(rip: 0x1310, rsp: 0x8200, rbp: 0x8100, memory, code) == .init(frames: [0x1310, 0x1213], end: .complete))
    #expect(walk(rip: 0x1310, rsp: 0x8200, rbp: 0x8100, [0x8108: 0x1020], code).end == .corrupt)
  }

  @Test func `an entry that nobody called is named by itself and ends its stack`() {
    // 0x1600 is a multiple of 16, at which a function begins; 0x1013 is not.
    #expect(walk(rip: 0x1010, [0x8008: 0x1600], Code()) == .init(frames: [0x1010, 0x1601], end: .complete))
    #expect(walk(rip: 0x1010, [0x8008: 0x1413], Code()) == .init(frames: [0x1010, 0x1414], end: .complete))
  }
}
