/// Text with the values of secret names replaced: of parameters, of members of JSON, of elements of XML, of lines `name: value`;
/// and user information in URLs. All of it may be percent-encoded, several times.
struct SecretScan {
  enum Manner {
    /// A line of a head.
    case head
    /// A path as endpoints have it.
    case path
    /// A body of an unknown format.
    case document
    /// A body whose parameters end with `&` alone.
    case form
  }

  /// How far back the beginning of a name is looked for.
  private static let longestName = 256

  private let source: [UInt8]
  let text: [DecodedByte]
  let manner: Manner
  /// Whether the text may have been longer.
  let isCut: Bool
  private var result: [UInt8] = []
  /// Up to where the source has been copied or replaced.
  private var copied = 0
  private var place = 0
  /// The last question mark and the last white space seen.
  private var lastQuestion = -1
  private var lastSpace = -1
  /// Whether the name of a pair `"name": …, "value": …` was secret.
  private var expectsSecretValue = false

  /// - Parameter isCut: whether the text may have been longer.
  static func replacing(_ text: some Sequence<UInt8>, _ manner: Manner, isCut: Bool = true) -> [UInt8] {
    var scan = SecretScan(Array(text), manner, isCut: isCut)
    return scan.run()
  }

  private init(_ source: [UInt8], _ manner: Manner, isCut: Bool) {
    self.source = source
    self.text = DecodedByte.decode(source)
    self.manner = manner
    self.isCut = isCut
  }

  private mutating func run() -> [UInt8] {
    if let start = startOfAuthority { hideUserInformation(from: start) }
    while place < text.count {
      let before = place
      look(at: text[place].value)
      if place == before { place += 1 }
    }
    return result + source[copied...]
  }

  private mutating func look(at byte: UInt8) {
    switch byte {
    case UInt8(ascii: "="): hideParameter()
    case UInt8(ascii: ":"): hideMember()
    case UInt8(ascii: "/"): hideURLUser()
    case UInt8(ascii: "<"): hideElement()
    case UInt8(ascii: "?"): lastQuestion = place
    case UInt8(ascii: "}"): expectsSecretValue = false
    case 0x20, 0x09, 0x0A, 0x0D: lastSpace = place
    default: hideKnownSecret()
    }
  }

  /// Replaces some bytes and goes on behind them.
  private mutating func hide(_ range: Range<Int>) {
    defer { place = max(place, range.upperBound) }
    guard !range.isEmpty else { return }
    result += source[copied..<text[range.lowerBound].place.lowerBound]
    result += HeaderRedaction.placeholder.utf8
    copied = text[range.upperBound - 1].place.upperBound
  }

  // MARK: Names

  private struct Name {
    let bytes: [UInt8]
    let start: Int
    let isQuoted: Bool
  }

  /// The name before a separator.
  private func name(before separator: Int) -> Name? {
    var end = separator
    while end > 0, text[end - 1].value.isBlank { end -= 1 }
    guard end > 0 else { return nil }
    let first = max(0, end - Self.longestName)
    let quote = text[end - 1].value
    if quote.isQuote {
      guard let opening = text[first..<end - 1].lastIndex(where: { $0.value == quote }) else { return nil }
      let bytes = text[opening + 1..<end - 1].map(\.value)
      return Name(bytes: Self.withoutEscapes(bytes), start: opening, isQuoted: true)
    }
    let start = text[first..<end].lastIndex { !Self.isOfName($0.value) }.map { $0 + 1 } ?? first
    return start < end ? Name(bytes: text[start..<end].map(\.value), start: start, isQuoted: false) : nil
  }

  private static func isOfName(_ byte: UInt8) -> Bool {
    byte.isLetter || byte.isDigit || byte >= 0x80 || "_-.$[]+!*~@".utf8.contains(byte)
  }

  /// `\u0070in` is `pin`.
  private static func withoutEscapes(_ bytes: [UInt8]) -> [UInt8] {
    var result: [UInt8] = []
    var place = 0
    while place < bytes.count {
      if bytes[place].isBackslash, place + 5 < bytes.count, bytes[place + 1] == UInt8(ascii: "u"),
        let value = UInt8(String(decoding: bytes[place + 2...place + 5], as: UTF8.self), radix: 16)
      {
        result.append(value)
        place += 6
      } else {
        result.append(bytes[place])
        place += 1
      }
    }
    return result
  }

  // MARK: Values

  private mutating func hideParameter() {
    guard let name = name(before: place), SecretNames.contain(name.bytes, isParameter: true) else { return }
    let level = text[place].level
    let value = skippingBlanks(from: place + 1)
    if manner == .form {
      hide(place + 1..<end(from: place + 1, level, "&"))
    } else if manner == .document && value > place + 1 {
      hide(value..<endOfLine(from: value))
    } else {
      let isInPath =
        name.start > 0 && text[name.start - 1].value == UInt8(ascii: ";") && lastQuestion <= lastSpace
      let quoted = string(at: value).map { $0.upperBound + 1 } ?? value
      hide(value..<end(from: min(quoted, text.count), level, isInPath ? "&/?;# \t\r\n\"" : "& \t\r\n\""))
    }
  }

  private mutating func hideMember() {
    guard let name = name(before: place) else { return }
    // `/v1/keys:rotate` is a method of its API.
    if manner == .path && !name.isQuoted && text[place].level == 0 { return }
    let value = name.isQuoted ? skippingSpace(from: place + 1) : skippingBlanks(from: place + 1)
    guard value < text.count, isSecret(name, value: value) else { return }
    let level = text[place].level
    if let string = string(at: value) {
      hide(string)
    } else if "{[".utf8.contains(text[value].value) {
      hide(value..<endOfNesting(from: value))
    } else if name.isQuoted {
      let end = end(from: value, level, ",}]\r\n")
      if !isWord(text[value..<end]) { hide(value..<end) }
    } else if name.start == 0 || text[name.start - 1].value.isLineEnd {
      hide(value..<endOfLine(from: value))
    } else {
      hide(value..<end(from: value, level, "& \t\r\n,)}]\""))
    }
  }

  /// Whether the value of a member is to be hidden; of `{"name": "pin", "value": "1"}`, that of `value` is.
  private mutating func isSecret(_ name: Name, value: Int) -> Bool {
    let word = String(decoding: name.bytes, as: UTF8.self)
    if ["name", "key", "header", "field"].contains(word), let string = string(at: value) {
      expectsSecretValue = SecretNames.contain(text[string].map(\.value))
    }
    return word == "value" && expectsSecretValue || SecretNames.contain(name.bytes)
  }

  private func isWord(_ bytes: ArraySlice<DecodedByte>) -> Bool {
    let word = String(decoding: bytes.map(\.value).filter { !$0.isBlank }, as: UTF8.self)
    return ["true", "false", "null"].contains(word)
  }

  /// The content of a string that begins here; its quotes may be escaped, as in JSON within JSON.
  private func string(at start: Int) -> Range<Int>? {
    var opening = start
    while opening < text.count, text[opening].value.isBackslash { opening += 1 }
    guard opening < text.count, text[opening].value.isQuote else { return nil }
    let depth = opening - start
    var slashes = 0
    for index in opening + 1..<max(text.count, opening + 1) {
      let byte = text[index]
      if byte.value == text[opening].value, byte.level <= text[opening].level,
        depth == 0 ? slashes.isMultiple(of: 2) : slashes <= depth
      {
        return opening + 1..<index
      }
      slashes = byte.value.isBackslash ? slashes + 1 : 0
    }
    return opening + 1..<text.count
  }

  /// Where an object or an array of JSON ends.
  private func endOfNesting(from start: Int) -> Int {
    var depth = 0
    var index = start
    while index < text.count {
      let byte = text[index].value
      if byte == UInt8(ascii: "\""), let string = string(at: index) {
        index = string.upperBound
      } else if "{[".utf8.contains(byte) {
        depth += 1
      } else if "}]".utf8.contains(byte) {
        depth -= 1
        if depth == 0 { return index + 1 }
      }
      index += 1
    }
    return text.count
  }

  /// The end of a line with those that continue it.
  private func endOfLine(from start: Int) -> Int {
    var index = start
    while let end = text[index...].firstIndex(where: { $0.value == 0x0A }) {
      guard end + 1 < text.count, text[end + 1].value.isBlank else {
        return end > start && text[end - 1].value == 0x0D ? end - 1 : end
      }
      index = end + 1
    }
    return text.count
  }

  private func end(from start: Int, _ level: Int, _ delimiters: String) -> Int {
    text[start...].firstIndex { $0.level <= level && delimiters.utf8.contains($0.value) } ?? text.count
  }

  private func skippingBlanks(from start: Int) -> Int {
    text[start...].firstIndex { !$0.value.isBlank } ?? text.count
  }

  private func skippingSpace(from start: Int) -> Int {
    text[start...].firstIndex { !$0.value.isBlank && !$0.value.isLineEnd } ?? text.count
  }

  // MARK: Elements

  /// `<password>…</password>`.
  private mutating func hideElement() {
    let level = text[place].level
    let limit = min(text.count, place + 2 + Self.longestName)
    let endOfName =
      text[place + 1..<limit].firstIndex { $0.level <= level && " \t\r\n>/".utf8.contains($0.value) } ?? limit
    let name = text[place + 1..<endOfName].map(\.value)
    guard !name.isEmpty, name.count <= Self.longestName, SecretNames.contain(name) else { return }
    let close = end(from: endOfName, level, ">")
    guard close < text.count, !text[close - 1].value.isSlash else { return }
    var end = close + 1
    while end < text.count,
      text[end].value != UInt8(ascii: "<") || !(end + 1 < text.count && text[end + 1].value.isSlash)
    {
      end += 1
    }
    hide(close + 1..<end)
  }

  // MARK: User information

  /// Where the text begins with an authority: `CONNECT host:443`.
  private var startOfAuthority: Int? {
    switch manner {
    case .head: source.starts(with: "CONNECT ".utf8) ? "CONNECT ".utf8.count : nil
    case .path: source.first.map(\.isSlash) == false ? 0 : nil
    case .document, .form: nil
    }
  }

  /// `http://user:password@host`, `//user:password@host`.
  private mutating func hideURLUser() {
    guard place + 1 < text.count, text[place + 1].value.isSlash else { return }
    if place > 0 {
      let before = text[place - 1].value
      guard before == UInt8(ascii: ":") || before.isBlank || before.isQuote || "=<(,".utf8.contains(before) else {
        return
      }
    }
    hideUserInformation(from: place + 2)
  }

  /// Where the text ends before it is known what it is, all but a port gives way.
  private mutating func hideUserInformation(from start: Int) {
    guard start < text.count else { return }
    let level = start > 1 ? text[start - 1].level : 0
    let end = end(from: start, level, " /?#\"<>\t\r\n")
    let authority = text[start..<end]
    if let at = authority.lastIndex(where: { $0.value == UInt8(ascii: "@") }) {
      hide(start..<at)
    } else if end == text.count, let colon = authority.lastIndex(where: { $0.value == UInt8(ascii: ":") }),
      text[start].value != UInt8(ascii: "["), isCut || !text[(colon + 1)...].allSatisfy(\.value.isDigit)
    {
      hide(start..<end)
    }
  }

  // MARK: Secrets that are known by their form

  private static let schemes = ["bearer", "basic"]
  private static let prefixes = [
    "ghp_", "gho_", "ghs_", "github_pat_", "glpat-", "xoxb-", "xoxp-", "sk_live_", "rk_live_", "AKIA", "ASIA", "AIza",
  ].map { Array($0.utf8) }

  private mutating func hideKnownSecret() {
    guard place == 0 || !isOfSecret(text[place - 1].value), isOfSecret(text[place].value) else { return }
    let end = text[place...].firstIndex { !isOfSecret($0.value) } ?? text.count
    let word = text[place..<end].map(\.value)
    if isJSONWebToken(word) || word.count >= 16 && Self.prefixes.contains(where: word.starts) {
      hide(place..<end)
    } else if isPrivateKey(at: place) {
      hide(place..<text.count)
    } else if manner != .path, Self.schemes.contains(String(decoding: word, as: UTF8.self).lowercased()),
      end < text.count, text[end].value.isBlank
    {
      let start = skippingBlanks(from: end)
      let end = text[start...].firstIndex { $0.value.isBlank || ",\"'\\\r\n".utf8.contains($0.value) } ?? text.count
      // "a basic plan" is text; what a head has behind the scheme is not.
      if manner == .head || end - start >= 16 { hide(start..<end) }
    }
  }

  private func isOfSecret(_ byte: UInt8) -> Bool {
    byte.isLetter || byte.isDigit || "_-.".utf8.contains(byte)
  }

  /// A base64 of `{"`, a dot, and more of it (RFC 7519).
  private func isJSONWebToken(_ word: [UInt8]) -> Bool {
    word.count >= 16 && word.starts(with: "eyJ".utf8) && word.contains(UInt8(ascii: "."))
  }

  private func isPrivateKey(at start: Int) -> Bool {
    let line = text[start...].prefix(64).map(\.value)
    return line.starts(with: "-----BEGIN ".utf8) && String(decoding: line, as: UTF8.self).contains("PRIVATE KEY")
  }
}
