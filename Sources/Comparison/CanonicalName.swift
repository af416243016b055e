/// A function's name without what differs from build to build.
package enum CanonicalName {
  /// Marks of parts and copies that compilers make; a number may follow each.
  private static let partMarks = [".constprop", ".isra", ".part", ".cold", ".llvm", ".lto_priv"]

  /// Strips compilers' part marks, Rust's hash, the numbers of lambdas and JIT stubs, and addresses.
  package static func of(_ name: String) -> String {
    var text = Substring(name)
    while let stripped = withoutPartMark(text) { text = stripped }
    text = withoutRustHash(text)
    return withoutNumbers(text)
  }

  /// `f.isra.0` and `f.cold` without their last mark; nil where there is none.
  private static func withoutPartMark(_ text: Substring) -> Substring? {
    var end = text
    if let dot = end.lastIndex(of: "."), end[end.index(after: dot)...].allSatisfy(\.isNumber) { end = end[..<dot] }
    for mark in partMarks where end.hasSuffix(mark) && end.count > mark.count { return end.dropLast(mark.count) }
    return nil
  }

  /// `f::h0123456789abcdef` without the hash.
  private static func withoutRustHash(_ text: Substring) -> Substring {
    guard let range = text.range(ofLast: "::h") else { return text }
    let hash = text[range.upperBound...]
    return hash.count == 16 && hash.allSatisfy(\.isHexDigit) ? text[..<range.lowerBound] : text
  }

  /// `{lambda#2}` as `{lambda#}`, `closure #1` as `closure #`, `0x7f12` as `0x`.
  private static func withoutNumbers(_ text: Substring) -> String {
    var result = ""
    var skips: (Character) -> Bool = { _ in false }
    for character in text {
      if skips(character) { continue }
      skips = { _ in false }
      result.append(character)
      if character == "#" { skips = \.isNumber }
      if character == "x", result.hasSuffix("0x") { skips = \.isHexDigit }
    }
    return result
  }
}

extension Substring {
  fileprivate func range(ofLast text: String) -> Range<Index>? {
    var end = endIndex
    while end > startIndex {
      if let start = index(end, offsetBy: -text.count, limitedBy: startIndex), self[start..<end] == text {
        return start..<end
      }
      end = index(before: end)
    }
    return nil
  }
}
