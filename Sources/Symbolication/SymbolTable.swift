import ELF

/// A symbol table of an ELF file (`.symtab` or `.dynsym`) and where its names are.
struct SymbolTable {
  /// One entry (Elf32_Sym or Elf64_Sym).
  struct Entry {
    let nameOffset: UInt32
    let type: UInt8
    let binding: UInt8
    let section: UInt16
    let value: UInt64
    let size: UInt64
  }

  let file: ELFFile
  let sections: [ELFFile.Section]
  private let table: ELFFile.Section
  private let names: ELFFile.Section

  /// Of one entry, in bytes.
  private let entrySize: Int
  /// Eleven million symbols; the largest programs known have a few million.
  private static let maximumSize = 256 << 20
  private static let maximumNameSize = 1 << 16
  private static let chunkEntries = 2_730

  /// Finds the first table of a kind; nil when there is none.
  init?(ofType type: UInt32, in file: ELFFile, sections: [ELFFile.Section]) throws(ELFError) {
    guard let table = sections.first(where: { $0.type == type && $0.size > 0 }) else { return nil }
    let entrySize = file.wordSize == 4 ? 16 : 24
    guard table.entrySize == UInt64(entrySize), Int(table.link) < sections.count,
      sections[Int(table.link)].type == ELFFile.SectionType.strings
    else { throw ELFError.malformed(.symbols) }
    guard table.size <= UInt64(Self.maximumSize) else { throw ELFError.tooLarge(.symbols) }
    let (end, overflow) = table.fileOffset.addingReportingOverflow(table.size)
    guard !overflow, end <= UInt64(file.source.size) else { throw ELFError.truncated(.symbols) }
    self.file = file
    self.entrySize = entrySize
    self.sections = sections
    self.table = table
    self.names = sections[Int(table.link)]
  }

  /// Calls `body` with each entry in the order of the file, reading a small piece at a time, until it returns false.
  func visitEntries(_ body: (Entry) -> Bool) throws(ELFError) {
    let end = table.fileOffset + table.size / UInt64(entrySize) * UInt64(entrySize)
    let chunkSize = Self.chunkEntries * entrySize
    var offset = table.fileOffset
    while offset < end {
      let size = min(UInt64(chunkSize), end - offset)
      let chunk = try file.source.bytes(at: offset, count: size, of: .symbols, limit: chunkSize)
      for position in stride(from: 0, to: chunk.count, by: entrySize) {
        guard body(entry(chunk, at: position)) else { return }
      }
      offset += size
    }
  }

  /// The name of the entry at an index, or nil for an index outside the table.
  func name(ofEntry index: UInt64) throws(ELFError) -> String? {
    guard index < table.size / UInt64(entrySize) else { return nil }
    let bytes = try file.source.bytes(
      at: table.fileOffset + index * UInt64(entrySize), count: UInt64(entrySize), of: .symbols, limit: entrySize)
    return try name(at: entry(bytes, at: 0).nameOffset)
  }

  /// The name at an offset of the name table, without a symbol version; nil for an empty one.
  func name(at offset: UInt32) throws(ELFError) -> String? {
    guard UInt64(offset) < names.size else { throw ELFError.malformed(.symbolNames) }
    let (start, overflow) = names.fileOffset.addingReportingOverflow(UInt64(offset))
    guard !overflow else { throw ELFError.truncated(.symbolNames) }
    // Most names are short; the rest is read only for those that are not.
    for limit in [256, Self.maximumNameSize] {
      let wanted = Int(min(UInt64(limit), names.size - UInt64(offset)))
      let bytes = try file.source.prefix(at: start, limit: wanted)
      let name = bytes.prefix { $0 != 0 }
      if name.count == bytes.count, limit < Self.maximumNameSize { continue }
      // glibc's own table has `memcpy@@GLIBC_2.14`. A name that starts with the sign is left alone.
      let base = name.firstIndex(of: UInt8(ascii: "@")).map { $0 > 0 ? name[..<$0] : name } ?? name
      return base.isEmpty ? nil : String(decoding: base, as: UTF8.self)
    }
    return nil
  }

  private func entry(_ bytes: [UInt8], at position: Int) -> Entry {
    if file.wordSize == 4 {
      let information = bytes[position + 12]
      return Entry(
        nameOffset: bytes.integer(at: position), type: information & 15, binding: information >> 4,
        section: bytes.integer(at: position + 14), value: bytes.word(at: position + 4, size: 4),
        size: bytes.word(at: position + 8, size: 4))
    }
    let information = bytes[position + 4]
    return Entry(
      nameOffset: bytes.integer(at: position), type: information & 15, binding: information >> 4,
      section: bytes.integer(at: position + 6), value: bytes.integer(at: position + 8),
      size: bytes.integer(at: position + 16))
  }
}
