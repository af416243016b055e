import ELF

/// Names of the stubs through which x86-64 code calls other libraries: `memcpy@plt`.
///
/// The n-th entry of `.plt.sec` (or, after its header entry, of `.plt`) jumps through the slot that the n-th relocation
/// of `.rela.plt` fills (System V ABI, AMD64 supplement, "Procedure Linkage Table").
struct ProcedureLinkage {
  private let file: ELFFile
  private let stubs: [(section: ELFFile.Section, headerEntries: UInt64)]
  private let relocations: ELFFile.Section
  private let symbols: SymbolTable

  private static let stubSize: UInt64 = 16
  private static let relocationSize: UInt64 = 24

  init?(in file: ELFFile, sections: [ELFFile.Section], named: [String: ELFFile.Section]) throws(ELFError) {
    guard file.machine == ELFFile.Machine.x86, let relocations = named[".rela.plt"],
      relocations.type == ELFFile.SectionType.relocations,
      let symbols = try SymbolTable(ofType: ELFFile.SectionType.dynamicSymbols, in: file, sections: sections)
    else { return nil }
    self.file = file
    self.stubs = [(".plt.sec", 0), (".plt", 1)].compactMap { name, headerEntries in
      named[name].map { ($0, UInt64(headerEntries)) }
    }
    self.relocations = relocations
    self.symbols = symbols
  }

  /// The mangled name of the function that the stub at a virtual address calls; nil where there is no such stub.
  func callee(ofStubAt address: UInt64) throws(ELFError) -> String? {
    guard let (section, headerEntries) = stubs.first(where: { $0.section.contains(address) }) else { return nil }
    let entry = (address - section.virtualAddress) / Self.stubSize
    guard entry >= headerEntries, entry - headerEntries < relocations.size / Self.relocationSize else { return nil }
    let (offset, overflow) = relocations.fileOffset.addingReportingOverflow(
      (entry - headerEntries) * Self.relocationSize)
    guard !overflow else { throw ELFError.truncated(.relocations) }
    let bytes = try file.source.bytes(
      at: offset, count: Self.relocationSize, of: .relocations, limit: Int(Self.relocationSize))
    // Symbol 0 is none: the relocation of an IFUNC of the file itself (R_X86_64_IRELATIVE).
    let symbol = bytes.integer(at: 8, as: UInt64.self) >> 32
    return symbol == 0 ? nil : try symbols.name(ofEntry: symbol)
  }
}
