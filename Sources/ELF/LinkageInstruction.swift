/// One of the few x86-64 instructions that linkers put into stubs of the procedure linkage table.
struct LinkageInstruction: Equatable {
  enum Effect: Equatable {
    /// Changes neither the stack nor the flow of control.
    case plain
    /// Fills up to the next stub: `nop` and `int3`.
    case padding
    case push
    /// Pushes the index of a relocation for the lazy linker.
    case pushNumber(UInt32)
    /// Jumps through a slot of the global offset table.
    case jumpThrough(slot: UInt64)
    /// Reads a slot into a register that a retpoline jumps to.
    case load(slot: UInt64)
    case jump(to: UInt64)
    case call(to: UInt64)
    /// Leaves to an address that no instruction names.
    case leave
  }

  /// In bytes.
  let length: Int
  let effect: Effect

  private init(_ length: Int, _ effect: Effect) {
    self.length = length
    self.effect = effect
  }

  /// Decodes the instruction at an offset; nil for any other one (Intel SDM, volume 2).
  init?(_ bytes: [UInt8], at offset: Int, address: UInt64) {
    let known =
      Self.fixed(bytes, offset) ?? Self.relative(bytes, offset, address) ?? Self.longNop(bytes, offset)
    guard let known, known.length <= bytes.count - offset else { return nil }
    self = known
  }

  private static let fixedForms: [(bytes: [UInt8], length: Int, effect: Effect)] = [
    ([0xF3, 0x0F, 0x1E, 0xFA], 4, .plain),  // endbr64
    ([0x41, 0xBB], 6, .plain),  // mov $n, %r11d
    ([0x41, 0x53], 2, .push),  // push %r11
    ([0x4C, 0x89, 0x1C, 0x24], 4, .plain),  // mov %r11, (%rsp)
    ([0xF3, 0x90], 2, .plain),  // pause
    ([0x0F, 0xAE, 0xE8], 3, .plain),  // lfence
    ([0xC3], 1, .leave),
    ([0x41, 0xFF, 0xE3], 3, .leave),  // jmp *%r11
    ([0x90], 1, .padding),
    ([0xCC], 1, .padding),
  ]

  private static func fixed(_ bytes: [UInt8], _ offset: Int) -> LinkageInstruction? {
    let form = fixedForms.first { form in
      form.bytes.count <= bytes.count - offset
        && form.bytes.elementsEqual(bytes[offset..<offset + form.bytes.count])
    }
    return form.map { LinkageInstruction($0.length, $0.effect) }
  }

  /// Instructions that end with 32 or 8 bits, most of them a distance from their own end.
  private static func relative(_ bytes: [UInt8], _ offset: Int, _ address: UInt64) -> LinkageInstruction? {
    // bnd, for MPX, and notrack, for CET, change nothing here.
    let prefix = [0xF2, 0x3E].contains(bytes[offset]) ? 1 : 0
    let code = offset + prefix
    func begins(_ opcode: [UInt8]) -> Bool {
      opcode.count <= bytes.count - code && opcode.elementsEqual(bytes[code..<code + opcode.count])
    }
    func word(_ opcodeSize: Int) -> (length: Int, value: Int32)? {
      guard opcodeSize + 4 <= bytes.count - code else { return nil }
      return (prefix + opcodeSize + 4, bytes.integer(at: code + opcodeSize))
    }
    func place(_ length: Int, _ distance: Int64) -> UInt64 {
      address &+ UInt64(length) &+ UInt64(bitPattern: distance)
    }
    func form(_ opcodeSize: Int, _ effect: (UInt64, Int32) -> Effect) -> LinkageInstruction? {
      word(opcodeSize).map { LinkageInstruction($0.length, effect(place($0.length, Int64($0.value)), $0.value)) }
    }
    if begins([0xFF, 0x25]) { return form(2) { place, _ in .jumpThrough(slot: place) } }
    if begins([0xE9]) { return form(1) { place, _ in .jump(to: place) } }
    if begins([0xE8]) { return form(1) { place, _ in .call(to: place) } }
    guard prefix == 0 else { return nil }
    if begins([0xFF, 0x35]) { return form(2) { _, _ in .push } }
    if begins([0x4C, 0x8B, 0x1D]) { return form(3) { place, _ in .load(slot: place) } }
    if begins([0x68]) { return form(1) { _, value in .pushNumber(UInt32(bitPattern: value)) } }
    if begins([0xEB]), bytes.count - offset >= 2 {
      return LinkageInstruction(2, .jump(to: place(2, Int64(Int8(bitPattern: bytes[offset + 1])))))
    }
    return nil
  }

  /// `nop` with an operand, and with prefixes that make it longer.
  private static func longNop(_ bytes: [UInt8], _ offset: Int) -> LinkageInstruction? {
    var position = offset
    while position < bytes.count, position - offset < 8, [0x66, 0x2E].contains(bytes[position]) { position += 1 }
    let prefixes = position - offset
    if prefixes > 0, position < bytes.count, bytes[position] == 0x90 {
      return LinkageInstruction(prefixes + 1, .padding)
    }
    guard bytes.count - position >= 3, bytes[position] == 0x0F, bytes[position + 1] == 0x1F else { return nil }
    // The operand: a register, a scaled index, and a displacement of 0, 1 or 4 bytes.
    let operand = bytes[position + 2]
    guard operand >> 6 < 3, operand & 7 != 5 || operand >> 6 > 0 else { return nil }
    let index = operand & 7 == 4 ? 1 : 0
    let displacement = [0, 1, 4][Int(operand >> 6)]
    return LinkageInstruction(prefixes + 3 + index + displacement, .padding)
  }
}
