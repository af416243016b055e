import ELF

/// Reads forward through a part of a buffer. Past its end everything is zero and `isExhausted` is set.
struct ByteCursor {
  private let bytes: [UInt8]
  private(set) var position: Int
  let end: Int
  /// Whether more was read than there is.
  private(set) var isExhausted = false

  /// - Parameter range: lies within `bytes`.
  init(_ bytes: [UInt8], _ range: Range<Int>) {
    self.bytes = bytes
    self.position = range.lowerBound
    self.end = range.upperBound
  }

  var isAtEnd: Bool { position >= end }

  mutating func byte() -> UInt8 {
    guard position < end else {
      isExhausted = true
      return 0
    }
    defer { position += 1 }
    return bytes[position]
  }

  mutating func integer<Value: FixedWidthInteger & BitwiseCopyable>(_ type: Value.Type = Value.self) -> Value {
    guard MemoryLayout<Value>.size <= end - position else {
      isExhausted = true
      position = end
      return 0
    }
    defer { position += MemoryLayout<Value>.size }
    return bytes.integer(at: position)
  }

  /// Moves on; a count that does not fit leads to the end.
  mutating func skip(_ count: UInt64) {
    guard count <= UInt64(end - position) else {
      isExhausted = true
      position = end
      return
    }
    position += Int(count)
  }

  /// An unsigned LEB128 number (DWARF 5, section 7.6); bits beyond 64 are dropped.
  mutating func unsignedLEB() -> UInt64 {
    let first = byte()
    if first < 0x80 { return UInt64(first) }
    var value = UInt64(first & 0x7F)
    var shift: UInt64 = 7
    while true {
      let next = byte()
      if shift < 64 { value |= UInt64(next & 0x7F) << shift }
      shift += 7
      if next < 0x80 { return value }
    }
  }

  /// A signed LEB128 number.
  mutating func signedLEB() -> Int64 {
    var value: UInt64 = 0
    var shift: UInt64 = 0
    while true {
      let next = byte()
      if shift < 64 { value |= UInt64(next & 0x7F) << shift }
      shift += 7
      if next < 0x80 {
        if next & 0x40 != 0, shift < 64 { value |= ~0 << shift }
        return Int64(bitPattern: value)
      }
    }
  }
}
