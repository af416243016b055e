/// The walk of `bpf/src/unwind.bpf.h` in Swift, over any registers and any memory: what the kernel side is compared with.
///
/// Both must be changed together.
package struct StackWalk {
  /// What x86-64 code runs on.
  package struct Registers: Equatable, Sendable {
    package var rip: UInt64
    /// By their DWARF numbers (System V ABI, AMD64 supplement, figure 3.36); rbp is 6, rsp is 7.
    package var general: [UInt64]

    /// - Parameter general: sixteen.
    package init(rip: UInt64, general: [UInt64]) {
      precondition(general.count == 16)
      self.rip = rip
      self.general = general
    }

    package init(rip: UInt64, rsp: UInt64, rbp: UInt64) {
      var general = [UInt64](repeating: 0, count: 16)
      general[6] = rbp
      general[7] = rsp
      self.init(rip: rip, general: general)
    }
  }

  /// Code that a process has mapped.
  package struct CodeRange {
    package let addresses: Range<UInt64>
    /// ELF virtual address = address + bias, modulo 2^64.
    package let bias: UInt64
    /// The rule at an ELF virtual address; gaps are walked by frame pointers.
    package let rule: (UInt64) -> UnwindRule

    package init(addresses: Range<UInt64>, bias: UInt64, rule: @escaping (UInt64) -> UnwindRule) {
      self.addresses = addresses
      self.bias = bias
      self.rule = rule
    }

    /// - Parameter table: nil for code that is walked by frame pointers.
    package init(addresses: Range<UInt64>, bias: UInt64, table: UnwindTable?) {
      self.init(addresses: addresses, bias: bias) { table?.rule(at: $0) ?? .gap }
    }
  }

  package enum End: Equatable, Sendable {
    case complete
    case tooDeep
    case unreadable
    case noFramePointer
    case unmapped
    case unsupported
    case corrupt
  }

  /// A walk that ended, and how.
  package struct Stack: Equatable, Sendable {
    /// From leaf to root: an instruction pointer, then return addresses; a frame that a signal interrupted is given by
    /// its instruction pointer + 1.
    package var frames: [UInt64]
    package var end: End
  }

  private struct Stop: Error {
    let end: End
    init(_ end: End) { self.end = end }
  }

  /// Frames above this are not taken.
  package static let maximumFrames = 1024
  private static let maximumFrameSize: UInt64 = 1 << 23
  /// Swift marks the frame pointers of asynchronous functions by this bit.
  private static let framePointerMark: UInt64 = 1 << 60
  /// Where the registers of the interrupted code lie, counted from rsp of the frame that returns from a handler, and
  /// their DWARF numbers in that order (arch/x86/include/uapi/asm/sigcontext.h); rip follows them.
  private static let signalRegisters: (offset: UInt64, order: [Int]) = (
    40, [8, 9, 10, 11, 12, 13, 14, 15, 5, 4, 6, 3, 1, 0, 2, 7]
  )

  private let ranges: [CodeRange]
  private let read: (UInt64) -> UInt64?
  private var registers: Registers
  private var frames: [UInt64]
  /// Whether rip is the next instruction, not the one behind a call.
  private var isExact = true
  private var hasFramePointer = true
  private var hasAllRegisters = true

  /// Walks to the end.
  ///
  /// - Parameters:
  ///   - ranges: sorted by address, without overlap.
  ///   - read: the 8 bytes at an address; nil where they cannot be read.
  package static func walk(
    from registers: Registers, through ranges: [CodeRange], read: @escaping (UInt64) -> UInt64?
  ) -> Stack {
    var walk = StackWalk(registers: registers, ranges: ranges, read: read)
    while true {
      do throws(Stop) {
        try walk.step()
        // What lies in no code is no return address, and no frame.
        if walk.code == nil { throw Stop(.unmapped) }
      } catch {
        return Stack(frames: walk.frames, end: error.end)
      }
      if walk.frames.count >= maximumFrames { return Stack(frames: walk.frames, end: .tooDeep) }
      walk.frames.append(walk.isExact ? walk.registers.rip &+ 1 : walk.registers.rip)
    }
  }

  private init(registers: Registers, ranges: [CodeRange], read: @escaping (UInt64) -> UInt64?) {
    self.registers = registers
    self.ranges = ranges
    self.read = read
    self.frames = [registers.rip]
  }

  private var rsp: UInt64 { registers.general[7] }
  private var rbp: UInt64 { registers.general[6] }

  private mutating func step() throws(Stop) {
    guard let code else { throw Stop(.unmapped) }
    let rule = code.rule(address &+ code.bias)
    switch rule.frameAddress {
    case .unknown(.gap): try stepByFramePointer()
    case .signalFrame: try stepOverSignal()
    case .outermost: throw Stop(.complete)
    default: try stepByRule(rule)
    }
  }

  private mutating func stepByFramePointer() throws(Stop) {
    let place = rbp & ~Self.framePointerMark
    if hasFramePointer, place == 0, frames.count > 1 { throw Stop(.complete) }
    guard hasFramePointer, place >= rsp, place - rsp <= Self.maximumFrameSize, place & 7 == 0 else {
      throw Stop(.noFramePointer)
    }
    let saved = try word(at: place)
    let address = try word(at: place &+ 8)
    if address == 0 { throw Stop(.complete) }
    enter(rip: address, rsp: place &+ 16, rbp: saved)
  }

  private mutating func stepOverSignal() throws(Stop) {
    var place = rsp &+ Self.signalRegisters.offset
    var saved = Registers(rip: 0, rsp: 0, rbp: 0)
    for number in Self.signalRegisters.order {
      saved.general[number] = try word(at: place)
      place &+= 8
    }
    saved.rip = try word(at: place)
    registers = saved
    isExact = true
    hasFramePointer = true
    hasAllRegisters = true
  }

  private mutating func stepByRule(_ rule: UnwindRule) throws(Stop) {
    let frameAddress = try frameAddress(rule.frameAddress)
    // Only a leaf that has taken its return address off the stack leaves its caller the same stack.
    guard frameAddress > rsp || (frameAddress == rsp && isExact) else { throw Stop(.corrupt) }
    let address: UInt64
    switch rule.returnAddress {
    case .below: address = try word(at: frameAddress &- 8)
    case .atFrameAddress(let offset): address = try word(at: Self.sum(frameAddress, offset))
    case .register(let number): address = try register(number)
    }
    var saved: UInt64? = hasFramePointer ? rbp : nil
    switch rule.framePointer {
    case .same: break
    case .atFrameAddress(let offset): saved = try word(at: Self.sum(frameAddress, offset))
    case .atStackPointer(let offset): saved = try word(at: Self.sum(rsp, offset))
    case .atFramePointer(let offset): saved = hasFramePointer ? try word(at: Self.sum(rbp, offset)) : nil
    case .unknown: saved = nil
    }
    if address == 0 { throw Stop(.complete) }
    enter(rip: address, rsp: frameAddress, rbp: saved)
  }

  private func frameAddress(_ rule: UnwindRule.FrameAddress) throws(Stop) -> UInt64 {
    switch rule {
    case .stackPointer(let offset): return Self.sum(rsp, offset)
    case .framePointer(let offset): return Self.sum(try framePointer(), offset)
    case .register(let number, let offset): return Self.sum(try register(number), offset)
    case .atStackPointer(let offset, let addend): return Self.sum(try word(at: Self.sum(rsp, offset)), addend)
    case .atFramePointer(let offset, let addend):
      return Self.sum(try word(at: Self.sum(try framePointer(), offset)), addend)
    case .linkageStub(let offset, let threshold):
      return Self.sum(rsp, offset) &+ (registers.rip & 15 >= UInt64(threshold) ? 8 : 0)
    case .unknown, .outermost, .signalFrame: throw Stop(.unsupported)
    }
  }

  /// Goes on in the caller; all but three of its registers are lost.
  private mutating func enter(rip: UInt64, rsp: UInt64, rbp: UInt64?) {
    registers = Registers(rip: rip, rsp: rsp, rbp: rbp ?? 0)
    hasFramePointer = rbp != nil
    isExact = false
    hasAllRegisters = false
  }

  private func framePointer() throws(Stop) -> UInt64 {
    guard hasFramePointer else { throw Stop(.unsupported) }
    return rbp
  }

  private func register(_ number: UInt8) throws(Stop) -> UInt64 {
    guard hasAllRegisters else { throw Stop(.unsupported) }
    return registers.general[Int(number & 15)]
  }

  private func word(at address: UInt64) throws(Stop) -> UInt64 {
    guard let word = read(address) else { throw Stop(.unreadable) }
    return word
  }

  /// In the code of the frame at hand: a return address may lie behind the function that made the call.
  private var address: UInt64 { isExact ? registers.rip : registers.rip &- 1 }

  /// The code of the frame at hand.
  private var code: CodeRange? { ranges.first { $0.addresses.contains(address) } }

  private static func sum(_ address: UInt64, _ offset: Int32) -> UInt64 {
    address &+ UInt64(bitPattern: Int64(offset))
  }
}
