/// A pattern of a shell, for a whole text: `*` for any text, `?` for any character, `[a-z]` and `[!a-z]` for one of some.
package struct Glob: Hashable, Sendable {
  package let text: String
  private let parts: [Part]

  private enum Part: Hashable {
    case anyText
    case anyByte
    case byte(UInt8)
    case oneOf([ClosedRange<UInt8>], isNegated: Bool)
  }

  /// - Returns: nil where a bracket is not closed, or a range is upside down.
  package init?(_ text: String) {
    guard let parts = Self.parts(of: Array(text.utf8)) else { return nil }
    self.text = text
    self.parts = parts
  }

  /// The bytes of the shortest text that it fits.
  package var minimumLength: Int { parts.count { $0 != .anyText } }

  private static func parts(of bytes: [UInt8]) -> [Part]? {
    var parts: [Part] = []
    var position = 0
    while position < bytes.count {
      switch bytes[position] {
      case UInt8(ascii: "*"): if parts.last != .anyText { parts.append(.anyText) }
      case UInt8(ascii: "?"): parts.append(.anyByte)
      case UInt8(ascii: "\\") where position + 1 < bytes.count:
        position += 1
        parts.append(.byte(bytes[position]))
      case UInt8(ascii: "["):
        guard let part = bracket(bytes, &position) else { return nil }
        parts.append(part)
      default: parts.append(.byte(bytes[position]))
      }
      position += 1
    }
    return parts
  }

  /// Reads from `[` to `]`, where `position` is left.
  private static func bracket(_ bytes: [UInt8], _ position: inout Int) -> Part? {
    position += 1
    let isNegated =
      position < bytes.count && (bytes[position] == UInt8(ascii: "!") || bytes[position] == UInt8(ascii: "^"))
    if isNegated { position += 1 }
    var ranges: [ClosedRange<UInt8>] = []
    // A bracket that comes first is one of the characters (glob(7)).
    while position < bytes.count, ranges.isEmpty || bytes[position] != UInt8(ascii: "]") {
      let first = bytes[position]
      if position + 2 < bytes.count, bytes[position + 1] == UInt8(ascii: "-"), bytes[position + 2] != UInt8(ascii: "]")
      {
        guard first <= bytes[position + 2] else { return nil }
        ranges.append(first...bytes[position + 2])
        position += 3
      } else {
        ranges.append(first...first)
        position += 1
      }
    }
    return position < bytes.count ? .oneOf(ranges, isNegated: isNegated) : nil
  }

  /// Whether it fits the whole text, bytes for characters.
  ///
  /// - Complexity: O(text x pattern): of several `*`, only the last one is ever tried again.
  package func fits(_ text: String) -> Bool {
    let bytes = Array(text.utf8)
    var (position, part) = (0, 0)
    var retry: (part: Int, position: Int)?
    while position < bytes.count {
      if part < parts.count, parts[part] == .anyText {
        part += 1
        retry = (part, position)
      } else if part < parts.count, fits(bytes[position], parts[part]) {
        part += 1
        position += 1
      } else if let last = retry {
        retry = (last.part, last.position + 1)
        (part, position) = (last.part, last.position + 1)
      } else {
        return false
      }
    }
    return parts[part...].allSatisfy { $0 == .anyText }
  }

  private func fits(_ byte: UInt8, _ part: Part) -> Bool {
    switch part {
    case .anyText, .anyByte: true
    case .byte(let wanted): byte == wanted
    case .oneOf(let ranges, let isNegated): ranges.contains { $0.contains(byte) } != isNegated
    }
  }
}
