/// The head of an HTTP message as it is shown, and what it says of the body.
struct MessageHead {
  private(set) var text = ""
  /// Whether the empty line behind it was seen.
  private(set) var isComplete = false
  private(set) var isRequest = true
  /// Of a response; 0 if there is none.
  private(set) var status = 0
  /// The least of those given: what is behind it may be another message.
  private(set) var contentLength: Int?
  private(set) var isChunked = false
  /// How the body is compressed or encrypted; empty if it is not.
  private(set) var encoding = ""
  private(set) var contentType: [UInt8] = []
  private var hasStarted = false
  /// Whether the header at hand is secret, and lines that continue it are.
  private var isSecret = false

  /// Whether it is an answer before the answer (RFC 9110 section 15.2). Switching protocols ends HTTP.
  var isInterim: Bool { isComplete && (100..<200).contains(status) && status != 101 }

  /// Whether the body is a form of parameters.
  var isForm: Bool { String(decoding: contentType, as: UTF8.self).lowercased().contains("x-www-form-urlencoded") }

  mutating func readLine(_ line: ArraySlice<UInt8>, isWhole: Bool) {
    let content = line.last == UInt8(ascii: "\r") ? line.dropLast() : line
    if content.isEmpty {
      isComplete = hasStarted && isWhole
    } else {
      readContent(content, isWhole: isWhole)
      hasStarted = true
    }
    if isWhole { text += "\n" }
  }

  /// Some take a lone carriage return for the end of a line: what is behind one may be a header of its own.
  private mutating func readContent(_ content: ArraySlice<UInt8>, isWhole: Bool) {
    let parts = content.split(separator: UInt8(ascii: "\r"), omittingEmptySubsequences: false)
    for (index, part) in parts.enumerated() {
      if index > 0 { text += "\\r" }
      if index > 0 && isSecret { continue }
      readPart(part, isCut: !isWhole && index == parts.count - 1)
    }
  }

  private mutating func readPart(_ part: ArraySlice<UInt8>, isCut: Bool) {
    let colon = part.firstIndex(of: UInt8(ascii: ":"))
    let isContinuation = part.first?.isBlank == true
    if isSecret && (isContinuation || colon == nil) {
      text += HeaderRedaction.placeholder
      return
    }
    guard hasStarted, let colon else {
      if !hasStarted { readStartLine(part) }
      text += EscapedText.text(SecretScan.replacing(part, .head, isCut: isCut))
      return
    }
    isSecret = SecretNames.contain(part[..<colon])
    if isSecret {
      text += EscapedText.text(part[...colon]) + " " + HeaderRedaction.placeholder
    } else {
      readField(Self.name(part[..<colon]), part[(colon + 1)...])
      text += EscapedText.text(SecretScan.replacing(part, .head, isCut: isCut))
    }
  }

  private mutating func readStartLine(_ line: ArraySlice<UInt8>) {
    guard line.starts(with: "HTTP/".utf8) else { return }
    isRequest = false
    let words = line.split(separator: 0x20)
    status = words.count > 1 ? Int(String(decoding: words[1], as: UTF8.self)) ?? 0 : 0
  }

  private mutating func readField(_ name: String, _ value: ArraySlice<UInt8>) {
    let word = String(decoding: value.filter { !$0.isBlank }, as: UTF8.self).lowercased()
    switch name {
    case "contentlength":
      for part in word.split(separator: ",") {
        contentLength = min(contentLength ?? .max, max(Int(part) ?? 0, 0))
      }
    case "transferencoding":
      if word.hasSuffix("chunked") { isChunked = true }
      if !["chunked", "identity"].contains(word) { encoding = word }
    case "contentencoding":
      // Some servers say here what belongs into the type.
      if !["identity", "none", "utf-8", ""].contains(word) { encoding = word }
    case "contenttype": contentType = Array(value)
    default: break
    }
  }

  /// A name as it is compared: lowercase letters and digits only.
  private static func name(_ bytes: some Sequence<UInt8>) -> String {
    String(decoding: bytes.filter { $0.isLetter || $0.isDigit }.map { $0.isLetter ? $0 | 0x20 : $0 }, as: UTF8.self)
  }
}
