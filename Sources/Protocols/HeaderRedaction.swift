/// Makes the beginning of an HTTP message fit to be shown: without secrets, and without bytes that move a cursor.
package enum HeaderRedaction {
  package static let placeholder = "[redacted]"

  /// A message as text, with `[redacted]` in the place of secrets. A message behind it is left out.
  ///
  /// Secret are the values of headers whose names say so, with the lines that continue them; the values of such
  /// parameters, members and elements wherever one is, percent-encoded ones included; passwords in URLs; and what is
  /// known by its form, such as JSON Web Tokens.
  ///
  /// - Parameter bytes: from the first byte of the message; may end anywhere, and be anything.
  package static func text(_ bytes: some Collection<UInt8>) -> String {
    var text = ""
    var rest = Array(bytes)[...]
    while true {
      var reader = MessageHead()
      while !rest.isEmpty, !reader.isComplete {
        let end = rest.firstIndex(of: UInt8(ascii: "\n"))
        reader.readLine(rest[..<(end ?? rest.endIndex)], isWhole: end != nil)
        rest = rest[(end.map { $0 + 1 } ?? rest.endIndex)...]
      }
      text += reader.text
      // The answer itself follows.
      guard reader.isInterim, !rest.isEmpty else { return text + MessageBody(head: reader, following: rest).text }
    }
  }
}
