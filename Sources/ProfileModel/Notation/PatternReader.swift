/// A part of a regular expression.
indirect enum PatternNode: Sendable {
  enum Assertion: Hashable, Sendable {
    case textStart
    case textEnd
    /// `\Z`: at the end, or before a newline that ends the text.
    case textEndOrNewline
    case lineStart
    case lineEnd
    case wordBoundary(isNegated: Bool)
  }

  case set(ScalarSet)
  case assertion(Assertion)
  case sequence([PatternNode])
  case choice([PatternNode])
  /// From `least` times to `most`, or without an end.
  case repeated(PatternNode, least: Int, most: Int?)
}

/// Reads the text of a regular expression.
struct PatternReader {
  private struct Options {
    var ignoresCase = false
    var dotIsNewlineToo = false
    var anchorsAtLines = false
  }

  private var rest: ArraySlice<Unicode.Scalar>
  private var options = Options()
  private var depth = 0

  static let maximumRepeats = 1000
  private static let maximumDepth = 100

  static func read(_ text: String) throws(UnreadableText) -> PatternNode {
    var reader = PatternReader(rest: Array(text.unicodeScalars)[...])
    let node = try reader.choice()
    guard reader.rest.isEmpty else { throw .notAPattern }
    return node
  }

  private init(rest: ArraySlice<Unicode.Scalar>) { self.rest = rest }

  // MARK: - Scalars

  private mutating func skip(_ text: String) -> Bool {
    guard rest.starts(with: text.unicodeScalars) else { return false }
    rest = rest.dropFirst(text.unicodeScalars.count)
    return true
  }

  private mutating func next() throws(UnreadableText) -> Unicode.Scalar {
    guard let scalar = rest.popFirst() else { throw .notAPattern }
    return scalar
  }

  /// The text before a scalar, which is passed.
  private mutating func text(upTo end: Unicode.Scalar) throws(UnreadableText) -> String {
    guard let place = rest.firstIndex(of: end) else { throw .notAPattern }
    defer { rest = rest[(place + 1)...] }
    var text = String.UnicodeScalarView()
    text.append(contentsOf: rest[..<place])
    return String(text)
  }

  private mutating func number() -> Int? {
    let digits = rest.prefix { ("0"..."9").contains($0) }
    guard !digits.isEmpty else { return nil }
    rest = rest.dropFirst(digits.count)
    return digits.reduce(0) { min($0, Self.maximumRepeats) * 10 + Int($1.value) - 0x30 }
  }

  private func literal(_ scalar: Unicode.Scalar) -> PatternNode {
    .set(ScalarSet(scalar, ignoresCase: options.ignoresCase))
  }

  private func set(_ group: ScalarSet.Class, isNegated: Bool = false) -> PatternNode {
    .set(ScalarSet([.group(group, isNegated: isNegated)]))
  }

  // MARK: - Structure

  private mutating func choice() throws(UnreadableText) -> PatternNode {
    var nodes = [try sequence()]
    while skip("|") { nodes.append(try sequence()) }
    return nodes.count == 1 ? nodes[0] : .choice(nodes)
  }

  private mutating func sequence() throws(UnreadableText) -> PatternNode {
    var nodes: [PatternNode] = []
    while let scalar = rest.first, scalar != "|", scalar != ")" {
      if skip("\\Q") {
        nodes += quoted()
        if let last = nodes.popLast() { nodes.append(try quantified(last)) }
      } else if skip("\\E") {
        continue
      } else if let atom = try atom() {
        nodes.append(try quantified(atom))
      }
    }
    return .sequence(nodes)
  }

  /// What stands between `\Q` and `\E`, or the end.
  private mutating func quoted() -> [PatternNode] {
    var nodes: [PatternNode] = []
    while !rest.isEmpty, !skip("\\E") {
      if let scalar = rest.popFirst() { nodes.append(literal(scalar)) }
    }
    return nodes
  }

  private mutating func quantified(_ atom: PatternNode) throws(UnreadableText) -> PatternNode {
    guard let (least, most) = try quantity() else { return atom }
    guard most.map({ least <= $0 }) ?? true else { throw .notAPattern }
    guard max(least, most ?? 0) <= Self.maximumRepeats else { throw .patternTooLarge }
    // Whether few or many are taken makes no difference to whether there is a match.
    _ = skip("?")
    if skip("+") { throw .patternUnsupported("possessive repetition") }
    if let scalar = rest.first, "*+?".unicodeScalars.contains(scalar) { throw .notAPattern }
    if case .assertion = atom { throw .notAPattern }
    return .repeated(atom, least: least, most: most)
  }

  private mutating func quantity() throws(UnreadableText) -> (least: Int, most: Int?)? {
    if skip("*") { return (0, nil) }
    if skip("+") { return (1, nil) }
    if skip("?") { return (0, 1) }
    let before = rest
    guard skip("{") else { return nil }
    let least = number()
    if let least, skip("}") { return (least, least) }
    if skip(",") {
      let most = number()
      if skip("}"), least != nil || most != nil { return (least ?? 0, most) }
    }
    // A brace that counts nothing is a character.
    rest = before
    return nil
  }

  /// A character, a set, an assertion or a group; nil where only options change.
  private mutating func atom() throws(UnreadableText) -> PatternNode? {
    switch try next() {
    case "(": return try group()
    case "[": return .set(try bracket())
    case ".": return .set(.any(withNewlines: options.dotIsNewlineToo))
    case "^": return .assertion(options.anchorsAtLines ? .lineStart : .textStart)
    case "$": return .assertion(options.anchorsAtLines ? .lineEnd : .textEnd)
    case "\\": return try escape()
    case "*", "+", "?": throw .notAPattern
    case let scalar: return literal(scalar)
    }
  }

  private mutating func group() throws(UnreadableText) -> PatternNode? {
    let outer = options
    if skip("?") {
      for (start, name) in [
        ("=", "lookahead"), ("!", "lookahead"), ("<=", "lookbehind"), ("<!", "lookbehind"), (">", "atomic groups"),
        ("(", "conditions"), ("#", "comments"), ("|", "branch resets"), ("*", "lookahead"), ("R", "recursion"),
        ("&", "recursion"), ("P>", "recursion"), ("P=", "references back"), ("C", "callouts"),
      ] where skip(start) {
        throw .patternUnsupported(name)
      }
      if skip("P<") || skip("<") {
        guard !(try text(upTo: ">")).isEmpty else { throw .notAPattern }
      } else if try flags() {
        return nil
      }
    } else if skip("*") {
      throw .patternUnsupported("verbs")
    }
    depth += 1
    guard depth <= Self.maximumDepth else { throw .patternTooLarge }
    let node = try choice()
    guard skip(")") else { throw .notAPattern }
    depth -= 1
    options = outer
    return node
  }

  /// Letters behind `(?`, up to `:` or `)`.
  ///
  /// - Returns: whether no group follows: they hold up to the end of the one around them.
  private mutating func flags() throws(UnreadableText) -> Bool {
    var value = true
    while true {
      switch try next() {
      case "i": options.ignoresCase = value
      case "s": options.dotIsNewlineToo = value
      case "m": options.anchorsAtLines = value
      case "-" where value: value = false
      case ":": return false
      case ")": return true
      case let letter: throw .patternUnsupported("the option '\(letter)'")
      }
    }
  }

  // MARK: - Escapes

  private mutating func escape() throws(UnreadableText) -> PatternNode {
    let scalar = try next()
    if let group = try classEscape(scalar) { return .set(ScalarSet([group])) }
    switch scalar {
    case "b": return .assertion(.wordBoundary(isNegated: false))
    case "B": return .assertion(.wordBoundary(isNegated: true))
    case "A": return .assertion(.textStart)
    case "z": return .assertion(.textEnd)
    case "Z": return .assertion(.textEndOrNewline)
    case "R":
      let both = PatternNode.sequence([literal("\r"), literal("\n")])
      return .choice([both, set(.newline)])
    default: return literal(try characterEscape(scalar))
    }
  }

  /// `\d` and the like, also between brackets; nil for other escapes.
  private mutating func classEscape(_ scalar: Unicode.Scalar) throws(UnreadableText) -> ScalarSet.Member? {
    switch scalar {
    case "d": return .group(.digit, isNegated: false)
    case "D": return .group(.digit, isNegated: true)
    case "w": return .group(.word, isNegated: false)
    case "W": return .group(.word, isNegated: true)
    case "s": return .group(.space, isNegated: false)
    case "S": return .group(.space, isNegated: true)
    case "h": return .group(.horizontalSpace, isNegated: false)
    case "H": return .group(.horizontalSpace, isNegated: true)
    case "v": return .group(.newline, isNegated: false)
    case "V": return .group(.newline, isNegated: true)
    case "N" where rest.first != "{": return .group(.newline, isNegated: true)
    case "p", "P":
      guard skip("{") else { throw .notAPattern }
      var name = try text(upTo: "}")
      var isNegated = scalar == "P"
      if name.hasPrefix("^") {
        name.removeFirst()
        isNegated.toggle()
      }
      guard let group = ScalarSet.Class(propertyName: name) else {
        throw .patternUnsupported("the property '\(name)'")
      }
      return .group(group, isNegated: isNegated)
    default: return nil
    }
  }

  /// An escape that stands for one character.
  private mutating func characterEscape(_ scalar: Unicode.Scalar) throws(UnreadableText) -> Unicode.Scalar {
    switch scalar {
    case "n": return "\n"
    case "r": return "\r"
    case "t": return "\t"
    case "f": return "\u{0C}"
    case "e": return "\u{1B}"
    case "a": return "\u{07}"
    case "0": return try numbered(atMost: 2, radix: 8, isEmptyZero: true)
    case "x": return try skip("{") ? braced() : numbered(atMost: 2, radix: 16, isEmptyZero: false)
    case "u": return try skip("{") ? braced() : numbered(exactly: 4)
    case "U": return try numbered(exactly: 8)
    case "1"..."9", "k", "g": throw .patternUnsupported("references back")
    case "X", "y", "Y", "O", "K", "G", "N", "C", "c", "M", "o":
      throw .patternUnsupported("the escape '\\\(scalar)'")
    case "a"..."z", "A"..."Z": throw .notAPattern
    default: return scalar
    }
  }

  private mutating func braced() throws(UnreadableText) -> Unicode.Scalar {
    let digits = try text(upTo: "}")
    guard let value = UInt32(digits, radix: 16), let scalar = Unicode.Scalar(value) else { throw .notAPattern }
    return scalar
  }

  private mutating func numbered(exactly count: Int) throws(UnreadableText) -> Unicode.Scalar {
    guard rest.prefix(count).count(where: \.properties.isASCIIHexDigit) == count else { throw .notAPattern }
    return try numbered(atMost: count, radix: 16, isEmptyZero: false)
  }

  private mutating func numbered(atMost count: Int, radix: Int, isEmptyZero: Bool) throws(UnreadableText)
    -> Unicode.Scalar
  {
    let digits = rest.prefix(count).prefix { UInt32(String($0), radix: radix) != nil }
    rest = rest.dropFirst(digits.count)
    if digits.isEmpty, isEmptyZero { return "\0" }
    let text = digits.reduce(into: "") { $0.unicodeScalars.append($1) }
    guard let value = UInt32(text, radix: radix), let scalar = Unicode.Scalar(value) else { throw .notAPattern }
    return scalar
  }

  // MARK: - Sets

  /// What stands between brackets, with the first one passed.
  private mutating func bracket() throws(UnreadableText) -> ScalarSet {
    depth += 1
    guard depth <= Self.maximumDepth else { throw .patternTooLarge }
    let isNegated = skip("^")
    var members: [ScalarSet.Member] = []
    while members.isEmpty || rest.first != "]" {
      for sign in ["&&", "--", "~~"] where skip(sign) { throw .patternUnsupported("'\(sign)' between brackets") }
      let member = try member()
      guard case .range(let first) = member, first.count == 1, rest.first == "-", rest.dropFirst().first != "]",
        rest.dropFirst().first != "-"
      else {
        members.append(member)
        continue
      }
      rest = rest.dropFirst()
      guard case .range(let last) = try self.member(), last.count == 1, first.lowerBound <= last.lowerBound else {
        throw .notAPattern
      }
      members.append(.range(first.lowerBound...last.lowerBound))
    }
    rest = rest.dropFirst()
    depth -= 1
    return ScalarSet(members, isNegated: isNegated, ignoresCase: options.ignoresCase)
  }

  /// A character or a set between brackets.
  private mutating func member() throws(UnreadableText) -> ScalarSet.Member {
    let scalar = try next()
    switch scalar {
    case "[" where rest.first == ":":
      let before = rest
      rest = rest.dropFirst()
      let isNegated = skip("^")
      if let name = try? text(upTo: ":"), skip("]") {
        guard let group = ScalarSet.Class(posixName: name) else { throw .notAPattern }
        return .group(group, isNegated: isNegated)
      }
      rest = before
      return .set(try bracket())
    case "[": return .set(try bracket())
    case "\\":
      let escaped = try next()
      if let group = try classEscape(escaped) { return group }
      let value = escaped == "b" ? "\u{08}" : try characterEscape(escaped)
      return .range(value.value...value.value)
    default: return .range(scalar.value...scalar.value)
    }
  }
}
