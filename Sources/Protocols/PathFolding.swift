import ProfileModel

/// Shows paths that differ in identifiers only as one.
package enum PathFolding {
  private static let placeholder = "{id}"
  /// Shorter ones can be words: `deadbeef`, `facade`.
  private static let shortestHex = 16
  private static let shortestToken = 20

  /// `/users/{id}` for `/users/123`: numbers, UUIDs, long hexadecimal numbers and random tokens give way.
  package static func fold(_ path: String) -> String {
    path.fields(at: "/", omittingEmptySubsequences: false)
      .map { isIdentifier(Array($0.utf8)) ? placeholder : String($0) }
      .joined(separator: "/")
  }

  private static func isIdentifier(_ segment: [UInt8]) -> Bool {
    guard !segment.isEmpty else { return false }
    if segment.allSatisfy(\.isDigit) { return true }
    if segment.count >= shortestHex && segment.allSatisfy(\.isHexDigit) { return true }
    return isUUID(segment) || isToken(segment)
  }

  /// Whether a segment is one that nobody guesses.
  static func isRandom(_ segment: String) -> Bool {
    let bytes = Array(segment.utf8)
    return bytes.count >= shortestHex && isIdentifier(bytes)
  }

  private static func isUUID(_ segment: [UInt8]) -> Bool {
    let parts = segment.split(separator: UInt8(ascii: "-"), omittingEmptySubsequences: false)
    return parts.map(\.count) == [8, 4, 4, 4, 12] && parts.allSatisfy { $0.allSatisfy(\.isHexDigit) }
  }

  /// Letters of both cases and digits as base64 has them, or letters and several digits without anything in between:
  /// titles in paths have words between dashes, in one case.
  private static func isToken(_ segment: [UInt8]) -> Bool {
    guard segment.count >= shortestToken else { return false }
    var lower = 0
    var upper = 0
    var digits = 0
    var others = 0
    for byte in segment {
      switch byte {
      case 0x61...0x7A: lower += 1
      case 0x41...0x5A: upper += 1
      case 0x30...0x39: digits += 1
      case UInt8(ascii: "-"), UInt8(ascii: "_"), UInt8(ascii: "+"), UInt8(ascii: "="), UInt8(ascii: "."): others += 1
      default: return false
      }
    }
    if lower > 0 && upper > 0 { return digits >= 2 && others * 6 <= segment.count }
    return others == 0 && digits >= 3
  }
}
