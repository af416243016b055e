/// Names that Rust mangled before its own scheme: those of C++, a hash as the last component, and escapes.
enum RustLegacyName {
  /// - Returns: nil for a name of another kind, C++ among them.
  static func demangle(_ name: String) -> String? {
    var rest = name.utf8.dropFirst(3)
    guard name.hasPrefix("_ZN") else { return nil }
    var parts: [Substring] = []
    while let first = rest.first, first != UInt8(ascii: "E") {
      let digits = rest.prefix { (0x30...0x39).contains($0) }
      guard !digits.isEmpty, let length = Int(String(decoding: digits, as: UTF8.self)) else { return nil }
      rest = rest.dropFirst(digits.count)
      guard length > 0, length < rest.count, let part = Substring(rest.prefix(length)) as Substring? else { return nil }
      parts.append(part)
      rest = rest.dropFirst(length)
    }
    // Behind the end only what LLVM appends: `.llvm.1234`, `.cold`.
    guard rest.first == UInt8(ascii: "E"), rest.count == 1 || rest.dropFirst().first == UInt8(ascii: "."),
      parts.count > 1, let hash = parts.popLast(), isHash(hash)
    else { return nil }
    return parts.map(unescape).joined(separator: "::")
  }

  private static func isHash(_ part: Substring) -> Bool {
    part.utf8.count == 17 && part.utf8.first == UInt8(ascii: "h")
      && part.utf8.dropFirst().allSatisfy { (0x30...0x39).contains($0) || (0x61...0x66).contains($0) }
  }

  private static let escapes: [Substring: String] = [
    "SP": "@", "BP": "*", "RF": "&", "LT": "<", "GT": ">", "LP": "(", "RP": ")", "C": ",",
  ]

  private static func unescape(_ part: Substring) -> String {
    // A part that starts with an escape has an underscore before it, to be an identifier.
    var rest = part.hasPrefix("_$") ? part.dropFirst() : part
    var result = ""
    while let first = rest.first {
      if rest.hasPrefix("..") {
        result += "::"
        rest = rest.dropFirst(2)
      } else if first == "$", let end = rest.dropFirst().firstIndex(of: "$"),
        let text = character(rest[rest.index(after: rest.startIndex)..<end])
      {
        result += text
        rest = rest[rest.index(after: end)...]
      } else {
        result.append(first)
        rest = rest.dropFirst()
      }
    }
    return result
  }

  private static func character(_ escape: Substring) -> String? {
    if let text = escapes[escape] { return text }
    guard escape.hasPrefix("u"), let code = UInt32(escape.dropFirst(), radix: 16), let scalar = Unicode.Scalar(code),
      code >= 0x20, code != 0x7F
    else { return nil }
    return String(scalar)
  }
}
