import Glibc
package import LinuxSystem

/// The lines of a file that may be far larger than memory, or a pipe.
///
/// The file is read, not mapped: pages of a mapping count as memory of ours for as long as they are there.
package struct LineStream {
  /// Longer lines are refused: a stack of a hundred thousand frames fits.
  static let limitBytes = 64 << 20

  private let name: String
  private let next: () throws(ImportError) -> [UInt8]
  /// Bytes that were read and not yet handed out lie in `start..<buffer.count`.
  private var buffer: [UInt8] = []
  private var start = 0
  private var isAtEnd = false
  /// The number of the line that was handed out last, from 1.
  package private(set) var lineNumber = 0

  package init(_ feed: ByteFeed) {
    name = feed.name
    next = { () throws(ImportError) in try feed.next() }
  }

  /// The lines of a file as it is.
  ///
  /// - Parameter chunkBytes: how much is read at once.
  package init(_ file: OpenFile, name: String, chunkBytes: Int = 1 << 20) {
    self.name = name
    next = { () throws(ImportError) in
      do { return try ByteFeed.read(file, max(1, chunkBytes)) } catch { throw ImportError(error, file: name) }
    }
  }

  /// Hands out each line without its end, CR LF or LF; false ends the stream early.
  package mutating func forEach(_ body: (UnsafeRawBufferPointer) -> Bool) throws(ImportError) {
    // Where no end of a line has been found.
    var searched = 0
    while true {
      while let length = lengthOfLine(from: searched) {
        searched = 0
        lineNumber += 1
        let isWanted = unsafe buffer.withUnsafeBytes { bytes in
          unsafe body(Self.withoutReturn(UnsafeRawBufferPointer(rebasing: bytes[start..<start + length])))
        }
        start += length + 1
        guard isWanted else { return }
      }
      guard !isAtEnd else { break }
      searched = buffer.count - start
      try fill()
    }
    guard start < buffer.count else { return }
    lineNumber += 1
    _ = unsafe buffer.withUnsafeBytes { bytes in
      unsafe body(Self.withoutReturn(UnsafeRawBufferPointer(rebasing: bytes[start...])))
    }
    start = buffer.count
  }

  private static func withoutReturn(_ line: UnsafeRawBufferPointer) -> UnsafeRawBufferPointer {
    unsafe line.last == UInt8(ascii: "\r") ? UnsafeRawBufferPointer(rebasing: line.dropLast()) : line
  }

  /// The length of the next whole line in the buffer, the first bytes of which are known to have no end.
  private func lengthOfLine(from searched: Int) -> Int? {
    unsafe buffer.withUnsafeBytes { bytes -> Int? in
      let from = start + searched
      guard bytes.count > from, let base = bytes.baseAddress,
        let found = unsafe memchr(base + from, Int32(UInt8(ascii: "\n")), bytes.count - from)
      else { return nil }
      return unsafe UnsafeRawPointer(found) - (base + start)
    }
  }

  /// Reads more behind what is there.
  private mutating func fill() throws(ImportError) {
    buffer.removeSubrange(..<start)
    start = 0
    guard buffer.count < Self.limitBytes else {
      throw .tooLarge(file: name, line: lineNumber + 1, limitBytes: Self.limitBytes)
    }
    let chunk = try next()
    isAtEnd = chunk.isEmpty
    if buffer.isEmpty { buffer = chunk } else { buffer += chunk }
  }
}
