/// A regular expression, equal to another of the same text.
///
/// The syntax is the part of Swift's, and of Perl's, that can be matched in time linear in the text: texts are names and
/// arguments that any user may choose. Scalars count as characters, so that a combining mark hides no letter.
package struct TextPattern: Hashable, Sendable {
  package let text: String
  private let program: PatternProgram

  /// In bytes.
  static let longest = 4096

  package init(reading text: String) throws(UnreadableText) {
    guard text.utf8.count <= Self.longest else { throw .patternTooLong }
    program = try PatternProgram(PatternReader.read(text))
    self.text = text
  }

  /// - Returns: nil where the text is no regular expression.
  package init?(_ text: String) {
    guard let pattern = try? Self(reading: text) else { return nil }
    self = pattern
  }

  /// Whether it is found anywhere in a text.
  package func finds(_ text: String) -> Bool { program.finds(text) }

  package static func == (left: Self, right: Self) -> Bool { left.text == right.text }
  package func hash(into hasher: inout Hasher) { hasher.combine(text) }
}
