/// Bytes of unknown origin as text that a terminal shows and does nothing else with.
enum EscapedText {
  /// Line ends stay; other control characters become `\t`, `\r` or `\x1B`, what is not UTF-8 `\xFF`.
  static func text(_ bytes: some Collection<UInt8>) -> String {
    var result = ""
    var parser = Unicode.UTF8.ForwardParser()
    var input = bytes.makeIterator()
    var place = bytes.startIndex
    while true {
      switch parser.parseScalar(from: &input) {
      case .valid(let encoded):
        append(Unicode.UTF8.decode(encoded), to: &result)
        place = bytes.index(place, offsetBy: encoded.count)
      case .error(let length):
        let end = bytes.index(place, offsetBy: length)
        for byte in bytes[place..<end] { result += hexadecimal(byte) }
        place = end
      case .emptyInput: return result
      }
    }
  }

  private static func append(_ scalar: Unicode.Scalar, to result: inout String) {
    switch scalar {
    case "\n": result.unicodeScalars.append(scalar)
    case "\t": result += "\\t"
    case "\r": result += "\\r"
    case _ where scalar.value < 0x20 || scalar.value == 0x7F: result += hexadecimal(UInt8(scalar.value))
    case _ where scalar.isASCII: result.unicodeScalars.append(scalar)
    default:
      // Format characters reorder or hide what stands beside them.
      switch scalar.properties.generalCategory {
      case .control, .format, .lineSeparator, .paragraphSeparator, .unassigned, .privateUse:
        result += "\\u{\(String(scalar.value, radix: 16, uppercase: true))}"
      default: result.unicodeScalars.append(scalar)
      }
    }
  }

  private static func hexadecimal(_ byte: UInt8) -> String {
    let digits = String(byte, radix: 16, uppercase: true)
    return "\\x" + (digits.count < 2 ? "0" : "") + digits
  }
}
