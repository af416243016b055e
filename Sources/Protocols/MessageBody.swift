/// What follows the head of an HTTP message, up to the end of that message (RFC 9112 section 6.3).
struct MessageBody {
  private let head: MessageHead
  private let following: ArraySlice<UInt8>

  /// - Parameter following: what was seen behind the head; the beginning of another message may be part of it.
  init(head: MessageHead, following: ArraySlice<UInt8>) {
    self.head = head
    self.following = following
  }

  /// The body as it is shown.
  var text: String {
    let content = self.content
    guard !content.isEmpty else { return "" }
    if !head.encoding.isEmpty {
      return "[\(content.count) bytes encoded as \(EscapedText.text(head.encoding.utf8)) are left out]"
    }
    return EscapedText.text(withoutSecrets(content))
  }

  private var content: ArraySlice<UInt8> {
    // An answer to HEAD has the length of a body, and none.
    if !head.isRequest && following.starts(with: "HTTP/1.".utf8) { return [] }
    if (100..<200).contains(head.status) && head.status != 101 || [204, 304].contains(head.status) { return [] }
    if head.isChunked { return joinedChunks[...] }
    if let length = head.contentLength { return following.prefix(length) }
    return head.isRequest ? [] : following
  }

  /// The data of chunks that were seen, up to the last one, which is empty.
  private var joinedChunks: [UInt8] {
    var result: [UInt8] = []
    var rest = following
    while let end = rest.firstIndex(of: 0x0A) {
      let digits = rest[..<end].prefix { $0.isHexDigit }
      guard !digits.isEmpty, let size = Int(String(decoding: digits, as: UTF8.self), radix: 16), size > 0 else { break }
      rest = rest[(end + 1)...]
      result += rest.prefix(size)
      rest = rest.dropFirst(size)
      if rest.first == 0x0D { rest = rest.dropFirst() }
      if rest.first == 0x0A { rest = rest.dropFirst() }
    }
    return result
  }

  private func withoutSecrets(_ content: ArraySlice<UInt8>) -> [UInt8] {
    if let boundary { return Self.parts(content, boundary: boundary) }
    return SecretScan.replacing(content, head.isForm ? .form : .document)
  }

  // MARK: Bodies of several parts

  /// What the parts of a multipart body are divided by (RFC 2046 section 5.1.1).
  private var boundary: [UInt8]? {
    let type = head.contentType
    guard String(decoding: type, as: UTF8.self).lowercased().contains("multipart/") else { return nil }
    return Self.parameter("boundary", of: type[...]).map { Array("--".utf8) + $0 }
  }

  /// - Returns: nil where a header has no such parameter.
  private static func parameter(_ name: String, of header: ArraySlice<UInt8>) -> ArraySlice<UInt8>? {
    for part in header.split(separator: UInt8(ascii: ";")) {
      guard let equals = part.firstIndex(of: UInt8(ascii: "=")) else { continue }
      let found = String(decoding: part[..<equals].filter { !$0.isBlank }, as: UTF8.self).lowercased()
      guard found == name || found == name + "*" else { continue }
      let value = part[(equals + 1)...].drop { $0.isBlank || $0.isQuote }
      return value.prefix { !$0.isQuote && !$0.isLineEnd }
    }
    return nil
  }

  private static func parts(_ content: ArraySlice<UInt8>, boundary: [UInt8]) -> [UInt8] {
    var result: [UInt8] = []
    var part: [UInt8] = []
    var rest = content
    while !rest.isEmpty {
      let end = rest.firstIndex(of: 0x0A).map { $0 + 1 } ?? rest.endIndex
      let line = rest[..<end]
      if line.starts(with: boundary) {
        result += withoutSecrets(part: part[...]) + line
        part = []
      } else {
        part += line
      }
      rest = rest[end...]
    }
    return result + withoutSecrets(part: part[...])
  }

  private static func withoutSecrets(part: ArraySlice<UInt8>) -> [UInt8] {
    var isSecret = false
    var rest = part
    while let end = rest.firstIndex(of: 0x0A) {
      let line = rest[..<end]
      rest = rest[(end + 1)...]
      if line.allSatisfy(\.isLineEnd) { break }
      isSecret = isSecret || parameter("name", of: line).map { SecretNames.contain($0, isParameter: true) } ?? false
    }
    guard isSecret else { return SecretScan.replacing(part, .document) }
    let value = Array(HeaderRedaction.placeholder.utf8) + [0x0A]
    return SecretScan.replacing(part[..<rest.startIndex], .document) + (rest.isEmpty ? [] : value)
  }
}
