/// What a proxy may send before anything else: whom it speaks for (haproxy: doc/proxy-protocol.txt).
enum ProxyPreamble {
  private static let signature: [UInt8] = [13, 10, 13, 10, 0, 13, 10, 0x51, 0x55, 0x49, 0x54, 10]
  /// With version, family and, in two bytes, the length of what follows.
  private static let headLength = 16

  /// A beginning without its preamble: nothing of it where the preamble goes on behind what was seen.
  static func leftOut(of stream: StreamBeginning) -> StreamBeginning {
    guard isText(stream) || isBinary(stream) else { return stream }
    guard let length = isText(stream) ? textLength(stream) : binaryLength(stream), length <= stream.bytes.count else {
      return .none
    }
    return stream.dropping(length)
  }

  private static func isText(_ stream: StreamBeginning) -> Bool {
    stream.hasPrefix("PROXY TCP") || stream.hasPrefix("PROXY UNKNOWN")
  }

  private static func isBinary(_ stream: StreamBeginning) -> Bool { stream.bytes.starts(with: signature) }

  private static func textLength(_ stream: StreamBeginning) -> Int? {
    stream.bytes.firstIndex(of: 10).map { $0 + 1 }
  }

  private static func binaryLength(_ stream: StreamBeginning) -> Int? {
    stream.number(headLength - 2, size: 2).map { headLength + $0 }
  }
}
