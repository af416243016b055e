/// A byte of text as programs have it that decode percent-encoding as often as there is some.
struct DecodedByte {
  let value: UInt8
  /// How often it was encoded: 1 in `%3D`, 2 in `%253D`.
  let level: Int
  /// Where it stands in the text.
  let place: Range<Int>

  static func decode(_ text: [UInt8]) -> [DecodedByte] {
    var result: [DecodedByte] = []
    result.reserveCapacity(text.count)
    var place = 0
    while place < text.count {
      let next = text[place] == UInt8(ascii: "%") ? escape(text, at: place) : nil
      result.append(next ?? DecodedByte(value: text[place], level: 0, place: place..<place + 1))
      place = result[result.count - 1].place.upperBound
    }
    return result
  }

  /// - Returns: nil for a percent sign that stands for itself.
  private static func escape(_ text: [UInt8], at start: Int) -> DecodedByte? {
    var level = 1
    var end = start + 1
    while end + 1 < text.count, text[end] == UInt8(ascii: "2"), text[end + 1] == UInt8(ascii: "5") {
      level += 1
      end += 2
    }
    if end + 1 < text.count, let high = text[end].hexadecimalValue, let low = text[end + 1].hexadecimalValue {
      return DecodedByte(value: high << 4 | low, level: level, place: start..<end + 2)
    }
    return level > 1 ? DecodedByte(value: UInt8(ascii: "%"), level: level - 1, place: start..<end) : nil
  }
}

extension UInt8 {
  /// The number that a hexadecimal digit stands for.
  var hexadecimalValue: UInt8? {
    switch self {
    case 0x30...0x39: self - 0x30
    case 0x41...0x46, 0x61...0x66: (self | 0x20) - 0x61 + 10
    default: nil
    }
  }

  /// A space or a tab.
  var isBlank: Bool { self == 0x20 || self == 0x09 }
  var isLineEnd: Bool { self == 0x0A || self == 0x0D }
  var isQuote: Bool { self == UInt8(ascii: "\"") || self == UInt8(ascii: "'") }
  var isSlash: Bool { self == UInt8(ascii: "/") }
  var isBackslash: Bool { self == UInt8(ascii: "\\") }
}
