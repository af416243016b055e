import LinuxSystem

extension ELFFile {
  private static let searchChunk = 1 << 20

  /// The ELF virtual address of the first occurrence of bytes in the data of a file, at an address divisible by 8.
  ///
  /// - Parameter limit: how much of each segment is searched, in bytes.
  package func address(ofWords wanted: [UInt8], limit: UInt64) throws(ELFError) -> UInt64? {
    for load in loads where !load.isExecutable {
      let size = Int(min(load.fileSize, limit))
      for start in stride(from: 0, to: size, by: Self.searchChunk) {
        let bytes = try source.prefix(
          at: load.fileOffset &+ UInt64(start), limit: min(Self.searchChunk, size - start))
        guard bytes.contains(bytes: wanted) else { continue }
        let address = load.virtualAddress &+ UInt64(start)
        let first = Int((8 - address % 8) % 8)
        for place in stride(from: first, to: bytes.count, by: 8) where bytes[place...].starts(with: wanted) {
          return address &+ UInt64(place)
        }
      }
    }
    return nil
  }
}
