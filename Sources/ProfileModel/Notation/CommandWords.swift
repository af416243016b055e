/// The words of a command line that is given as one text, as a shell parts them; nothing else of a shell is done.
package enum CommandWords {
  package enum Malformed: Error, Equatable, CustomStringConvertible {
    /// A character that a shell would give a meaning.
    case shell(Character)
    /// A variable that a shell would set for the command.
    case assignment(String)
    case unclosed(Character)
    case empty

    package var description: String {
      switch self {
      case .shell(let character):
        "'\(character)' is for a shell, and none runs either side; quote it, or write \"sh -c '...'\" on both sides"
      case .assignment(let word): "no shell sets '\(word)'; write 'env \(word) COMMAND' on both sides"
      case .unclosed(let quote): "a quote \(quote) is not closed"
      case .empty: "there is no command"
      }
    }
  }

  /// Anywhere, unless quoted.
  private static let operators: Set<Character> = ["|", "&", ";", "<", ">", "(", ")", "$", "`", "*", "?", "[", "\n"]
  /// At the beginning of a word.
  private static let prefixes: Set<Character> = ["~", "#"]

  package static func split(_ text: String) throws(Malformed) -> [String] {
    var words: [String] = []
    var word: String?
    var quote: Character?
    var isEscaped = false
    for character in text {
      if isEscaped {
        // Within double quotes, a backslash stands for itself but before these (POSIX shell, 2.2.3).
        if quote != nil, !["\"", "\\", "$", "`"].contains(character) { word?.append("\\") }
        word?.append(character)
        isEscaped = false
        continue
      }
      if quote != "'", character == "\\" {
        word = word ?? ""
        isEscaped = true
      } else if let open = quote {
        if character == open {
          quote = nil
        } else if open == "\"", character == "$" || character == "`" {
          throw .shell(character)
        } else {
          word?.append(character)
        }
      } else if character == "'" || character == "\"" {
        word = word ?? ""
        quote = character
      } else if character == " " || character == "\t" {
        if let word { words.append(word) }
        word = nil
      } else if operators.contains(character) || word == nil && prefixes.contains(character) {
        throw .shell(character)
      } else {
        word = (word ?? "") + String(character)
      }
    }
    if let quote { throw .unclosed(quote) }
    if isEscaped { throw .unclosed("\\") }
    if let word { words.append(word) }
    guard let first = words.first, !first.isEmpty else { throw .empty }
    if isAssignment(first) { throw .assignment(first) }
    return words
  }

  /// `NAME=value`.
  private static func isAssignment(_ word: String) -> Bool {
    guard let sign = word.firstIndex(of: "="), sign > word.startIndex else { return false }
    let name = word[..<sign]
    return name.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "_") } && name.first?.isNumber == false
  }
}
