/// Bytes that hold unsigned integers in LEB128: seven bits a byte, the lowest first; all but the last have the top bit.
struct VarintWriter {
  private(set) var bytes: [UInt8] = []

  init(capacity: Int = 0) { bytes.reserveCapacity(capacity) }

  mutating func append(_ value: UInt64) {
    var rest = value
    while rest >= 0x80 {
      bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
      rest >>= 7
    }
    bytes.append(UInt8(truncatingIfNeeded: rest))
  }

  /// Appends a difference that wraps around, small in size when it is near zero in either direction (zigzag).
  mutating func append(difference: UInt64) {
    let signed = Int64(bitPattern: difference)
    append(UInt64(bitPattern: signed << 1 ^ signed >> 63))
  }
}

/// Reads what a `VarintWriter` wrote, from bytes that may be damaged.
struct VarintReader {
  /// The bytes are not of the form, from this byte on.
  struct Malformed: Error, Equatable {
    let position: Int
  }

  private let bytes: [UInt8]
  private(set) var position = 0

  init(_ bytes: [UInt8]) { self.bytes = bytes }

  var isAtEnd: Bool { position == bytes.count }

  /// The error for the value that was read last.
  var malformed: Malformed { Malformed(position: position) }

  mutating func next() throws(Malformed) -> UInt64 {
    var value: UInt64 = 0
    var shift: UInt64 = 0
    while position < bytes.count {
      let byte = bytes[position]
      position += 1
      // The tenth byte holds the 64th bit and nothing else.
      if shift == 63, byte > 1 { throw malformed }
      value |= UInt64(byte & 0x7F) << shift
      if byte < 0x80 { return value }
      shift += 7
    }
    throw malformed
  }

  /// Reads a value that must be at most `bound`.
  mutating func next(atMost bound: Int) throws(Malformed) -> Int {
    let value = try next()
    guard value <= UInt64(max(0, bound)) else { throw malformed }
    return Int(value)
  }

  mutating func nextDifference() throws(Malformed) -> UInt64 {
    let value = try next()
    return value >> 1 ^ (0 &- (value & 1))
  }
}
