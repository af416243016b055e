import ELF

/// Names of the stubs through which x86-64 code calls other libraries: `memcpy@plt`.
///
/// A stub is named by the slot of the global offset table that it reads, and the slot by the relocation that fills it:
/// linkers order their stubs as they like.
struct ProcedureLinkage {
  private let file: ELFFile
  private let sections: [ELFFile.Section]
  /// The sections with stubs.
  private let linkage: [ELFFile.Section]
  /// `.rela.plt`, by whose indices stubs ask for their function.
  private let relocations: ELFFile.Section?
  /// Where functions are found whose address is chosen when the program starts.
  private let tables: [SymbolTable]

  /// What a relocation puts into a slot.
  private enum Filling {
    case symbol(UInt64)
    /// The address that a function at this address chooses.
    case chosen(by: UInt64)
  }

  /// An `Elf64_Rela` that fills a slot.
  private struct Relocation {
    let slot: UInt64
    let filling: Filling?

    static let size = 24

    /// The types that fill a slot with the address of a function (System V ABI, AMD64 supplement, table 4.10).
    private enum Kind {
      static let direct: UInt64 = 1
      static let globalData: UInt64 = 6
      static let jumpSlot: UInt64 = 7
      static let indirect: UInt64 = 37
    }

    init(_ bytes: [UInt8], at position: Int) {
      slot = bytes.integer(at: position)
      let information = bytes.integer(at: position + 8, as: UInt64.self)
      filling =
        switch (information & 0xFFFF_FFFF, information >> 32) {
        case (Kind.indirect, _): .chosen(by: bytes.integer(at: position + 16))
        case (_, 0): nil
        case (Kind.direct, let symbol), (Kind.globalData, let symbol), (Kind.jumpSlot, let symbol): .symbol(symbol)
        default: nil
        }
    }
  }

  private static let chunkSize = 2_730 * Relocation.size
  /// Forty million of them; the largest programs known have a million.
  private static let maximumRelocations: UInt64 = 1 << 30
  private static let allocated: UInt64 = 2

  /// - Parameter debug: the separate debug file, which may know functions that the file itself does not name.
  init?(
    in file: ELFFile, sections: [ELFFile.Section], named: [String: ELFFile.Section], debug: DebugFiles.DebugFile?
  ) throws(ELFError) {
    guard file.isX86With64Bits else { return nil }
    linkage = LinkageStubs.sectionNames.compactMap { named[$0] }
    guard !linkage.isEmpty else { return nil }
    self.file = file
    self.sections = sections
    relocations = named[".rela.plt"]
    var tables: [SymbolTable] = []
    for type in [ELFFile.SectionType.dynamicSymbols, ELFFile.SectionType.symbols] {
      if let table = try SymbolTable(ofType: type, in: file, sections: sections) { tables.append(table) }
    }
    if let debug,
      let table = try? SymbolTable(
        ofType: ELFFile.SectionType.symbols, in: debug.file, sections: debug.sections)
    {
      tables.append(table)
    }
    self.tables = tables
  }

  /// The mangled names of the functions that stubs call, by the addresses that lie in the stubs.
  ///
  /// - Complexity: one pass over the relocations, where any of the addresses lies in a stub.
  func callees(ofStubsAt addresses: [UInt64]) throws(ELFError) -> [UInt64: String] {
    let slots = try slots(readAt: addresses)
    guard !slots.isEmpty else { return [:] }
    let fillings = try fillings(of: Set(slots.values))
    let chosen = try chosenFunctions(
      by: Set(fillings.values.compactMap { if case .chosen(let address) = $0 { address } else { nil } }))
    let symbols = try SymbolTable(ofType: ELFFile.SectionType.dynamicSymbols, in: file, sections: sections)
    var names: [UInt64: String] = [:]
    for (address, slot) in slots {
      switch fillings[slot] {
      case .symbol(let index): names[address] = try symbols?.name(ofEntry: index)
      case .chosen(let chooser): names[address] = chosen[chooser]
      case nil: break
      }
    }
    return names
  }

  /// The slot that each stub reads, by the addresses that lie in the stubs.
  private func slots(readAt addresses: [UInt64]) throws(ELFError) -> [UInt64: UInt64] {
    var slots: [UInt64: UInt64] = [:]
    for section in linkage {
      let inside = addresses.filter(section.contains)
      guard !inside.isEmpty, let stubs = try LinkageStubs(section, of: file) else { continue }
      for address in inside {
        switch stubs.callee(ofStubAt: address) {
        case .slot(let slot): slots[address] = slot
        case .relocation(let index): slots[address] = try relocation(at: index)?.slot
        case nil: break
        }
      }
    }
    return slots
  }

  private func relocation(at index: UInt32) throws(ELFError) -> Relocation? {
    guard let relocations, UInt64(index) < relocations.size / UInt64(Relocation.size) else { return nil }
    let (offset, overflow) = relocations.fileOffset.addingReportingOverflow(UInt64(index) * UInt64(Relocation.size))
    guard !overflow else { throw ELFError.truncated(.relocations) }
    let bytes = try file.source.bytes(
      at: offset, count: UInt64(Relocation.size), of: .relocations, limit: Relocation.size)
    return Relocation(bytes, at: 0)
  }

  /// What fills some slots.
  private func fillings(of wanted: Set<UInt64>) throws(ELFError) -> [UInt64: Filling] {
    var found: [UInt64: Filling] = [:]
    var left = Self.maximumRelocations
    for section in sections where section.type == ELFFile.SectionType.relocations && section.flags & Self.allocated != 0
    {
      let (end, overflow) = section.fileOffset.addingReportingOverflow(min(section.size, left))
      guard !overflow else { throw ELFError.truncated(.relocations) }
      left -= min(section.size, left)
      var offset = section.fileOffset
      while offset < end, found.count < wanted.count {
        let chunk = try file.source.prefix(at: offset, limit: Int(min(UInt64(Self.chunkSize), end - offset)))
        guard chunk.count >= Relocation.size else { break }
        for position in stride(from: 0, through: chunk.count - Relocation.size, by: Relocation.size)
        where wanted.contains(chunk.integer(at: position)) {
          let relocation = Relocation(chunk, at: position)
          if let filling = relocation.filling { found[relocation.slot] = filling }
        }
        offset += UInt64(Self.chunkSize)
      }
    }
    return found
  }

  /// The functions whose address is chosen when the program starts, by the addresses of those that choose.
  private func chosenFunctions(by choosers: Set<UInt64>) throws(ELFError) -> [UInt64: String] {
    guard !choosers.isEmpty else { return [:] }
    let indirectFunction: UInt8 = 10
    var names: [UInt64: String] = [:]
    for table in tables {
      var entries: [(address: UInt64, name: UInt32)] = []
      try table.visitEntries { entry in
        if entry.type == indirectFunction, choosers.contains(entry.value), entries.count < Self.maximumAliases {
          entries.append((entry.value, entry.nameOffset))
        }
        return true
      }
      for entry in entries {
        guard let name = try table.name(at: entry.name) else { continue }
        if let known = names[entry.address], !NamePreference.isBetter(name, than: known) { continue }
        names[entry.address] = name
      }
    }
    return names
  }

  /// Of all functions that are chosen; a C library has some hundred.
  private static let maximumAliases = 1 << 16
}
