import LinuxSystem

/// Lines of text that may be too large to hold.
enum LineReader {
  /// Longer lines are cut to it.
  static let maximumLine = 4_096

  /// How the reading ended.
  enum End: Equatable {
    case finished
    /// There was more than the limit.
    case limit
    case stopped
  }

  /// Reads the lines of a source one after the other, without their ends.
  ///
  /// - Parameters:
  ///   - next: the next piece of the source, empty at its end.
  ///   - limit: how many bytes to read at most, about.
  ///   - body: returns false to stop.
  static func forEachLine(
    limit: Int, next: (_ offset: Int) throws(Errno) -> [UInt8], body: (Span<UInt8>) -> Bool
  ) throws(Errno) -> End {
    var carried: [UInt8] = []
    var offset = 0
    while offset < limit {
      let chunk = try next(offset)
      if chunk.isEmpty {
        return carried.isEmpty || body(carried.span) ? .finished : .stopped
      }
      offset += chunk.count
      var start = 0
      let span = chunk.span
      while let end = newline(in: span, from: start) {
        if carried.isEmpty {
          guard body(span.extracting(start..<min(end, start + maximumLine))) else { return .stopped }
        } else {
          carry(chunk[start..<end], in: &carried)
          guard body(carried.span) else { return .stopped }
          carried.removeAll(keepingCapacity: true)
        }
        start = end + 1
      }
      carry(chunk[start...], in: &carried)
    }
    return .limit
  }

  /// Reads the lines of an open file.
  static func forEachLine(of file: OpenFile, limit: Int, body: (Span<UInt8>) -> Bool) throws(Errno) -> End {
    try forEachLine(
      limit: limit, next: { (offset) throws(Errno) in try file.read(from: offset, limit: 1 << 16) }, body: body)
  }

  /// Reads the lines of bytes in memory, which cannot fail.
  static func forEachLine(of bytes: [UInt8], chunkSize: Int = 1 << 16, limit: Int = .max, body: (Span<UInt8>) -> Bool)
    -> End
  {
    let end = try? forEachLine(
      limit: limit,
      next: { (offset) throws(Errno) in offset < bytes.count ? Array(bytes[offset...].prefix(chunkSize)) : [] },
      body: body)
    return end ?? .stopped
  }

  private static func newline(in span: Span<UInt8>, from start: Int) -> Int? {
    var position = start
    while position < span.count {
      if span[position] == 0x0A { return position }
      position += 1
    }
    return nil
  }

  private static func carry(_ bytes: ArraySlice<UInt8>, in carried: inout [UInt8]) {
    carried += bytes.prefix(maximumLine - carried.count)
  }
}

extension Span<UInt8> {
  /// Reads hexadecimal digits up to the first other byte and moves on; nil without any or with more than 64 bits.
  func hexadecimal(_ position: inout Int) -> UInt64? {
    let start = position
    var value: UInt64 = 0
    while position < count {
      let byte = self[position]
      let digit: UInt8
      switch byte {
      case 0x30...0x39: digit = byte - 0x30
      case 0x61...0x66: digit = byte - 0x61 + 10
      case 0x41...0x46: digit = byte - 0x41 + 10
      default: return position > start ? value : nil
      }
      guard value >> 60 == 0 else { return nil }
      value = value << 4 | UInt64(digit)
      position += 1
    }
    return position > start ? value : nil
  }

  /// The bytes of a range as text; invalid UTF-8 is replaced.
  func text(_ range: Range<Int>) -> String {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(range.count)
    for position in range { bytes.append(self[position]) }
    return String(decoding: bytes, as: UTF8.self)
  }
}
