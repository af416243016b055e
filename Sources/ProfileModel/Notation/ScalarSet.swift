/// A set of Unicode scalars: one character of a `TextPattern`, or what stands in brackets.
struct ScalarSet: Hashable, Sendable {
  /// What `\d`, `[:alpha:]` and `\p{Lu}` stand for.
  enum Class: Hashable, Sendable {
    case digit
    case word
    case space
    case horizontalSpace
    case newline
    case letter
    case alphanumeric
    case uppercase
    case lowercase
    case symbolOrPunctuation
    case control
    case hexadecimal
    case ascii
    case printed
    case visible
    case category(Set<Unicode.GeneralCategory>)
  }

  enum Member: Hashable, Sendable {
    case range(ClosedRange<UInt32>)
    case group(Class, isNegated: Bool)
    case set(ScalarSet)
  }

  private let members: [Member]
  private let isNegated: Bool
  private let ignoresCase: Bool
  /// Which of the 128 ASCII characters are in the set: nearly all text is made of them.
  private var low: UInt64 = 0
  private var high: UInt64 = 0

  init(_ members: [Member], isNegated: Bool = false, ignoresCase: Bool = false) {
    self.members = members
    self.isNegated = isNegated
    self.ignoresCase = ignoresCase
    for value in UInt8(0)..<128 where holds(Unicode.Scalar(value), Self.cases(of: Unicode.Scalar(value))) {
      if value < 64 { low |= 1 << UInt64(value) } else { high |= 1 << UInt64(value - 64) }
    }
  }

  init(_ scalar: Unicode.Scalar, ignoresCase: Bool) {
    self.init([.range(scalar.value...scalar.value)], ignoresCase: ignoresCase)
  }

  /// `.`, which is no newline unless it is told to be.
  static func any(withNewlines: Bool) -> ScalarSet {
    ScalarSet(withNewlines ? [] : [.group(.newline, isNegated: false)], isNegated: true)
  }

  /// The ASCII characters of the set, as bits.
  var asciiBits: (low: UInt64, high: UInt64) { (low, high) }

  func contains(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar.value {
    case ..<64: low >> UInt64(scalar.value) & 1 != 0
    case ..<128: high >> UInt64(scalar.value - 64) & 1 != 0
    default: holds(scalar, ignoresCase ? Self.cases(of: scalar) : [])
    }
  }

  /// The lowercase and uppercase forms of a scalar that are one scalar.
  private static func cases(of scalar: Unicode.Scalar) -> [Unicode.Scalar] {
    [scalar.properties.lowercaseMapping, scalar.properties.uppercaseMapping].compactMap { text in
      text.unicodeScalars.count == 1 ? text.unicodeScalars.first : nil
    }
  }

  /// - Parameter cases: other forms of the scalar, for sets that take them for the same. Each member is asked once, however
  ///   deep sets stand in sets.
  private func holds(_ scalar: Unicode.Scalar, _ cases: [Unicode.Scalar]) -> Bool {
    let isFound = members.contains { member in
      switch member {
      case .range(let range):
        range.contains(scalar.value) || ignoresCase && cases.contains { range.contains($0.value) }
      case .group(let group, let isNegated):
        group.contains(scalar) != isNegated
          || ignoresCase && cases.contains { group.contains($0) != isNegated }
      case .set(let set): set.holds(scalar, cases)
      }
    }
    return isFound != isNegated
  }
}

extension ScalarSet.Class {
  func contains(_ scalar: Unicode.Scalar) -> Bool {
    let properties = scalar.properties
    return switch self {
    case .digit: properties.generalCategory == .decimalNumber
    case .word: Self.isWord(scalar)
    case .space: properties.isWhitespace
    case .horizontalSpace: scalar == "\t" || properties.generalCategory == .spaceSeparator
    case .newline: Self.isNewline(scalar)
    case .letter: properties.isAlphabetic
    case .alphanumeric: properties.isAlphabetic || properties.generalCategory == .decimalNumber
    case .uppercase: properties.isUppercase
    case .lowercase: properties.isLowercase
    case .symbolOrPunctuation:
      Self.punctuationMarks.contains(properties.generalCategory) || Self.symbols.contains(properties.generalCategory)
    case .control: properties.generalCategory == .control
    case .hexadecimal: properties.isASCIIHexDigit
    case .ascii: scalar.isASCII
    case .printed: properties.generalCategory != .control && Self.isAssigned(scalar)
    case .visible: properties.generalCategory != .control && !properties.isWhitespace && Self.isAssigned(scalar)
    case .category(let categories): categories.contains(properties.generalCategory)
    }
  }

  /// A letter, a mark, a digit or an underscore, of any script.
  static func isWord(_ scalar: Unicode.Scalar) -> Bool {
    if scalar.isASCII {
      switch scalar {
      case "a"..."z", "A"..."Z", "0"..."9", "_": return true
      default: return false
      }
    }
    let category = scalar.properties.generalCategory
    return scalar.properties.isAlphabetic || category == .decimalNumber || category == .connectorPunctuation
      || marks.contains(category)
  }

  /// A line feed, and what else ends a line (Unicode Standard Annex 14).
  static func isNewline(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar.value {
    case 0x0A...0x0D, 0x85, 0x2028, 0x2029: true
    default: false
    }
  }

  private static func isAssigned(_ scalar: Unicode.Scalar) -> Bool {
    ![.unassigned, .surrogate].contains(scalar.properties.generalCategory)
  }

  static let letters: Set<Unicode.GeneralCategory> = [
    .uppercaseLetter, .lowercaseLetter, .titlecaseLetter, .modifierLetter, .otherLetter,
  ]
  static let marks: Set<Unicode.GeneralCategory> = [.nonspacingMark, .spacingMark, .enclosingMark]
  static let numbers: Set<Unicode.GeneralCategory> = [.decimalNumber, .letterNumber, .otherNumber]
  static let punctuationMarks: Set<Unicode.GeneralCategory> = [
    .connectorPunctuation, .dashPunctuation, .openPunctuation, .closePunctuation, .initialPunctuation,
    .finalPunctuation, .otherPunctuation,
  ]
  static let symbols: Set<Unicode.GeneralCategory> = [.mathSymbol, .currencySymbol, .modifierSymbol, .otherSymbol]
  static let separators: Set<Unicode.GeneralCategory> = [.spaceSeparator, .lineSeparator, .paragraphSeparator]

  /// By its name between `[:` and `:]`.
  init?(posixName name: String) {
    switch name {
    case "alpha": self = .letter
    case "digit": self = .digit
    case "alnum": self = .alphanumeric
    case "upper": self = .uppercase
    case "lower": self = .lowercase
    case "space": self = .space
    case "blank": self = .horizontalSpace
    case "punct": self = .symbolOrPunctuation
    case "cntrl": self = .control
    case "xdigit": self = .hexadecimal
    case "word": self = .word
    case "ascii": self = .ascii
    case "print": self = .printed
    case "graph": self = .visible
    default: return nil
    }
  }

  /// By its name between the braces of `\p{…}`: a general category, or a few other properties.
  init?(propertyName name: String) {
    switch name {
    case "L", "Letter": self = .category(Self.letters)
    case "Lu": self = .category([.uppercaseLetter])
    case "Ll": self = .category([.lowercaseLetter])
    case "Lt": self = .category([.titlecaseLetter])
    case "Lm": self = .category([.modifierLetter])
    case "Lo": self = .category([.otherLetter])
    case "M", "Mark": self = .category(Self.marks)
    case "N", "Number": self = .category(Self.numbers)
    case "Nd": self = .digit
    case "P", "Punctuation": self = .category(Self.punctuationMarks)
    case "S", "Symbol": self = .category(Self.symbols)
    case "Z", "Separator": self = .category(Self.separators)
    case "Cc": self = .control
    case "Alphabetic", "Alpha": self = .letter
    case "Uppercase", "Upper": self = .uppercase
    case "Lowercase", "Lower": self = .lowercase
    case "White_Space", "Whitespace", "Space": self = .space
    case "ASCII": self = .ascii
    default: return nil
    }
  }
}
