/// The walk of `bpf/src/unwind/compat.h` in Swift: stacks of 32-bit code, by frame pointers alone.
///
/// Both must be changed together.
package struct CompatStackWalk {
  /// What 32-bit code runs on.
  package struct Registers: Equatable, Sendable {
    package var eip: UInt32
    package var esp: UInt32
    package var ebp: UInt32

    package init(eip: UInt32, esp: UInt32, ebp: UInt32) {
      self.eip = eip
      self.esp = esp
      self.ebp = ebp
    }
  }

  package enum End: Equatable, Sendable {
    /// At the outermost frame, with none missing.
    case whole
    /// Frames may be missing: at the root, or behind the leaf.
    case compat
    case tooDeep
    case unreadable
    case unmapped
  }

  package struct Stack: Equatable, Sendable {
    /// From leaf to root, as those of `StackWalk.Stack`.
    package var frames: [UInt64]
    package var end: End
  }

  /// A call that an address follows.
  private enum Call: Equatable {
    case direct(UInt32)
    case indirect
  }

  /// The selector of 32-bit code, and the bit of those that a process has made itself (modify_ldt(2)).
  private static let codeSegment: UInt64 = 0x23
  private static let localSegment: UInt64 = 4

  private static let maximumFrameSize: UInt32 = 1 << 23
  private static let maximumFunction: UInt32 = 1 << 16
  private static let windowBytes: UInt32 = 64 * 4
  /// Where the registers that a signal has saved are (arch/x86/include/uapi/asm/sigcontext.h): see the header.
  private static let signalRegisters: UInt32 = 20
  private static let signalContext: UInt32 = 8
  private static let contextRegisters: UInt32 = 36

  private let isCode: (UInt64) -> Bool
  private let read: (UInt64, Int) -> [UInt8]?
  private let isWide: Bool
  private var registers: Registers
  private var frames: [UInt64]
  private var isExact = true
  /// Whether the function at hand may have no frame of its own.
  private var isUnchecked = true
  private var mayMiss = false

  /// Whether a code segment holds code that is not 64-bit.
  package static func isCompatCode(segment: UInt64) -> Bool {
    segment & 0xFFFF == codeSegment || segment & localSegment != 0
  }

  /// Walks to the end.
  ///
  /// - Parameters:
  ///   - isWide: whether the program itself is 64-bit.
  ///   - isCode: whether code is mapped at an address.
  ///   - read: a number of bytes at an address; nil where they cannot be read.
  package static func walk(
    from registers: Registers, isWide: Bool, isCode: @escaping (UInt64) -> Bool,
    read: @escaping (UInt64, Int) -> [UInt8]?
  ) -> Stack {
    var walk = CompatStackWalk(
      isCode: isCode, read: read, isWide: isWide, registers: registers, frames: [UInt64(registers.eip)])
    guard isCode(UInt64(registers.eip)) else { return Stack(frames: walk.frames, end: .unmapped) }
    while true {
      if let end = walk.step() { return Stack(frames: walk.frames, end: end) }
    }
  }

  /// - Returns: nil while there is a caller.
  private mutating func step() -> End? {
    isUnchecked ? checkFrame() : stepByFrame()
  }

  private mutating func add(isExact: Bool) -> End? {
    guard frames.count < StackWalk.maximumFrames else { return .tooDeep }
    frames.append(UInt64(isExact ? registers.eip &+ 1 : registers.eip))
    return nil
  }

  // MARK: - Functions without a frame

  private mutating func checkFrame() -> End? {
    let place = isExact ? placeByInstruction() : nil
    isExact = false
    isUnchecked = false
    if let place { return returnTo(place) }
    guard registers.ebp >= registers.esp, registers.ebp - registers.esp <= Self.windowBytes,
      let address = word(at: registers.ebp &+ 4), case .direct(let function) = call(before: address)
    else {
      mayMiss = true
      return nil
    }
    var best: (callee: UInt32, place: UInt32) = (0, 0)
    var isUnknown = false
    for place in stride(from: registers.esp, to: registers.ebp, by: 4) {
      switch callee(ofWordAt: place, below: function) {
      case nil: break
      case .direct(let callee): if (callee, place) > best { best = (callee, place) }
      case .indirect: isUnknown = true
      }
    }
    if best.callee > 0 { return returnTo(best.place) }
    if isUnknown || !Self.reaches(registers.eip, from: function) { mayMiss = true }
    return nil
  }

  /// What a word of the stack has called, below a frame that a function has made: the start of the function that the
  /// code at hand must be of, or that this is not known; nil where the word does not lead back there.
  private func callee(ofWordAt place: UInt32, below function: UInt32) -> Call? {
    guard let address = word(at: place), address > function, Self.reaches(address, from: function),
      let call = call(before: address)
    else { return nil }
    guard case .direct(let callee) = call, Self.reaches(registers.eip, from: callee),
      callee > function || function > registers.eip
    else { return .indirect }
    return .direct(callee)
  }

  private static func reaches(_ address: UInt32, from function: UInt32) -> Bool {
    address >= function && address - function <= maximumFunction
  }

  /// Moves to the caller, which a word of the stack leads back to.
  private mutating func returnTo(_ place: UInt32) -> End? {
    guard let address = word(at: place), isReturnAddress(address) else {
      mayMiss = true
      return nil
    }
    isUnchecked = true
    registers.eip = address
    registers.esp = place &+ 4
    return add(isExact: false)
  }

  /// Where the return address is whose place the instruction at hand tells; sets the caller's ebp.
  private mutating func placeByInstruction() -> UInt32? {
    guard var code = doubleWord(at: registers.eip) else { return nil }
    let endBranch: UInt64 = 0xFB1E_0FF3
    if code & 0xFFFF_FFFF == endBranch { code >>= 32 }
    if [0x55, 0xC3, 0xC2].contains(code & 0xFF) || code & 0xFFFF == 0xC3F3 { return registers.esp }
    if [0xE589, 0xEC8B].contains(code & 0xFFFF) {
      guard let saved = word(at: registers.esp) else { return nil }
      registers.ebp = saved
      return registers.esp &+ 4
    }
    let systemCallReturn: UInt64 = 0xC359_5A5D
    return code & 0xFFFF_FFFF == systemCallReturn ? registers.esp &+ 12 : nil
  }

  // MARK: - The chain

  private mutating func stepByFrame() -> End? {
    let (place, stack) = (registers.ebp, registers.esp)
    if place == 0, frames.count > 1 { return mayMiss || isWide ? .compat : .whole }
    guard place >= stack, place - stack <= Self.maximumFrameSize, place & 3 == 0 else { return .compat }
    guard let saved = word(at: place), let address = word(at: place &+ 4) else { return .unreadable }
    registers = Registers(eip: address, esp: place &+ 8, ebp: saved)
    guard isCode(UInt64(address &- 1)) else { return .compat }
    if call(before: address) != nil { return add(isExact: false) }
    return stepOverSignal() ?? .some(.compat)
  }

  /// - Returns: nil where the code at hand does not end a signal handler; else as `step()`.
  private mutating func stepOverSignal() -> End?? {
    guard let code = doubleWord(at: registers.eip) else { return nil }
    var place = registers.esp &+ Self.signalRegisters
    if code & 0xFF_FFFF_FFFF_FFFF == 0x80_CD00_0000_ADB8 {
      guard let context = word(at: registers.esp &+ Self.signalContext) else { return nil }
      place = context &+ Self.contextRegisters
    } else if code != 0x80CD_0000_0077_B858 {
      return nil
    }
    let saved = (0..<12).map { word(at: place &+ 4 * $0) }
    guard let ebp = saved[2], let esp = saved[3], let eip = saved[10], let segment = saved[11],
      UInt64(segment & 0xFFFF) == Self.codeSegment, isCode(UInt64(eip))
    else { return nil }
    if let end = add(isExact: true) { return .some(end) }
    registers = Registers(eip: eip, esp: esp, ebp: ebp)
    isExact = true
    isUnchecked = true
    return .some(add(isExact: true))
  }

  // MARK: - Code and memory

  private func isReturnAddress(_ address: UInt32) -> Bool {
    isCode(UInt64(address &- 1)) && call(before: address) != nil
  }

  private func call(before address: UInt32) -> Call? {
    guard address >= 8, let code = doubleWord(at: address - 8) else { return nil }
    // call rel32
    if code >> 24 & 0xFF == 0xE8 { return .direct(address &+ UInt32(truncatingIfNeeded: code >> 32)) }
    // call r/m32, of 2, 3, 4, 6 or 7 bytes: the second one has 2 in bits 3 to 5.
    for end in [8, 16, 24, 40, 48] as [UInt64]
    where code >> (56 - end) & 0xFF == 0xFF && code >> (64 - end) & 0x38 == 0x10 {
      return .indirect
    }
    return nil
  }

  private func word(at address: UInt32) -> UInt32? {
    number(at: address, size: 4).map { UInt32(truncatingIfNeeded: $0) }
  }

  private func doubleWord(at address: UInt32) -> UInt64? { number(at: address, size: 8) }

  private func number(at address: UInt32, size: Int) -> UInt64? {
    guard let bytes = read(UInt64(address), size), bytes.count == size else { return nil }
    return bytes.reversed().reduce(0) { $0 << 8 | UInt64($1) }
  }
}
