/// The first bytes that went one way over a connection, in one call.
package struct StreamBeginning: Equatable, Sendable {
  /// At most `limit`; empty where nothing went this way.
  package let bytes: [UInt8]
  /// How many bytes the call had.
  package let length: Int

  /// How many bytes are looked at.
  package static let limit = 32

  /// - Parameter length: nil where the bytes are all there were.
  package init(_ bytes: some Collection<UInt8>, length: Int? = nil) {
    self.bytes = Array(bytes.prefix(Self.limit))
    self.length = max(length ?? bytes.count, self.bytes.count)
  }

  package static let none = StreamBeginning([])

  /// The byte at a place, nil where none was seen.
  func byte(_ place: Int) -> UInt8? {
    place >= 0 && place < bytes.count ? bytes[place] : nil
  }

  /// A number whose highest byte comes first, nil where it was not seen whole.
  func number(_ place: Int, size: Int) -> Int? {
    guard place >= 0, place <= bytes.count - size else { return nil }
    var number = 0
    for byte in place..<place + size { number = number << 8 | Int(bytes[byte]) }
    return number
  }

  /// A number of three bytes whose lowest comes first.
  func littleEndian24(_ place: Int) -> Int? {
    number(place, size: 3).map { $0 >> 16 | $0 & 0xFF00 | ($0 & 0xFF) << 16 }
  }

  func hasPrefix(_ text: String, at place: Int = 0) -> Bool {
    var place = place
    for wanted in text.utf8 {
      guard byte(place) == wanted else { return false }
      place += 1
    }
    return true
  }

  /// Without the bytes in front of a place.
  func dropping(_ count: Int) -> StreamBeginning {
    StreamBeginning(bytes.dropFirst(count), length: max(0, length - count))
  }
}

extension UInt8 {
  var isDigit: Bool { (0x30...0x39).contains(self) }
  var isLetter: Bool { (0x61...0x7A).contains(self | 0x20) }
  var isHexDigit: Bool { isDigit || (0x61...0x66).contains(self | 0x20) }
  /// ASCII that has a shape, or a space.
  var isPrintable: Bool { (0x20...0x7E).contains(self) }
}
