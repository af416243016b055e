import CZlib

/// The format of RFC 1952, by zlib, of bytes in memory.
package enum Gzip {
  /// Why bytes are not uncompressed.
  package enum Failure: Error, Equatable {
    /// They are damaged or end too early.
    case damaged
    case tooLarge(limitBytes: Int)
  }

  /// `windowBits` of zlib.h: the largest window, with gzip's header and trailer.
  private static let gzipWindowBits: Int32 = 15 + 16
  private static let chunkBytes = 1 << 16

  /// Whether bytes begin as the format does.
  package static func isGzip(_ bytes: some Collection<UInt8>) -> Bool { bytes.starts(with: [0x1F, 0x8B]) }

  /// Compresses; equal input gives equal output: the header has no time and no name.
  ///
  /// - Returns: nil where zlib finds no memory.
  package static func compress(_ bytes: [UInt8]) -> [UInt8]? {
    var stream = unsafe z_stream()
    let size = Int32(unsafe MemoryLayout<z_stream>.size)
    guard
      unsafe deflateInit2_(
        &stream, Z_BEST_COMPRESSION, Z_DEFLATED, gzipWindowBits, 9, Z_DEFAULT_STRATEGY, ZLIB_VERSION, size) == Z_OK
    else { return nil }
    defer { unsafe deflateEnd(&stream) }
    var output: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: chunkBytes)
    var input = bytes
    var start = 0
    var status = Z_OK
    while status != Z_STREAM_END {
      // The length of a call is 32 bits wide in zlib.
      let length = min(input.count - start, 1 << 30)
      let flush = start + length == input.count ? Z_FINISH : Z_NO_FLUSH
      let used = unsafe step(&stream, &input, start, length, &chunk) { stream in
        status = unsafe deflate(&stream, flush)
      }
      guard status == Z_OK || status == Z_STREAM_END || status == Z_BUF_ERROR else { return nil }
      start += used.read
      output += chunk[..<used.written]
    }
    return output
  }

  /// Uncompresses all members of a gzip file.
  package static func decompress(_ bytes: [UInt8], limitBytes: Int) throws(Failure) -> [UInt8] {
    var stream = unsafe z_stream()
    guard unsafe inflateInit2_(&stream, gzipWindowBits, ZLIB_VERSION, Int32(unsafe MemoryLayout<z_stream>.size)) == Z_OK
    else {
      throw .damaged
    }
    defer { unsafe inflateEnd(&stream) }
    var output: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: chunkBytes)
    var input = bytes
    var start = 0
    while true {
      var status = Z_OK
      let used = unsafe step(&stream, &input, start, min(input.count - start, 1 << 30), &chunk) { stream in
        status = unsafe inflate(&stream, Z_NO_FLUSH)
      }
      start += used.read
      guard output.count + used.written <= limitBytes else { throw .tooLarge(limitBytes: limitBytes) }
      output += chunk[..<used.written]
      if status == Z_STREAM_END {
        // What follows the last member is padding, as gzip(1) has it.
        guard isGzip(input[start...]) else { return output }
        unsafe inflateReset(&stream)
        continue
      }
      // A call that neither reads nor writes has come to an end that is not there.
      guard status == Z_OK, used.read > 0 || used.written > 0 else { throw .damaged }
    }
  }

  /// One call of zlib, on a part of the input and a chunk for its output.
  private static func step(
    _ stream: inout z_stream, _ input: inout [UInt8], _ start: Int, _ length: Int, _ chunk: inout [UInt8],
    _ call: (inout z_stream) -> Void
  ) -> (read: Int, written: Int) {
    let room = chunk.count
    return unsafe input.withUnsafeMutableBufferPointer { input in
      unsafe chunk.withUnsafeMutableBufferPointer { chunk in
        unsafe stream.next_in = input.baseAddress.map { unsafe $0 + start }
        unsafe stream.avail_in = UInt32(length)
        unsafe stream.next_out = chunk.baseAddress
        unsafe stream.avail_out = UInt32(room)
        unsafe call(&stream)
        return unsafe (length - Int(stream.avail_in), room - Int(stream.avail_out))
      }
    }
  }
}
