/// A regular expression in the syntax of Swift's `Regex`, equal to another of the same text.
package struct TextPattern: Hashable, @unchecked Sendable {
  package let text: String
  // A regex is a value that is never changed; the standard library has not marked it as one.
  private let regex: Regex<AnyRegexOutput>

  /// In bytes.
  static let longest = 4096

  package init(reading text: String) throws(UnreadableText) {
    guard text.utf8.count <= Self.longest else { throw .patternTooLong }
    guard let regex = try? Regex(text) else { throw .notAPattern }
    self.text = text
    self.regex = regex
  }

  /// - Returns: nil where the text is no regular expression.
  package init?(_ text: String) {
    guard let pattern = try? Self(reading: text) else { return nil }
    self = pattern
  }

  /// Whether it is found anywhere in a text.
  package func finds(_ text: String) -> Bool { (try? regex.firstMatch(in: text)) != nil }

  package static func == (left: Self, right: Self) -> Bool { left.text == right.text }
  package func hash(into hasher: inout Hasher) { hasher.combine(text) }
}
