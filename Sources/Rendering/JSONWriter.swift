import ProfileModel

/// Writes one JSON document, its keys in the order of the calls.
struct JSONWriter {
  private(set) var text = ""
  private var depth = 0
  private var isFirst = true
  private var isInline = false
  private var followsKey = false

  /// Writes an object; its members are the calls of `member` inside `body`.
  mutating func object(isInline: Bool = false, _ body: (inout JSONWriter) -> Void) {
    container("{", "}", isInline: isInline, body)
  }

  /// Writes an object that is a document of its own: its first members say what it is.
  ///
  /// The version is raised when a reader of the older form would misread the newer one; new keys do not raise it.
  mutating func document(
    schema: String, version: Int, isInline: Bool = false, _ body: (inout JSONWriter) -> Void
  ) {
    object(isInline: isInline) { writer in
      writer.key("schema")
      writer.string(schema)
      writer.key("version")
      writer.integer(version)
      body(&writer)
    }
  }

  /// Writes an array; its elements are the values written inside `body`.
  mutating func array(isInline: Bool = false, _ body: (inout JSONWriter) -> Void) {
    container("[", "]", isInline: isInline, body)
  }

  mutating func integers(_ numbers: some Sequence<some BinaryInteger>) {
    array(isInline: true) { writer in
      for number in numbers { writer.integer(number) }
    }
  }

  mutating func strings(_ strings: [String]) {
    array { writer in
      for string in strings { writer.string(string) }
    }
  }

  mutating func key(_ key: String) {
    separate()
    quote(key)
    text += ": "
    followsKey = true
  }

  mutating func integer(_ number: some BinaryInteger) { value(String(number)) }

  /// Writes a number with a fixed count of decimals; one that is not finite is null, which JSON has no number for.
  mutating func decimal(_ number: Double, digits: Int) {
    guard let text = NumberText.decimal(number, digits: digits) else { return null() }
    value(text)
  }

  mutating func bool(_ bool: Bool) { value(bool ? "true" : "false") }
  mutating func null() { value("null") }

  mutating func string(_ string: String?) {
    guard let string else { return null() }
    separate()
    quote(string)
  }

  /// Writes a text that is JSON already; one that is not is written as a string.
  mutating func document(_ json: String?) {
    guard let json, JSONSyntax.isValid(json) else { return string(json) }
    // Within a string JSON has no line ends, and between its words they are as good as spaces.
    guard isInline else { return value(json) }
    value(String(String.UnicodeScalarView(json.unicodeScalars.map { $0 == "\n" || $0 == "\r" ? " " : $0 })))
  }

  private mutating func value(_ literal: String) {
    separate()
    text += literal
  }

  private mutating func container(
    _ open: String, _ close: String, isInline: Bool, _ body: (inout JSONWriter) -> Void
  ) {
    separate()
    text += open
    let outer = self.isInline
    self.isInline = outer || isInline
    isFirst = true
    depth += 1
    body(&self)
    depth -= 1
    if !isFirst, !self.isInline { newLine() }
    text += close
    self.isInline = outer
    isFirst = false
  }

  /// Writes what stands before a value or a key.
  private mutating func separate() {
    defer { isFirst = false }
    if followsKey {
      followsKey = false
      return
    }
    guard depth > 0 else { return }
    if !isFirst { text += isInline ? ", " : "," }
    if !isInline { newLine() }
  }

  private mutating func newLine() { text += "\n" + String(repeating: "  ", count: depth) }

  private mutating func quote(_ string: String) {
    text += "\""
    for scalar in string.unicodeScalars {
      switch scalar {
      case "\"": text += "\\\""
      case "\\": text += "\\\\"
      case "\n": text += "\\n"
      case "\t": text += "\\t"
      // Beside JSON's own control characters: DEL and C1, which act on terminals, and the two line ends of JavaScript.
      case "\u{00}"..<"\u{20}", "\u{7F}"..."\u{9F}", "\u{2028}"..."\u{2029}":
        text += "\\u" + String(0x10000 + scalar.value, radix: 16).dropFirst()
      default: text.unicodeScalars.append(scalar)
      }
    }
    text += "\""
  }
}
