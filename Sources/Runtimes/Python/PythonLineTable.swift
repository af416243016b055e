import ELF

/// The lines of the bytecode of a code object, in any of the three formats of CPython.
package struct PythonLineTable: Equatable, Sendable {
  private let format: PythonOffsets.LineFormat
  private let firstLine: Int
  private let bytes: [UInt8]
  /// Whether a place before the bytecode is that of a frame that has not executed anything. In a free-threaded 3.14 it may
  /// be in a thread's own copy of the bytecode instead.
  let hasOneBytecode: Bool

  /// In bytes; the lines of a larger table are not told.
  static let maximumSize = 64 << 10

  init(_ bytes: [UInt8], format: PythonOffsets.LineFormat, firstLine: Int, hasOneBytecode: Bool = true) {
    self.format = format
    self.firstLine = firstLine
    self.bytes = bytes
    self.hasOneBytecode = hasOneBytecode
  }

  var sizeBytes: Int { bytes.count }

  /// The line of a unit of 2 bytes of the bytecode; nil where it has none.
  func line(atUnit unit: Int) -> Int? {
    switch format {
    case .pairs: lineByPairs(2 * unit)
    case .ranges: lineByRanges(2 * unit)
    case .locations: lineByLocations(unit)
    }
  }

  /// CPython 3.9, Objects/lnotab_notes.txt: bytes of code up to the next line, and how far that line is.
  private func lineByPairs(_ index: Int) -> Int? {
    var line = firstLine
    var address = 0
    for place in stride(from: 0, to: bytes.count - 1, by: 2) {
      address += Int(bytes[place])
      if address > index { break }
      line += Int(Int8(bitPattern: bytes[place + 1]))
    }
    return line
  }

  /// CPython 3.10, Objects/lnotab_notes.txt: bytes of code, and how far their line is from the one before; -128 is none.
  private func lineByRanges(_ index: Int) -> Int? {
    var line = firstLine
    var end = 0
    for place in stride(from: 0, to: bytes.count - 1, by: 2) {
      let distance = Int8(bitPattern: bytes[place + 1])
      if distance != .min { line += Int(distance) }
      end += Int(bytes[place])
      if index < end { return distance == .min ? nil : line }
    }
    return nil
  }

  /// CPython 3.11, Objects/locations.md: entries of 1 to 8 units, whose first byte alone has its highest bit set.
  private func lineByLocations(_ unit: Int) -> Int? {
    var line = firstLine
    var end = 0
    var place = 0
    while place < bytes.count {
      let head = bytes[place]
      guard head & 0x80 != 0 else { return nil }
      place += 1
      let code = head >> 3 & 15
      switch code {
      case 10...12: line &+= Int(code) - 10
      case 13, 14:
        guard let distance = signedNumber(at: place) else { return nil }
        line &+= distance
      default: break
      }
      end += Int(head & 7) + 1
      if unit < end { return code == 15 ? nil : line }
      while place < bytes.count, bytes[place] & 0x80 == 0 { place += 1 }
    }
    return nil
  }

  /// Six bits a byte, the lowest first; bit 6 says that more follow, and the lowest bit of the number is its sign.
  private func signedNumber(at start: Int) -> Int? {
    var number: UInt64 = 0
    for (index, byte) in bytes[start...].prefix(6).enumerated() {
      number |= UInt64(byte & 0x3F) << UInt64(6 * index)
      if byte & 0x40 == 0 { return number & 1 == 0 ? Int(number >> 1) : -Int(number >> 1) }
    }
    return nil
  }
}
