/// The checksum of debug links, that of zlib and of ISO 3309 (polynomial 0xEDB88320, reflected).
package enum CRC32 {
  /// `tables[k][b]` is the checksum of byte `b` followed by `k` zero bytes, which lets eight bytes go in one step.
  private static let tables: [[UInt32]] = {
    var tables = [[UInt32]](repeating: [UInt32](repeating: 0, count: 256), count: 8)
    for byte in 0..<256 {
      var value = UInt32(byte)
      for _ in 0..<8 { value = value & 1 == 1 ? value >> 1 ^ 0xEDB8_8320 : value >> 1 }
      tables[0][byte] = value
    }
    for byte in 0..<256 {
      for table in 1..<8 {
        let previous = tables[table - 1][byte]
        tables[table][byte] = previous >> 8 ^ tables[0][Int(previous & 0xFF)]
      }
    }
    return tables
  }()

  /// Continues a checksum; start with 0.
  package static func update(_ checksum: UInt32, with bytes: [UInt8]) -> UInt32 {
    let tables = tables
    var value = ~checksum
    let whole = bytes.count / 8 * 8
    for position in stride(from: 0, to: whole, by: 8) {
      let low = bytes.integer(at: position, as: UInt32.self) ^ value
      let high = bytes.integer(at: position + 4, as: UInt32.self)
      value =
        tables[7][Int(low & 0xFF)] ^ tables[6][Int(low >> 8 & 0xFF)] ^ tables[5][Int(low >> 16 & 0xFF)]
        ^ tables[4][Int(low >> 24)] ^ tables[3][Int(high & 0xFF)] ^ tables[2][Int(high >> 8 & 0xFF)]
        ^ tables[1][Int(high >> 16 & 0xFF)] ^ tables[0][Int(high >> 24)]
    }
    for byte in bytes[whole...] { value = value >> 8 ^ tables[0][Int(UInt8(truncatingIfNeeded: value) ^ byte)] }
    return ~value
  }
}
