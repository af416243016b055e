import CZlib

/// The format of RFC 1950, by zlib.
package enum Zlib {
  /// Uncompresses bytes whose uncompressed size is known; nil where they are damaged or have another size.
  package static func decompress(_ bytes: ArraySlice<UInt8>, sizeBytes: Int) -> [UInt8]? {
    // The lengths of a call are 32 bits wide in zlib.
    guard sizeBytes > 0, sizeBytes <= Int(UInt32.max), bytes.count <= Int(UInt32.max) else { return nil }
    var stream = unsafe z_stream()
    guard unsafe inflateInit_(&stream, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size)) == Z_OK else { return nil }
    defer { unsafe inflateEnd(&stream) }
    var input = Array(bytes)
    var isWhole = false
    let output = unsafe input.withUnsafeMutableBufferPointer { input in
      unsafe [UInt8](unsafeUninitializedCapacity: sizeBytes) { output, count in
        unsafe stream.next_in = input.baseAddress
        unsafe stream.avail_in = UInt32(input.count)
        unsafe stream.next_out = output.baseAddress
        unsafe stream.avail_out = UInt32(sizeBytes)
        let status = unsafe inflate(&stream, Z_FINISH)
        count = unsafe sizeBytes - Int(stream.avail_out)
        isWhole = status == Z_STREAM_END && count == sizeBytes
      }
    }
    return isWhole ? output : nil
  }
}
