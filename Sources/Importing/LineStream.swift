import Glibc
package import LinuxSystem

/// The lines of a file that may be far larger than memory, or a pipe.
///
/// The file is read, not mapped: pages of a mapping count as memory of ours for as long as they are there.
package struct LineStream {
  /// Longer lines are refused: a stack of a hundred thousand frames fits.
  static let limitBytes = 64 << 20

  private let file: OpenFile
  private let name: String
  /// Bytes that were read and not yet handed out lie in `start..<end`.
  private var buffer: [UInt8]
  private var start = 0
  private var end = 0
  private var isAtEnd = false
  /// The number of the line that was handed out last, from 1.
  package private(set) var lineNumber = 0

  /// - Parameter prefix: what has been read of the file already.
  package init(_ file: OpenFile, name: String, prefix: [UInt8] = [], chunkBytes: Int = 1 << 20) {
    self.file = file
    self.name = name
    buffer = prefix
    end = prefix.count
    buffer += [UInt8](repeating: 0, count: max(1, chunkBytes))
  }

  /// Hands out each line without its end, CR LF or LF; false ends the stream early.
  package mutating func forEach(_ body: (UnsafeRawBufferPointer) -> Bool) throws(ImportError) {
    while true {
      while let length = lengthOfLine() {
        lineNumber += 1
        let isWanted = unsafe buffer.withUnsafeBytes { bytes in
          unsafe body(Self.withoutReturn(UnsafeRawBufferPointer(rebasing: bytes[start..<start + length])))
        }
        start += length + 1
        guard isWanted else { return }
      }
      guard !isAtEnd else { break }
      try fill()
    }
    guard start < end else { return }
    lineNumber += 1
    _ = unsafe buffer.withUnsafeBytes { bytes in
      unsafe body(Self.withoutReturn(UnsafeRawBufferPointer(rebasing: bytes[start..<end])))
    }
    start = end
  }

  private static func withoutReturn(_ line: UnsafeRawBufferPointer) -> UnsafeRawBufferPointer {
    unsafe line.last == UInt8(ascii: "\r") ? UnsafeRawBufferPointer(rebasing: line.dropLast()) : line
  }

  /// The length of the next whole line in the buffer.
  private func lengthOfLine() -> Int? {
    unsafe buffer.withUnsafeBytes { bytes -> Int? in
      guard end > start, let base = bytes.baseAddress,
        let found = unsafe memchr(base + start, Int32(UInt8(ascii: "\n")), end - start)
      else { return nil }
      return unsafe UnsafeRawPointer(found) - (base + start)
    }
  }

  /// Reads more behind what is there.
  private mutating func fill() throws(ImportError) {
    let held = end - start
    if start > 0 {
      unsafe buffer.withUnsafeMutableBytes { bytes in
        guard let base = bytes.baseAddress else { return }
        _ = unsafe memmove(base, base + start, held)
      }
      (start, end) = (0, held)
    }
    if end == buffer.count {
      guard buffer.count < Self.limitBytes else {
        throw .tooLarge(file: name, line: lineNumber + 1, limitBytes: Self.limitBytes)
      }
      buffer += [UInt8](repeating: 0, count: buffer.count)
    }
    let room = buffer.count - end
    let offset = end
    let descriptor = file.descriptor
    let outcome = unsafe buffer.withUnsafeMutableBytes { bytes -> Result<Int, Errno> in
      guard let base = bytes.baseAddress else { return .success(0) }
      return Result { () throws(Errno) -> Int in
        try retryingOnInterrupt { unsafe read(descriptor, base + offset, room) }
      }
    }
    switch outcome {
    case .success(let count):
      end += count
      isAtEnd = count == 0
    case .failure(let cause): throw .unreadable(file: name, cause)
    }
  }
}
