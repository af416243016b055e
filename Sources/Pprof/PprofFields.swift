/// The outermost fields of a pprof message, looked at without decoding it (https://protobuf.dev/programming-guides/encoding/).
package enum PprofFields {
  /// The fields of `Profile` that are messages, texts or packed numbers, and those that are numbers.
  private static let messages: Set<UInt64> = [1, 2, 3, 4, 5, 6, 11, 13]
  private static let numbers: Set<UInt64> = [7, 8, 9, 10, 12, 13, 14, 15]
  private static let stringTable: UInt64 = 6
  /// Fields that a later version may have.
  private static let knownFields: UInt64 = 15
  private static let futureFields: UInt64 = 32

  struct Field {
    let number: UInt64
    let wireType: UInt64
    /// Of the field's content; its end may lie beyond the bytes.
    let start: Int
    let end: Int
  }

  /// Whether bytes are the beginning of a pprof message, or all of it: every field has its type and ends where the next
  /// one begins, and one is a type of values, a sample, or what samples refer to.
  package static func areProfile(_ bytes: [UInt8], isWhole: Bool) -> Bool {
    var position = 0
    var hasMessage = false
    while position < bytes.count {
      guard let field = field(bytes, at: position) else { return !isWhole && bytes.count - position < 20 && hasMessage }
      switch field.wireType {
      case 2: guard messages.contains(field.number) || field.number > knownFields else { return false }
      case 0: guard numbers.contains(field.number) || field.number > knownFields else { return false }
      default: guard field.number > knownFields else { return false }
      }
      if field.wireType == 2, field.number <= 6 { hasMessage = true }
      if field.end > bytes.count { return !isWhole && hasMessage }
      position = field.end
    }
    return hasMessage
  }

  /// The message with texts that are no UTF-8 repaired: U+FFFD for what is no character.
  static func repairingTexts(of bytes: [UInt8]) -> [UInt8] {
    var result: [UInt8] = []
    result.reserveCapacity(bytes.count)
    var position = 0
    while position < bytes.count, let field = field(bytes, at: position), field.end <= bytes.count {
      if field.number == stringTable, field.wireType == 2 {
        let text = Array(String(decoding: bytes[field.start..<field.end], as: UTF8.self).utf8)
        result.append(UInt8(stringTable << 3 | 2))
        append(UInt64(text.count), to: &result)
        result += text
      } else {
        result += bytes[position..<field.end]
      }
      position = field.end
    }
    return result + bytes[position...]
  }

  static func field(_ bytes: [UInt8], at position: Int) -> Field? {
    var position = position
    guard let tag = varint(bytes, &position) else { return nil }
    let number = tag >> 3
    guard (1...futureFields).contains(number) else { return nil }
    let start: Int
    let length: Int
    switch tag & 7 {
    case 0:
      start = position
      guard varint(bytes, &position) != nil else { return nil }
      length = position - start
    case 1: (start, length) = (position, 8)
    case 2:
      guard let size = varint(bytes, &position), size < 1 << 32 else { return nil }
      (start, length) = (position, Int(size))
    case 5: (start, length) = (position, 4)
    default: return nil
    }
    return Field(number: number, wireType: tag & 7, start: start, end: start + length)
  }

  private static func varint(_ bytes: [UInt8], _ position: inout Int) -> UInt64? {
    var value: UInt64 = 0
    for shift in stride(from: UInt64(0), to: 70, by: 7) {
      guard position < bytes.count else { return nil }
      let byte = bytes[position]
      position += 1
      if shift < 64 { value |= UInt64(byte & 0x7F) << shift }
      if byte < 0x80 { return value }
    }
    return nil
  }

  private static func append(_ value: UInt64, to bytes: inout [UInt8]) {
    var rest = value
    while rest >= 0x80 {
      bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
      rest >>= 7
    }
    bytes.append(UInt8(rest))
  }
}
