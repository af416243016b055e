import ELF

/// The first entry of a compilation unit, as far as it must be known to be replaced: DWARF 5, sections 7.5.1 to 7.5.6.
struct SplitUnitEntry {
  /// Offsets in the unit: behind its header, and behind its first entry.
  let start: Int
  let end: Int
  let version: UInt16
  /// By which a unit and its skeleton know each other.
  let identifier: UInt64?

  private static let compileUnit: UInt64 = 0x11
  private static let splitCompileUnit: UInt8 = 5
  private static let oldIdentifier: UInt64 = 0x2131

  /// The size of a unit by its header; nil where there is no unit. Only the 32-bit format is read.
  static func size(of bytes: [UInt8], at offset: Int) -> Int? {
    guard offset >= 0, offset <= bytes.count - 12 else { return nil }
    let length = bytes.integer(at: offset, as: UInt32.self)
    guard length < 0xFFFF_FFF0, length >= 8, Int(length) <= bytes.count - offset - 4 else { return nil }
    return Int(length) + 4
  }

  /// - Parameters:
  ///   - unit: its bytes with the header.
  ///   - abbreviations: from which the header's offset counts.
  /// - Returns: nil for what is no split compilation unit.
  init?(_ unit: [UInt8], abbreviations: [UInt8]) {
    guard unit.count >= 12 else { return nil }
    version = unit.integer(at: 4)
    let table: UInt32
    var header: UInt64?
    switch version {
    case 4:
      guard unit[10] == 8 else { return nil }
      table = unit.integer(at: 6)
      start = 11
    case 5:
      guard unit.count >= 21, unit[6] == Self.splitCompileUnit, unit[7] == 8 else { return nil }
      table = unit.integer(at: 8)
      header = unit.integer(at: 12)
      start = 20
    default: return nil
    }
    var entry = Reader(bytes: unit, position: start)
    var declaration = Reader(bytes: abbreviations, position: Int(table))
    guard let code = entry.number(), code > 0, declaration.find(code), declaration.number() == Self.compileUnit,
      declaration.byte() == 1
    else { return nil }
    while let (name, form) = declaration.attribute() {
      if name == 0, form == 0 { break }
      let position = entry.position
      guard entry.skip(form) else { return nil }
      if name == Self.oldIdentifier, entry.position - position == 8 { header = unit.integer(at: position) }
    }
    end = entry.position
    identifier = header
  }

  private struct Reader {
    let bytes: [UInt8]
    var position: Int

    mutating func byte() -> UInt8? {
      guard position >= 0, position < bytes.count else { return nil }
      position += 1
      return bytes[position - 1]
    }

    /// LEB128 without a sign; the highest bits may be lost.
    mutating func number() -> UInt64? {
      var value: UInt64 = 0
      for shift in stride(from: UInt64(0), to: 70, by: 7) {
        guard let byte = byte() else { return nil }
        value |= UInt64(byte & 0x7F) << shift
        if byte & 0x80 == 0 { return value }
      }
      return nil
    }

    /// Moves behind the code of a declaration.
    mutating func find(_ code: UInt64) -> Bool {
      while let number = number(), number != 0 {
        if number == code { return true }
        guard self.number() != nil, byte() != nil else { return false }
        while let (name, form) = attribute(), name != 0 || form != 0 {}
      }
      return false
    }

    /// The name and the form of an attribute; both are 0 at the end.
    mutating func attribute() -> (UInt64, UInt64)? {
      guard let name = number(), let form = number() else { return nil }
      // A constant follows that belongs to the declaration.
      if form == 0x21 { guard number() != nil else { return nil } }
      return (name, form)
    }

    /// Moves behind a value; false for the forms that a first entry does not have.
    mutating func skip(_ form: UInt64) -> Bool {
      switch form {
      case 0x19, 0x21: return true
      case 0x0B, 0x0C, 0x25, 0x29: return skip(bytes: 1)
      case 0x05, 0x26, 0x2A: return skip(bytes: 2)
      case 0x27, 0x2B: return skip(bytes: 3)
      case 0x06, 0x0E, 0x17, 0x1F, 0x28, 0x2C: return skip(bytes: 4)
      case 0x01, 0x07: return skip(bytes: 8)
      case 0x1E: return skip(bytes: 16)
      case 0x0D, 0x0F, 0x1A, 0x1B, 0x22, 0x23, 0x1F01, 0x1F02: return number() != nil
      case 0x08: return skipText()
      default: return false
      }
    }

    private mutating func skip(bytes count: Int) -> Bool {
      guard count <= bytes.count - position else { return false }
      position += count
      return true
    }

    private mutating func skipText() -> Bool {
      while let byte = byte() { if byte == 0 { return true } }
      return false
    }
  }
}
