/// Makes the beginning of an HTTP message fit to be shown: without secrets, and without bytes that move a cursor.
package enum HeaderRedaction {
  package static let placeholder = "[redacted]"

  /// What names of headers and parameters contain whose values are secret; compared without case, `-` and `_`.
  private static let secretWords = [
    "apikey", "token", "secret", "password", "passwd", "auth", "session", "cookie", "credential", "signature",
  ]
  /// Names of parameters that are secret as a whole.
  private static let secretParameters: Set<String> = ["key", "code", "sig", "pwd", "pass", "sid", "jwt"]

  /// A message as text, with `[redacted]` in the place of secrets.
  ///
  /// Secret are the values of headers whose names say so, with the lines that continue them; the values of such
  /// parameters of a query, wherever in the head one stands, and of a form; passwords in a URL. Other bodies are shown.
  ///
  /// - Parameter bytes: from the first byte of the message; may end anywhere, and be anything.
  package static func text(_ bytes: some Collection<UInt8>) -> String {
    var reader = Reader()
    var rest = Array(bytes)[...]
    while !rest.isEmpty, !reader.isInBody {
      let end = rest.firstIndex(of: UInt8(ascii: "\n"))
      reader.readLine(rest[..<(end ?? rest.endIndex)], isWhole: end != nil)
      rest = rest[(end.map { $0 + 1 } ?? rest.endIndex)...]
    }
    if reader.isForm { return reader.text + EscapedText.text(withoutSecretParameters(Array(rest), atStart: true)) }
    return reader.text + EscapedText.text(rest)
  }

  private struct Reader {
    private(set) var text = ""
    private(set) var isInBody = false
    private(set) var isForm = false
    private var hasStarted = false
    /// Whether the header at hand is secret, and lines that continue it are.
    private var isSecret = false

    mutating func readLine(_ line: ArraySlice<UInt8>, isWhole: Bool) {
      let content = line.last == UInt8(ascii: "\r") ? line.dropLast() : line
      if content.isEmpty {
        isInBody = hasStarted && isWhole
      } else {
        readContent(content)
        hasStarted = true
      }
      if isWhole { text += "\n" }
    }

    /// Some take a lone carriage return for the end of a line: what is behind one may be a header of its own.
    private mutating func readContent(_ content: ArraySlice<UInt8>) {
      let parts = content.split(separator: UInt8(ascii: "\r"), omittingEmptySubsequences: false)
      for (index, part) in parts.enumerated() {
        if index > 0 { text += "\\r" }
        if index > 0 && isSecret { continue }
        readPart(part)
      }
    }

    private mutating func readPart(_ part: ArraySlice<UInt8>) {
      let colon = part.firstIndex(of: UInt8(ascii: ":"))
      let isContinuation = part.first == 0x20 || part.first == 0x09
      if isSecret && (isContinuation || colon == nil) {
        text += HeaderRedaction.placeholder
        return
      }
      guard hasStarted, let colon else {
        text += EscapedText.text(HeaderRedaction.withoutSecrets(part))
        return
      }
      let name = HeaderRedaction.name(part[..<colon])
      isSecret = secretWords.contains { name.contains($0) }
      if isSecret {
        text += EscapedText.text(part[...colon]) + " " + HeaderRedaction.placeholder
      } else {
        if name == "contenttype", String(decoding: part, as: UTF8.self).lowercased().contains("x-www-form-urlencoded") {
          isForm = true
        }
        text += EscapedText.text(HeaderRedaction.withoutSecrets(part))
      }
    }
  }

  /// A name as it is compared: lowercase letters and digits only.
  private static func name(_ bytes: some Sequence<UInt8>) -> String {
    String(decoding: bytes.filter { $0.isLetter || $0.isDigit }.map { $0.isLetter ? $0 | 0x20 : $0 }, as: UTF8.self)
  }

  private static func withoutSecrets(_ line: ArraySlice<UInt8>) -> [UInt8] {
    withoutSecretParameters(withoutUserInformation(Array(line)), atStart: false)
  }

  /// `http://user:password@host`; where the line ends before it is known what it is, all but a port gives way.
  private static func withoutUserInformation(_ line: [UInt8]) -> [UInt8] {
    var result: [UInt8] = []
    var place = 0
    while place < line.count {
      guard line[place...].starts(with: "://".utf8) else {
        result.append(line[place])
        place += 1
        continue
      }
      let start = place + 3
      let end = line[start...].firstIndex { " /?#\"'<>,;\t".utf8.contains($0) } ?? line.count
      let authority = line[start..<end]
      result += "://".utf8
      if let at = authority.lastIndex(of: UInt8(ascii: "@")) {
        result += placeholder.utf8 + authority[at...]
      } else if end == line.count, let colon = authority.lastIndex(of: UInt8(ascii: ":")),
        !authority[(colon + 1)...].allSatisfy(\.isDigit), authority.first != UInt8(ascii: "[")
      {
        result += placeholder.utf8
      } else {
        result += authority
      }
      place = end
    }
    return result
  }

  /// - Parameter atStart: whether a parameter may stand at the beginning, as in forms.
  private static func withoutSecretParameters(_ bytes: [UInt8], atStart: Bool) -> [UInt8] {
    var result: [UInt8] = []
    /// Where the name at hand begins; nil outside of parameters.
    var start: Int? = atStart ? 0 : nil
    var place = 0
    while place < bytes.count {
      let byte = bytes[place]
      result.append(byte)
      place += 1
      if "?&;#".utf8.contains(byte) {
        start = place
      } else if byte == 0x20 || byte == 0x09 {
        start = nil
      } else if byte == UInt8(ascii: "="), let first = start {
        start = nil
        guard isSecretParameter(bytes[first..<place - 1]) else { continue }
        result += placeholder.utf8
        place = bytes[place...].firstIndex { "& \t\r\n\"".utf8.contains($0) } ?? bytes.count
      }
    }
    return result
  }

  private static func isSecretParameter(_ encoded: ArraySlice<UInt8>) -> Bool {
    let name = name(decodingPercents(encoded))
    return secretParameters.contains(name) || secretWords.contains { name.contains($0) }
  }

  private static func decodingPercents(_ bytes: ArraySlice<UInt8>) -> [UInt8] {
    var result: [UInt8] = []
    var place = bytes.startIndex
    while place < bytes.endIndex {
      if bytes[place] == UInt8(ascii: "%"), place + 2 < bytes.endIndex,
        let value = UInt8(String(decoding: bytes[(place + 1)...(place + 2)], as: UTF8.self), radix: 16)
      {
        result.append(value)
        place += 3
      } else {
        result.append(bytes[place])
        place += 1
      }
    }
    return result
  }
}
