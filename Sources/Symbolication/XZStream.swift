/// The framing of .xz data (The .xz File Format 1.2.1, and the LZMA2 chunk headers), without decompression.
enum XZStream {
  /// The size that the data has when unpacked; nil for what is not one whole .xz stream of LZMA2 blocks.
  ///
  /// The index at the end of the stream also tells a size, but the decoder compares it with the truth only after it has
  /// unpacked everything. The chunk headers bind the decoder while it works.
  static func unpackedSize(of bytes: [UInt8]) -> UInt64? {
    guard bytes.count >= 12, bytes.starts(with: [0xFD, 0x37, 0x7A, 0x58, 0x5A, 0x00]) else { return nil }
    let checkSize = checkSizes[Int(bytes[7] & 15)]
    var position = 12
    var total: UInt64 = 0
    // A block starts with its header's size in units of 4 bytes, less one; 0 starts the index.
    while position < bytes.count, bytes[position] != 0 {
      let start = position
      position += (Int(bytes[position]) + 1) * 4
      guard let size = chunks(bytes, &position) else { return nil }
      total += size
      position = start + (position - start + 3) & ~3
      position += checkSize
    }
    return position < bytes.count ? total : nil
  }

  /// The size of the check that follows a block, by the type in the stream header.
  private static let checkSizes = [0, 4, 4, 4, 8, 8, 8, 16, 16, 16, 32, 32, 32, 64, 64, 64]

  /// Walks the LZMA2 chunks of a block up to their end marker.
  private static func chunks(_ bytes: [UInt8], _ position: inout Int) -> UInt64? {
    var total: UInt64 = 0
    while position < bytes.count {
      let control = bytes[position]
      if control == 0 {
        position += 1
        return total
      }
      guard position + 6 <= bytes.count else { return nil }
      let size = Int(bytes[position + 1]) << 8 | Int(bytes[position + 2])
      switch control {
      case 1, 2:
        total += UInt64(size + 1)
        position += 3 + size + 1
      case 0x80...:
        total += UInt64(Int(control & 31) << 16 | size) + 1
        let packed = (Int(bytes[position + 3]) << 8 | Int(bytes[position + 4])) + 1
        position += (control >= 0xC0 ? 6 : 5) + packed
      default:
        return nil
      }
    }
    return nil
  }
}
