import Glibc
package import LinuxSystem

/// Bytes that are read by offset.
///
/// Files are read by `pread`, never mapped: a target may truncate its file while it is read, which would be a SIGBUS.
package enum ByteSource {
  case file(OpenFile, size: Int)
  case memory([UInt8])

  package init(_ file: OpenFile) throws(ELFError) {
    do throws(Errno) {
      let status = try file.status()
      self = .file(file, size: Int(status.st_size))
    } catch {
      throw ELFError.unreadable(error)
    }
  }

  package var size: Int {
    switch self {
    case .file(_, let size): size
    case .memory(let bytes): bytes.count
    }
  }

  /// Whether a mapped file has the content that it had when it was opened; true for anything else.
  package var hasItsContent: Bool {
    switch self {
    case .file(let file, _): file.hasItsContent
    case .memory: true
    }
  }

  /// Files up to this size may be empty as far as the disk is concerned.
  private static let smallSize = 64 << 20
  /// File systems that compress do not come near this.
  private static let maximumHoleRatio = 64

  /// Whether a large file has next to nothing on its disk: anyone can make such a file of any size.
  ///
  /// File systems that tell of no blocks at all are believed.
  var isMostlyHole: Bool {
    guard size > Self.smallSize, case .file(let file, _) = self, let status = try? file.status() else { return false }
    let blocks = Int(status.st_blocks)
    return blocks > 0 && blocks < size / 512 / Self.maximumHoleRatio
  }

  /// Reads at most `limit` bytes; fewer where the source ends.
  package func prefix(at offset: UInt64, limit: Int) throws(ELFError) -> [UInt8] {
    guard offset < UInt64(clamping: size) else { return [] }
    let start = Int(offset)
    let count = min(limit, size - start)
    switch self {
    case .memory(let bytes):
      return Array(bytes[start..<start + count])
    case .file(let file, _):
      do throws(Errno) { return try file.read(from: start, limit: count, chunkSize: count) } catch {
        throw ELFError.unreadable(error)
      }
    }
  }

  /// Reads exactly `count` bytes.
  package func bytes(at offset: UInt64, count: UInt64, of part: ELFError.Part, limit: Int) throws(ELFError) -> [UInt8] {
    guard count <= UInt64(limit) else { throw ELFError.tooLarge(part) }
    let bytes = try prefix(at: offset, limit: Int(count))
    guard bytes.count == Int(count) else { throw ELFError.truncated(part) }
    return bytes
  }
}

extension [UInt8] {
  /// A little-endian integer; traps outside the array, so check bounds first.
  package func integer<Value: FixedWidthInteger & BitwiseCopyable>(at offset: Int, as type: Value.Type = Value.self)
    -> Value
  {
    Value(littleEndian: unsafe span.bytes.unsafeLoadUnaligned(fromByteOffset: offset, as: type))
  }

  /// A little-endian number of 4 or 8 bytes; traps outside the array.
  package func word(at offset: Int, size: Int) -> UInt64 {
    size == 4 ? UInt64(integer(at: offset, as: UInt32.self)) : integer(at: offset)
  }

  /// The bytes up to the first zero byte.
  package func cString(from start: Int) -> ArraySlice<UInt8> {
    guard start < count else { return [] }
    return self[start...].prefix { $0 != 0 }
  }
}
