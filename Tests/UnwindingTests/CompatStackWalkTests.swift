import CUnwinding
import Testing

@testable import Unwinding

/// Walks over made-up 32-bit code at 0x10000 and a made-up stack at 0x80000.
struct CompatStackWalkTests {
  /// Memory that a test fills; what it does not fill cannot be read.
  private struct Memory {
    private var bytes: [UInt64: UInt8] = [:]

    init() {
      for address in 0x10000..<0x11000 as Range<UInt64> { bytes[address] = 0x90 }
    }

    mutating func set(_ code: [UInt8], at address: UInt32) {
      for (offset, byte) in code.enumerated() { bytes[UInt64(address) + UInt64(offset)] = byte }
    }

    mutating func setWords(_ words: [UInt32], at address: UInt32) {
      set(words.flatMap { word in (0..<4).map { UInt8(truncatingIfNeeded: word >> (8 * $0)) } }, at: address)
    }

    /// Puts a call before an address, of a function.
    mutating func setCall(before address: UInt32, to function: UInt32) {
      let distance = function &- address
      set([0xE8] + (0..<4).map { UInt8(truncatingIfNeeded: distance >> (8 * $0)) }, at: address - 5)
    }

    func read(_ address: UInt64, _ count: Int) -> [UInt8]? {
      let found = (0..<UInt64(count)).compactMap { bytes[address + $0] }
      return found.count == count ? found : nil
    }
  }

  private var memory = Memory()

  /// main at 0x10200 has called outer at 0x10300, and that has called inner at 0x10400, each with a frame.
  init() {
    memory.setCall(before: 0x10110, to: 0x10200)
    memory.setCall(before: 0x10250, to: 0x10300)
    memory.setCall(before: 0x10350, to: 0x10400)
    memory.setWords([0x80120, 0x10350], at: 0x80110)
    memory.setWords([0x80130, 0x10250], at: 0x80120)
    memory.setWords([0, 0x10110], at: 0x80130)
    memory.setWords([UInt32](repeating: 0, count: 4), at: 0x80100)
  }

  private func walk(
    eip: UInt32 = 0x10420, esp: UInt32 = 0x80100, ebp: UInt32 = 0x80110, isWide: Bool = false
  ) -> StackWalk.Stack {
    let registers = StackWalk.Registers(rip: UInt64(eip), rsp: UInt64(esp), rbp: UInt64(ebp))
    let code = StackWalk.CodeRange(addresses: 0x10000..<0x11000, bias: 0, table: nil)
    return StackWalk.walkCompat(from: registers, isWide: isWide, through: [code]) { [memory] in
      memory.read($0, $1)
    }
  }

  private let whole: [UInt64] = [0x10420, 0x10350, 0x10250, 0x10110]

  @Test func `a chain of frames of 4-byte words is walked to its end`() {
    #expect(walk() == .init(frames: whole, end: .compatWhole))
  }

  @Test func `32-bit code of a 64-bit program is never whole`() {
    #expect(walk(isWide: true) == .init(frames: whole, end: .compat))
  }

  @Test(
    arguments: [
      ([0x55, 0x89, 0xE5], 0), ([0xF3, 0x0F, 0x1E, 0xFB, 0x55, 0x89, 0xE5, 0x90], 0), ([0xC3], 0), ([0xC2, 4, 0], 0),
      ([0xF3, 0xC3], 0),
    ] as [([UInt8], UInt32)])
  func `a leaf that has no frame now has its return address on the stack`(code: [UInt8], offset: UInt32) {
    var test = self
    test.memory.set(code, at: 0x10420)

    #expect(test.walk(esp: 0x80114, ebp: 0x80120) == .init(frames: whole, end: .compatWhole))
  }

  @Test func `a leaf that has saved its caller's frame pointer, and not made its own`() {
    var test = self
    test.memory.set([0x89, 0xE5], at: 0x10420)

    #expect(test.walk(esp: 0x80110, ebp: 0xBAD) == .init(frames: whole, end: .compatWhole))
  }

  @Test func `the return from a system call has pushed three registers`() {
    var test = self
    test.memory.set([0x5D, 0x5A, 0x59, 0xC3], at: 0x10900)
    test.memory.set([0xFF, 0xD0], at: 0x1044E)
    test.memory.setWords([1, 2, 3, 0x10450], at: 0x80100)

    let stack = test.walk(eip: 0x10900, esp: 0x80100, ebp: 0x80110)

    #expect(stack == .init(frames: [0x10900, 0x10450, 0x10350, 0x10250, 0x10110], end: .compatWhole))
  }

  @Test func `a leaf without a frame is not taken for its caller`() {
    var test = self
    // inner, whose frame is at ebp, has called leaf at 0x10500, and that spins.
    test.memory.setCall(before: 0x10450, to: 0x10500)
    test.memory.setWords([0, 0x10450], at: 0x80104)

    #expect(
      test.walk(eip: 0x10510) == .init(frames: [0x10510, 0x10450, 0x10350, 0x10250, 0x10110], end: .compatWhole))
  }

  @Test func `two functions without a frame are both found`() {
    var test = self
    // inner has called first, and that has called second, both without a frame.
    test.memory.setCall(before: 0x10450, to: 0x10500)
    test.memory.setCall(before: 0x10540, to: 0x10600)
    test.memory.setWords([0x10540, 0, 0x10450], at: 0x80100)

    let stack = test.walk(eip: 0x10610)

    #expect(stack == .init(frames: [0x10610, 0x10540, 0x10450, 0x10350, 0x10250, 0x10110], end: .compatWhole))
  }

  @Test func `where the leaf may have been called through a pointer, a caller may be missing`() {
    var test = self
    test.memory.set([0xFF, 0xD0], at: 0x1044E)
    test.memory.setWords([0x10450], at: 0x80100)

    #expect(test.walk() == .init(frames: whole, end: .compat))
  }

  @Test func `a leaf before the function whose frame there is may have lost its caller`() {
    #expect(walk(eip: 0x10390).end == .compat)
  }

  @Test func `what was called through a pointer is walked on, and said not to be sure`() {
    var test = self
    test.memory.set([0x90, 0x90, 0x90, 0xFF, 0xD2], at: 0x1034B)

    #expect(test.walk() == .init(frames: whole, end: .compat))
  }

  @Test(
    arguments: [
      // call *%edx; call *4(%edx); call *(%edx,%ecx,4); call *0x12345678; call *0x78(%edx,%ecx,4); call *big(%edx,%ecx,4)
      [0xFF, 0xD2], [0xFF, 0x52, 4], [0xFF, 0x14, 0x8A], [0xFF, 0x15, 0x78, 0x56, 0x34, 0x12],
      [0xFF, 0x54, 0x8A, 0x78],
      [0xFF, 0x94, 0x8A, 0x78, 0x56, 0x34, 0x12],
    ] as [[UInt8]])
  func `calls of every length count`(code: [UInt8]) {
    var test = self
    test.memory.set([UInt8](repeating: 0x90, count: 8), at: 0x10248)
    test.memory.set(code, at: 0x10250 - UInt32(code.count))

    #expect(test.walk().frames == whole)
  }

  @Test func `an address that follows no call is no frame`() {
    var test = self
    test.memory.set([UInt8](repeating: 0x90, count: 8), at: 0x10248)

    #expect(test.walk() == .init(frames: [0x10420, 0x10350], end: .compat))
  }

  @Test(arguments: [0x80110 - 0x20, 0x80112, 0x80110 + (1 << 24)] as [UInt32])
  func `what cannot be a frame pointer ends the stack`(ebp: UInt32) {
    #expect(walk(ebp: ebp) == .init(frames: [0x10420], end: .compat))
  }

  @Test func `two words of 4 bytes are never read as one`() {
    var test = self
    // As 64-bit code keeps a frame: rbp, then the return address.
    test.memory.setWords([0x80130, 0, 0x10250, 0], at: 0x80120)

    #expect(test.walk() == .init(frames: [0x10420, 0x10350], end: .compat))
  }

  @Test func `code that is not mapped, and a stack that cannot be read, end it`() {
    #expect(walk(eip: 0x20000) == .init(frames: [0x20000], end: .unmapped))
    #expect(walk(ebp: 0x90000) == .init(frames: [0x10420], end: .unreadable))
  }

  @Test(arguments: [true, false])
  func `behind a signal handler stands the code that it interrupted`(hasContext: Bool) {
    var test = self
    // The handler at 0x10700 returns to the trampoline at 0x10800; the signal came in inner.
    test.memory.set(
      hasContext
        ? [0xB8, 0xAD, 0, 0, 0, 0xCD, 0x80, 0x90] : [0x58, 0xB8, 0x77, 0, 0, 0, 0xCD, 0x80], at: 0x10800)
    test.memory.setWords([0x80110, 0x10800], at: 0x80020)
    test.memory.setWords([10, 0, 0x80060], at: 0x80028)
    var registers = [UInt32](repeating: 0, count: 12)
    (registers[2], registers[3], registers[10], registers[11]) = (0x80110, 0x80100, 0x10420, 0x23)
    test.memory.setWords(registers, at: hasContext ? 0x80060 + 36 : 0x80028 + 20)
    test.memory.setWords([0, 0], at: 0x80018)

    let stack = test.walk(eip: 0x10710, esp: 0x80018, ebp: 0x80020)

    // Nothing says who has called the handler: the kernel has.
    #expect(stack.frames == [0x10710, 0x10801, 0x10421] + whole.dropFirst())
    #expect(stack.end == .compat)
  }

  @Test func `a chain without an end is cut`() {
    var test = self
    for frame in 0..<1100 as Range<UInt32> {
      test.memory.setWords([0x80110 + 8 * (frame + 1), 0x10350], at: 0x80110 + 8 * frame)
    }

    let stack = test.walk()

    #expect(stack.frames.count == StackWalk.maximumFrames)
    #expect(stack.end == .tooDeep)
  }

  @Test func `the selector of 32-bit code, and any of the process's own, is not that of 64-bit code`() {
    #expect(arch_is_compat_segment(0x23))
    #expect(arch_is_compat_segment(0xF))
    #expect(arch_is_compat_segment(0x1_0023))
    #expect(!arch_is_compat_segment(0x33))
    #expect(!arch_is_compat_segment(0xE033))
  }
}
