import CZlib

/// Uncompresses a gzip file (RFC 1952) piece by piece, all of its members.
@safe package final class GzipStream {
  private static let windowBits: Int32 = 15 + 16
  /// What one call hands out at most.
  private static let pieceBytes = 1 << 18

  /// zlib keeps the address of its own state.
  private let stream: UnsafeMutablePointer<z_stream>
  private var input: [UInt8] = []
  private var position = 0
  private var isAtMemberEnd = false
  private var hasEnded = false

  /// Nil where zlib finds no memory.
  package init?() {
    unsafe stream = .allocate(capacity: 1)
    unsafe stream.initialize(to: z_stream())
    let size = Int32(unsafe MemoryLayout<z_stream>.size)
    guard unsafe inflateInit2_(stream, Self.windowBits, ZLIB_VERSION, size) == Z_OK else {
      unsafe stream.deallocate()
      return nil
    }
  }

  deinit {
    unsafe inflateEnd(stream)
    unsafe stream.deallocate()
  }

  /// The next bytes; empty at the end.
  ///
  /// - Parameter source: the next bytes of the file; empty at its end.
  package func next(_ source: () throws -> [UInt8]) throws -> [UInt8] {
    while !hasEnded {
      if position == input.count {
        input = try source()
        position = 0
        if input.isEmpty {
          // A file ends between its members, or it is cut short.
          guard isAtMemberEnd else { throw Gzip.Failure.damaged }
          break
        }
      }
      if isAtMemberEnd {
        // What follows the last member is padding, as gzip(1) has it.
        guard input[position] == 0x1F else { break }
        unsafe inflateReset(stream)
        isAtMemberEnd = false
      }
      let piece = try step()
      if !piece.isEmpty { return piece }
    }
    hasEnded = true
    return []
  }

  /// One call of zlib on what is there.
  private func step() throws -> [UInt8] {
    var status = Z_OK
    let start = position
    let length = min(input.count - start, 1 << 30)
    var used = 0
    let piece = unsafe input.withUnsafeMutableBufferPointer { input in
      unsafe [UInt8](unsafeUninitializedCapacity: Self.pieceBytes) { output, count in
        unsafe stream.pointee.next_in = input.baseAddress.map { unsafe $0 + start }
        unsafe stream.pointee.avail_in = UInt32(length)
        unsafe stream.pointee.next_out = output.baseAddress
        unsafe stream.pointee.avail_out = UInt32(Self.pieceBytes)
        status = unsafe inflate(stream, Z_NO_FLUSH)
        used = unsafe length - Int(stream.pointee.avail_in)
        count = unsafe Self.pieceBytes - Int(stream.pointee.avail_out)
      }
    }
    position += used
    if status == Z_STREAM_END {
      isAtMemberEnd = true
    } else if status != Z_OK || used == 0 && piece.isEmpty {
      throw Gzip.Failure.damaged
    }
    return piece
  }
}
