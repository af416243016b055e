import Compression

extension ELFFile {
  private enum Packing {
    /// `ELFCOMPRESS_ZLIB` (elf(5) and the generic ABI, "Section Compression").
    static let zlib: UInt32 = 1
  }

  /// The bytes of a section, unpacked where they are packed.
  ///
  /// - Parameters:
  ///   - isOldStyle: whether the section's name begins with `.zdebug`: `ZLIB`, the size in 8 bytes, big-endian, then the
  ///     data.
  ///   - limit: on the size of the unpacked bytes.
  package func contents(
    of section: Section, isOldStyle: Bool, _ part: ELFError.Part, limit: Int
  ) throws(ELFError) -> [UInt8] {
    let bytes = try source.bytes(at: section.fileOffset, count: section.size, of: part, limit: limit)
    let size: UInt64
    let start: Int
    if isOldStyle {
      start = 12
      guard bytes.count >= start, bytes.starts(with: "ZLIB".utf8) else { throw ELFError.malformed(part) }
      size = bytes.integer(at: 4, as: UInt64.self).byteSwapped
    } else if section.isPacked {
      start = 3 * wordSize
      guard bytes.count >= start else { throw ELFError.truncated(part) }
      guard bytes.integer(at: 0, as: UInt32.self) == Packing.zlib else { throw ELFError.packed(part) }
      size = bytes.word(at: wordSize, size: wordSize)
    } else {
      return bytes
    }
    guard size <= UInt64(limit) else { throw ELFError.tooLarge(part) }
    guard let unpacked = Zlib.decompress(bytes[start...], sizeBytes: Int(size)) else { throw ELFError.malformed(part) }
    return unpacked
  }
}
