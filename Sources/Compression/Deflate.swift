import CZlib

/// Compression in the format of RFC 1951, by zlib. Equal input gives equal bytes.
package enum Deflate {
  /// Compresses as small as zlib can, without a header: what browsers call `deflate-raw`.
  package static func compress(_ bytes: [UInt8]) -> [UInt8] { compress(bytes, windowBits: -MAX_WBITS) }

  /// - Parameter windowBits: also the format, see deflateInit2 in zlib.h.
  static func compress(_ bytes: [UInt8], windowBits: Int32) -> [UInt8] {
    var stream = unsafe z_stream()
    let started = unsafe deflateInit2_(
      &stream, Z_BEST_COMPRESSION, Z_DEFLATED, windowBits, 8, Z_DEFAULT_STRATEGY, ZLIB_VERSION,
      Int32(MemoryLayout<z_stream>.size))
    precondition(started == Z_OK, "zlib refuses only arguments that it does not know, or for lack of memory")
    defer { unsafe deflateEnd(&stream) }
    var input = bytes
    let capacity = Int(unsafe deflateBound(&stream, UInt(bytes.count)))
    return unsafe input.withUnsafeMutableBufferPointer { input in
      unsafe [UInt8](unsafeUninitializedCapacity: capacity) { output, count in
        unsafe stream.next_in = input.baseAddress
        unsafe stream.avail_in = UInt32(clamping: input.count)
        unsafe stream.next_out = output.baseAddress
        unsafe stream.avail_out = UInt32(clamping: capacity)
        let ended = unsafe deflate(&stream, Z_FINISH)
        precondition(ended == Z_STREAM_END, "the bound of zlib holds")
        count = capacity - Int(unsafe stream.avail_out)
      }
    }
  }
}
