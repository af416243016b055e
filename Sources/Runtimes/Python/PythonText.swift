import ELF

/// Reads strings of CPython (PEP 393): of one, two or four bytes a character, compact or, to 3.11, not.
package enum PythonText {
  /// In bytes of UTF-8; what is longer is cut and ends in "…".
  static let maximumSize = 512

  private static let compactBit: UInt32 = 3
  private static let asciiBit: UInt32 = 4

  /// The text of a string object; nil where there is none.
  ///
  /// What cannot be shown is written as Python writes it: `\x1b`, and `\udc80` for half a pair of surrogates.
  static func read(at object: UInt64, _ offsets: PythonOffsets, in memory: some TargetMemory) -> String? {
    guard object != 0, let length: Int64 = memory.value(at: object &+ UInt64(offsets.textLength)),
      let bits: UInt32 = memory.value(at: object &+ UInt64(offsets.textState)), length >= 0
    else { return nil }
    let state = bits >> offsets.kindShift
    let width = Int(state & 7)
    let isCompact = state >> compactBit & 1 == 1
    let isASCII = state >> asciiBit & 1 == 1
    guard [1, 2, 4].contains(width), !isASCII || width == 1 else { return nil }
    guard isCompact || offsets.minor <= 11 else { return nil }

    var data = object &+ UInt64(isASCII && isCompact ? offsets.textASCII : offsets.textOther)
    if !isCompact {
      guard let place: UInt64 = memory.value(at: data) else { return nil }
      data = place
    }
    let count = Int(min(length, Int64(maximumSize)))
    guard count > 0 else { return "" }
    guard let bytes = memory.bytes(at: data, count: count * width) else { return nil }
    return text(bytes, width: width, isASCII: isASCII, isCut: length > Int64(count))
  }

  /// The text of the data of a string object; nil for data of no string.
  ///
  /// - Parameters:
  ///   - width: of a character in bytes: 1, 2 or 4.
  ///   - isCut: whether the string goes on.
  package static func text(_ bytes: [UInt8], width: Int, isASCII: Bool = false, isCut: Bool) -> String? {
    var result = ""
    var size = 0
    for place in stride(from: 0, to: bytes.count - width + 1, by: width) {
      let number: UInt32 =
        switch width {
        case 1: UInt32(bytes[place])
        case 2: UInt32(bytes.integer(at: place, as: UInt16.self))
        default: bytes.integer(at: place)
        }
      guard number <= 0x10FFFF, !isASCII || number < 0x80 else { return nil }
      let piece = shown(number)
      size += piece.utf8.count
      guard size <= maximumSize - ellipsis.utf8.count else { return result + ellipsis }
      result += piece
    }
    return isCut ? result + ellipsis : result
  }

  private static let ellipsis = "…"

  private static func shown(_ number: UInt32) -> String {
    guard let scalar = Unicode.Scalar(number) else { return "\\u" + String(number, radix: 16) }
    switch scalar.properties.generalCategory {
    case .control, .format, .lineSeparator, .paragraphSeparator, .surrogate:
      let digits = String(number, radix: 16)
      let width = number < 0x100 ? 2 : number < 0x10000 ? 4 : 8
      let prefix = number < 0x100 ? "\\x" : number < 0x10000 ? "\\u" : "\\U"
      return prefix + String(repeating: "0", count: width - digits.count) + digits
    default: return String(Character(scalar))
    }
  }
}
