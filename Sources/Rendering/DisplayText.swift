/// Text from a profiled process, made fit to be shown.
///
/// Names come from the target's memory and files and may hold anything: escape sequences, line breaks, marks that turn
/// the direction of writing.
package enum DisplayText {
  private static let replacement: Unicode.Scalar = "\u{FFFD}"

  /// Replaces what would act on a terminal or a viewer instead of being shown, by U+FFFD: control characters, line and
  /// paragraph separators, direction marks and noncharacters (which XML forbids).
  package static func visible(_ text: some StringProtocol) -> String {
    replacing(text) { isActive($0) ? replacement : nil }
  }

  /// Replaces control characters by U+FFFD and `;` by U+FF1B, so that a name stays one frame of one line of folded text.
  static func folded(_ text: some StringProtocol) -> String {
    replacing(text) { scalar in
      if scalar == ";" { return "\u{FF1B}" }
      return isControl(scalar) ? replacement : nil
    }
  }

  private static func replacing(
    _ text: some StringProtocol, by substitute: (Unicode.Scalar) -> Unicode.Scalar?
  ) -> String {
    guard text.unicodeScalars.contains(where: { substitute($0) != nil }) else { return String(text) }
    var result = String.UnicodeScalarView()
    for scalar in text.unicodeScalars { result.append(substitute(scalar) ?? scalar) }
    return String(result)
  }

  private static func isControl(_ scalar: Unicode.Scalar) -> Bool {
    scalar.value < 0x20 || (0x7F...0x9F).contains(scalar.value)
  }

  private static func isActive(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar.value {
    case 0..<0x20, 0x7F...0x9F: true
    case 0x061C, 0x200E...0x200F, 0x2028...0x202E, 0x2066...0x2069: true
    case 0xFDD0...0xFDEF: true
    default: scalar.value & 0xFFFE == 0xFFFE
    }
  }

  /// The cells that text takes in a fixed-width font: none for marks, two for East Asian wide characters and emoji.
  package static func width(_ text: some StringProtocol) -> Int {
    text.unicodeScalars.reduce(0) { $0 + width(of: $1) }
  }

  private static func width(of scalar: Unicode.Scalar) -> Int {
    if scalar.isASCII { return 1 }
    switch scalar.value {
    case 0x1100...0x115F, 0x2E80...0xA4CF, 0xAC00...0xD7A3, 0xF900...0xFAFF, 0xFE30...0xFE6F, 0xFF01...0xFF60,
      0xFFE0...0xFFE6, 0x1F300...0x1FAFF, 0x20000...0x3FFFD:
      return 2
    default:
      switch scalar.properties.generalCategory {
      case .nonspacingMark, .enclosingMark, .format: return 0
      default: return 1
      }
    }
  }

  /// Cuts text at its end to at most `limit` cells, the last of them `…`.
  static func truncatedAtEnd(_ text: String, to limit: Int) -> String {
    guard width(text) > limit else { return text }
    return limit < 1 ? "" : prefix(of: text, cells: limit - 1) + "…"
  }

  /// Cuts the middle out of text so that at most `limit` cells remain, one of them `…`: both ends of a C++ name tell.
  static func truncatedInMiddle(_ text: String, to limit: Int) -> String {
    guard width(text) > limit else { return text }
    guard limit > 0 else { return "" }
    let tail = (limit - 1) / 2
    let reversed = String(String.UnicodeScalarView(text.unicodeScalars.reversed()))
    let end = String.UnicodeScalarView(prefix(of: reversed, cells: tail).unicodeScalars.reversed())
    return prefix(of: text, cells: limit - 1 - tail) + "…" + String(end)
  }

  private static func prefix(of text: String, cells: Int) -> String {
    var result = String.UnicodeScalarView()
    var used = 0
    for scalar in text.unicodeScalars {
      used += width(of: scalar)
      if used > cells { break }
      result.append(scalar)
    }
    return String(result)
  }

  /// Fills text with spaces to `width` cells, behind it or, for numbers, before it.
  static func padded(_ text: String, to width: Int, isRightAligned: Bool = false) -> String {
    let spaces = String(repeating: " ", count: max(0, width - self.width(text)))
    return isRightAligned ? spaces + text : text + spaces
  }
}
