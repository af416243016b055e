import Compression
import Glibc
package import LinuxSystem

/// The bytes of a file from its beginning, uncompressed and as UTF-8 where they are text of another coding.
///
/// No format is guessed from a few bytes: a decoder is tried on the beginning, and left out where it does not work.
package final class ByteFeed {
  /// How much of the beginning a format is judged by.
  private static let headBytes = 1 << 18
  private static let chunkBytes = 1 << 20
  /// What a small compressed file may unfold to.
  private static let uncompressedLimit = 16 << 30
  /// A compressed file may have been compressed again.
  private static let depthLimit = 3

  package let name: String
  /// The beginning of the file.
  package private(set) var head: [UInt8] = []
  /// Whether `head` is all of the file.
  package private(set) var isWhole = false
  package private(set) var isCompressed = false
  private var source: () throws -> [UInt8]
  private var isHeadTaken = false

  /// - Parameters:
  ///   - name: what messages call the file.
  ///   - source: the next bytes; empty at the end.
  package init(name: String, source: @escaping () throws -> [UInt8]) throws(ImportError) {
    self.name = name
    self.source = source
    try fillHead()
    try uncompress()
    try recode()
  }

  /// - Parameter chunkBytes: how much is read at once.
  package convenience init(_ file: OpenFile, name: String, chunkBytes: Int = chunkBytes) throws(ImportError) {
    try self.init(name: name) { try Self.read(file, chunkBytes) }
  }

  static func read(_ file: OpenFile, _ size: Int) throws -> [UInt8] {
    let descriptor = file.descriptor
    var outcome: Result<Int, Errno> = .success(0)
    let chunk = unsafe [UInt8](unsafeUninitializedCapacity: size) { buffer, count in
      let base = buffer.baseAddress
      outcome = Result { () throws(Errno) -> Int in
        try retryingOnInterrupt { unsafe Glibc.read(descriptor, base, size) }
      }
      count = (try? outcome.get()) ?? 0
    }
    _ = try outcome.get()
    return chunk
  }

  /// The next bytes, `head` first; empty at the end.
  package func next() throws(ImportError) -> [UInt8] {
    if !isHeadTaken {
      isHeadTaken = true
      if !head.isEmpty { return head }
    }
    return isWhole ? [] : try pull()
  }

  /// Begins again with a file that is all in memory.
  package func rewind() {
    if isWhole { isHeadTaken = false }
  }

  /// All bytes; nil where there are more than the limit.
  package func all(limitBytes: Int) throws(ImportError) -> [UInt8]? {
    var bytes: [UInt8] = []
    while true {
      let chunk = try next()
      if chunk.isEmpty { return bytes }
      bytes += chunk
      if bytes.count > limitBytes { return nil }
    }
  }

  private func pull() throws(ImportError) -> [UInt8] {
    do { return try source() } catch { throw ImportError(error, file: name) }
  }

  private func fillHead() throws(ImportError) {
    while head.count < Self.headBytes {
      let chunk = try pull()
      if chunk.isEmpty {
        isWhole = true
        return
      }
      head += chunk
    }
  }

  /// Puts a decoder between the file and its reader, if it does something with the beginning.
  private func decode(_ decoder: @escaping (_ next: () throws -> [UInt8]) throws -> [UInt8]) throws(ImportError) -> Bool
  {
    let (oldSource, oldHead, wasWhole) = (source, head, isWhole)
    // What the decoder takes while it is tried stands for the beginning of the file.
    var isTaken = false
    source = {
      try decoder {
        if !isTaken {
          isTaken = true
          return oldHead
        }
        return wasWhole ? [] : try oldSource()
      }
    }
    (head, isWhole) = ([], false)
    do {
      try fillHead()
      return true
    } catch {
      // What comes out before the fault shows that the file was meant so.
      guard head.isEmpty else { throw error }
      (source, head, isWhole) = (oldSource, oldHead, wasWhole)
      return false
    }
  }

  private func uncompress() throws(ImportError) {
    for _ in 0..<Self.depthLimit {
      guard Gzip.isGzip(head), let stream = GzipStream() else { return }
      var total = 0
      let isGzip = try decode { next in
        let bytes = try stream.next(next)
        total += bytes.count
        guard total <= Self.uncompressedLimit else {
          throw Gzip.Failure.tooLarge(limitBytes: Self.uncompressedLimit)
        }
        return bytes
      }
      guard isGzip else { return }
      isCompressed = true
    }
  }

  /// Turns UTF-16 into UTF-8, and leaves the mark of either coding out.
  private func recode() throws(ImportError) {
    if head.starts(with: [0xEF, 0xBB, 0xBF]) {
      head.removeFirst(3)
      return
    }
    guard let text = UTF16Text(startingWith: head) else { return }
    var decoder = text
    _ = try decode { next in
      while true {
        let bytes = try next()
        let text = decoder.decode(bytes)
        if bytes.isEmpty || !text.isEmpty { return text }
      }
    }
  }
}

/// Text in UTF-16 (RFC 2781) as bytes that come in pieces.
struct UTF16Text {
  private let isBigEndian: Bool
  /// A byte without its other half.
  private var half: UInt8?
  /// The first half of a surrogate pair.
  private var high: UInt16?
  private var isAtStart = true

  /// Nil for what is no such text: without a mark, every second byte of the beginning is a zero.
  init?(startingWith head: [UInt8]) {
    if head.starts(with: [0xFF, 0xFE]) || head.starts(with: [0xFE, 0xFF]) {
      isBigEndian = head[0] == 0xFE
      // A line of text ends, and both halves of its end are there. In another coding, the mark may be part of a name.
      let feed: [UInt8] = isBigEndian ? [0, 0x0A] : [0x0A, 0]
      let isEven = stride(from: 2, to: head.count - 1, by: 2).contains {
        head[$0] == feed[0] && head[$0 + 1] == feed[1]
      }
      let digits = head.suffix(2)
      guard isEven || digits.contains(0) else { return nil }
      return
    }
    let sample = head.prefix(1 << 12)
    guard sample.count >= 8 else { return nil }
    let zeros = (0...1).map { parity in
      stride(from: parity, to: sample.count, by: 2).count { sample[$0] == 0 }
    }
    let half = sample.count / 2
    guard zeros.contains(where: { $0 * 10 >= half * 9 }), zeros.contains(where: { $0 * 10 < half }) else { return nil }
    isBigEndian = zeros[0] > zeros[1]
  }

  /// The next bytes in UTF-8; what is no character becomes U+FFFD.
  ///
  /// - Parameter bytes: empty at the end.
  mutating func decode(_ bytes: [UInt8]) -> [UInt8] {
    var output: [UInt8] = []
    output.reserveCapacity(bytes.count)
    for byte in bytes {
      guard let first = half else {
        half = byte
        continue
      }
      half = nil
      let unit = isBigEndian ? UInt16(first) << 8 | UInt16(byte) : UInt16(byte) << 8 | UInt16(first)
      defer { isAtStart = false }
      if isAtStart, unit == 0xFEFF { continue }
      append(unit, to: &output)
    }
    if bytes.isEmpty, half != nil || high != nil {
      (half, high) = (nil, nil)
      Self.append(Unicode.Scalar(0xFFFD), to: &output)
    }
    return output
  }

  private mutating func append(_ unit: UInt16, to output: inout [UInt8]) {
    if let first = high {
      high = nil
      if UTF16.isTrailSurrogate(unit) {
        let number = 0x10000 + (UInt32(first) - 0xD800) << 10 + (UInt32(unit) - 0xDC00)
        return Self.append(Unicode.Scalar(number), to: &output)
      }
      Self.append(Unicode.Scalar(0xFFFD), to: &output)
    }
    if UTF16.isLeadSurrogate(unit) {
      high = unit
    } else {
      // A second half alone is no character.
      Self.append(Unicode.Scalar(UInt32(unit)), to: &output)
    }
  }

  private static func append(_ scalar: Unicode.Scalar?, to output: inout [UInt8]) {
    output += Array(String(Character(scalar ?? "\u{FFFD}")).utf8)
  }
}
