/// Text inside XML documents.
enum XMLText {
  /// Text for element content and attribute values: visible characters only, markup escaped. `>` is escaped too, since
  /// `]]>` must not stand in content.
  static func escaped(_ text: some StringProtocol) -> String {
    let visible = DisplayText.visible(text)
    guard visible.utf8.contains(where: { entity(for: $0) != nil }) else { return visible }
    var bytes: [UInt8] = []
    for byte in visible.utf8 {
      if let entity = entity(for: byte) { bytes += entity.utf8 } else { bytes.append(byte) }
    }
    return String(decoding: bytes, as: UTF8.self)
  }

  private static func entity(for byte: UInt8) -> String? {
    switch byte {
    case UInt8(ascii: "&"): "&amp;"
    case UInt8(ascii: "<"): "&lt;"
    case UInt8(ascii: ">"): "&gt;"
    case UInt8(ascii: "\""): "&quot;"
    case UInt8(ascii: "'"): "&#39;"
    default: nil
    }
  }
}
