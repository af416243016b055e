import LinuxSystem

/// Looks up symbols in `.symtab`, or in another table of symbols, one after the other: for a single name in a file that
/// is not large.
package struct LocalSymbols {
  private let file: ELFFile
  private let table: ELFFile.Section
  private let names: [UInt8]

  private static let symbolSize = 24
  private static let maximumNames: UInt64 = 16 << 20
  private static let maximumSize: UInt64 = 64 << 20
  private static let chunkSize = symbolSize << 12

  /// - Returns: nil for a file without such a table, and for one whose names take more than 16 MiB, or its symbols more than 64.
  package init?(_ file: ELFFile, type: UInt32 = ELFFile.SectionType.symbols) throws(ELFError) {
    let sections = try file.sections()
    guard file.isX86With64Bits, let table = sections.first(where: { $0.type == type }), table.size <= Self.maximumSize,
      sections.indices.contains(Int(table.link)), sections[Int(table.link)].size <= Self.maximumNames
    else { return nil }
    let strings = sections[Int(table.link)]
    self.file = file
    self.table = table
    self.names = try file.source.prefix(at: strings.fileOffset, limit: Int(strings.size))
  }

  /// The ELF virtual address of the first symbol with a name that the file defines.
  package func address(of name: String) throws(ELFError) -> UInt64? {
    let wanted = Array(name.utf8) + [0]
    guard names.contains(bytes: wanted) else { return nil }
    var offset: UInt64 = 0
    while offset < table.size {
      let chunk = try file.source.prefix(
        at: table.fileOffset &+ offset, limit: min(Self.chunkSize, Int(clamping: table.size - offset)))
      for entry in stride(from: 0, through: chunk.count - Self.symbolSize, by: Self.symbolSize) {
        let place = Int(chunk.integer(at: entry, as: UInt32.self))
        guard place < names.count, chunk.integer(at: entry + 6, as: UInt16.self) != 0,
          names[place...].starts(with: wanted)
        else { continue }
        return chunk.integer(at: entry + 8)
      }
      guard chunk.count == Self.chunkSize else { return nil }
      offset += UInt64(Self.chunkSize)
    }
    return nil
  }
}
