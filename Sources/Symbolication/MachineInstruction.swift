import ELF

/// The length of one x86-64 instruction, and where it leads (Intel SDM, volume 2, appendix A).
struct MachineInstruction: Equatable {
  enum Flow: Equatable {
    /// To the next instruction.
    case on
    /// To the next instruction, after other code has returned.
    case call
    /// To the next instruction, or as far behind it as one byte can say.
    case branch(Int8)
    /// As far behind it as one byte can say.
    case shortJump(Int8)
    /// Nowhere that is known.
    case end
    /// Marks a place that is jumped to by an address in a register (`endbr64`).
    case landing
  }

  /// In bytes.
  let length: Int
  let flow: Flow

  /// The longest that a processor takes.
  static let maximumLength = 15

  /// Decodes the instruction at an offset; nil for bytes that are none, and for one that is cut off.
  init?(_ bytes: [UInt8], at offset: Int) {
    var decoder = Decoder(bytes, offset)
    guard let flow = decoder.decode(), decoder.position - offset <= Self.maximumLength, decoder.position <= bytes.count
    else { return nil }
    length = decoder.position - offset
    self.flow = flow
  }

  private struct Decoder {
    private let bytes: [UInt8]
    var position: Int
    private var hasOperandSize = false
    private var hasAddressSize = false
    private var isWide = false

    init(_ bytes: [UInt8], _ position: Int) {
      self.bytes = bytes
      self.position = position
    }

    private var next: UInt8? { position < bytes.count ? bytes[position] : nil }

    private mutating func take() -> UInt8? {
      guard let byte = next else { return nil }
      position += 1
      return byte
    }

    /// 4 bytes, or 2 with the prefix for it.
    private var wordSize: Int { hasOperandSize && !isWide ? 2 : 4 }

    mutating func decode() -> Flow? {
      takePrefixes()
      guard var opcode = take() else { return nil }
      if opcode & 0xF0 == 0x40 {
        isWide = opcode & 8 != 0
        guard let following = take() else { return nil }
        opcode = following
      }
      switch opcode {
      case 0x0F: return twoBytes()
      case 0xC4: return vector(prefixSize: 2, mapMask: 0x1F)
      case 0xC5: return vector(prefixSize: 1, mapMask: 0)
      case 0x62: return vector(prefixSize: 3, mapMask: 0x07)
      case 0x8F where (next ?? 0) & 0x1F >= 8: return extended()
      default: return oneByte(opcode)
      }
    }

    private mutating func takePrefixes() {
      while let byte = next {
        switch byte {
        case 0x66: hasOperandSize = true
        case 0x67: hasAddressSize = true
        case 0xF0, 0xF2, 0xF3, 0x2E, 0x36, 0x3E, 0x26, 0x64, 0x65: break
        default: return
        }
        position += 1
      }
    }

    private mutating func skip(_ count: Int) -> Flow {
      position += count
      return .on
    }

    /// A register or place in memory, and `immediate` bytes behind it.
    private mutating func operand(immediate: Int = 0) -> Flow? {
      guard let mode = take() else { return nil }
      guard mode < 0xC0 else { return skip(immediate) }
      var base = mode & 7
      if base == 4 {
        guard let index = take() else { return nil }
        base = index & 7
      }
      // Without a base, a displacement of 4 bytes stands for it.
      let displacement = [base == 5 ? 4 : 0, 1, 4][Int(mode >> 6)]
      return skip(displacement + immediate)
    }

    private mutating func oneByte(_ opcode: UInt8) -> Flow? {
      switch opcode {
      case 0x06, 0x07, 0x0E, 0x16, 0x17, 0x1E, 0x1F, 0x27, 0x2F, 0x37, 0x3F, 0x60, 0x61, 0x82, 0x9A, 0xCE, 0xD4, 0xD5,
        0xD6, 0xEA:
        return nil
      case 0x00...0x3F:
        switch opcode & 7 {
        case 4: return skip(1)
        case 5: return skip(wordSize)
        default: return operand()
        }
      case 0x68, 0xA9: return skip(wordSize)
      case 0x69, 0x81, 0xC7: return operand(immediate: wordSize)
      case 0x6B, 0x80, 0x83, 0xC0, 0xC1, 0xC6: return operand(immediate: 1)
      case 0x70...0x7F, 0xE0...0xE3: return take().map { .branch(Int8(bitPattern: $0)) }
      case 0xEB: return take().map { .shortJump(Int8(bitPattern: $0)) }
      case 0x63, 0x84...0x8F, 0xD0...0xD3, 0xD8...0xDF, 0xFE: return operand()
      case 0xA0...0xA3: return skip(hasAddressSize ? 4 : 8)
      case 0x6A, 0xA8, 0xB0...0xB7, 0xCD, 0xE4...0xE7: return skip(1)
      case 0xB8...0xBF: return skip(isWide ? 8 : wordSize)
      case 0xC8: return skip(3)
      case 0xC2, 0xCA:
        position += 2
        return .end
      case 0xC3, 0xCB, 0xCC, 0xCF, 0xF4: return .end
      case 0xE8:
        position += 4
        return .call
      case 0xE9:
        position += 4
        return .end
      case 0xF6, 0xF7:
        guard let mode = next else { return nil }
        return operand(immediate: mode & 0x38 > 0x08 ? 0 : opcode == 0xF6 ? 1 : wordSize)
      case 0xFF:
        guard let mode = next else { return nil }
        let flow: Flow = [.on, .on, .call, .call, .end, .end, .on, .on][Int(mode >> 3 & 7)]
        return operand().map { _ in flow }
      default: return .on
      }
    }

    private mutating func twoBytes() -> Flow? {
      guard let opcode = take() else { return nil }
      switch opcode {
      case 0x0B: return .end
      case 0x1E where next == 0xFA:
        position += 1
        return .landing
      case 0x05...0x09, 0x0E, 0x30...0x35, 0x37, 0x77, 0xA0...0xA2, 0xA8...0xAA, 0xC8...0xCF: return .on
      case 0x38:
        position += 1
        return operand()
      case 0x3A:
        position += 1
        return operand(immediate: 1)
      case 0x80...0x8F: return skip(4)
      case 0x0F, 0x70...0x73, 0xA4, 0xAC, 0xBA, 0xC2, 0xC4...0xC6: return operand(immediate: 1)
      case 0x04, 0x0A, 0x0C, 0x24...0x27, 0x36, 0x39, 0x3B...0x3F, 0x7A, 0x7B, 0xA6, 0xA7: return nil
      default: return operand()
      }
    }

    /// Instructions with a VEX or EVEX prefix, which says which map of opcodes holds them.
    private mutating func vector(prefixSize: Int, mapMask: UInt8) -> Flow? {
      guard let first = next else { return nil }
      position += prefixSize
      guard let opcode = take() else { return nil }
      let map = mapMask == 0 ? 1 : first & mapMask
      switch (map, opcode) {
      case (1, 0x77) where prefixSize < 3: return .on
      case (1, 0x70...0x73), (1, 0xC2), (1, 0xC4...0xC6), (3, _): return operand(immediate: 1)
      case (1, _), (2, _), (5, _), (6, _): return operand()
      default: return nil
      }
    }

    /// AMD's instructions with an XOP prefix.
    private mutating func extended() -> Flow? {
      guard let map = next.map({ $0 & 0x1F }) else { return nil }
      position += 3
      switch map {
      case 8: return operand(immediate: 1)
      case 9: return operand()
      case 10: return operand(immediate: 4)
      default: return nil
      }
    }
  }
}
