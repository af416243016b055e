import ELF

/// The search for the function table of a Go program, which stays in it when it is stripped.
struct GoProgram {
  private let file: ELFFile
  private let sections: [ELFFile.Section]
  private let named: [String: ELFFile.Section]
  private let words: LoadedWords

  /// Where linkers put the table; in position-independent programs it holds pointers that the loader fills in.
  private static let tableSections = [".gopclntab", ".data.rel.ro.gopclntab"]
  private static let markSections = [".go.buildinfo", ".note.go.buildid"]
  private static let maximumModules = 8

  /// Whether a file says that it is a Go program.
  static func isGo(_ file: ELFFile, _ named: [String: ELFFile.Section]) -> Bool {
    if (tableSections + markSections).contains(where: { named[$0] != nil }) { return true }
    return file.notes.prefix(maximumModules).contains { note in
      // The size of the name, of the description, the type, then the name.
      guard let bytes = try? file.source.prefix(at: note.fileOffset, limit: 16), bytes.count == 16 else { return false }
      return bytes.integer(at: 0, as: UInt32.self) == 4 && Array(bytes[12...]) == Array("Go\0\0".utf8)
    }
  }

  /// The function table of a file; nil for one that is no Go program, or has none that makes sense.
  static func table(
    of file: ELFFile, _ sections: [ELFFile.Section], _ named: [String: ELFFile.Section], _ meter: inout NamingMeter
  ) -> GoFunctionTable? {
    // A file without section headers may be one, too.
    guard sections.isEmpty || isGo(file, named) else { return nil }
    return GoProgram(file: file, sections: sections, named: named, words: LoadedWords(file, sections)).table(&meter)
  }

  private struct Place {
    let offset: UInt64
    let address: UInt64
    let size: UInt64
    let header: GoTableHeader
  }

  private func table(_ meter: inout NamingMeter) -> GoFunctionTable? {
    for name in Self.tableSections {
      guard let section = named[name], section.type == 1,
        let place = place(at: section.fileOffset, address: section.virtualAddress, size: section.size)
      else { continue }
      return table(at: place, &meter)
    }
    var found: GoFunctionTable?
    for load in file.loads where !load.isExecutable && found == nil {
      var offsets: [UInt64] = []
      WordScan.visit(file.source, load.fileOffset, size: load.fileSize, &meter) { word, offset in
        if GoTableHeader.isMagic(word) { offsets.append(offset) }
        return offsets.count < Self.maximumModules
      }
      for offset in offsets where found == nil {
        guard
          let place = place(
            at: load.fileOffset &+ offset, address: load.virtualAddress &+ offset, size: load.fileSize - offset)
        else { continue }
        found = table(at: place, &meter)
      }
    }
    return found
  }

  private func place(at offset: UInt64, address: UInt64, size: UInt64) -> Place? {
    guard let bytes = try? file.source.prefix(at: offset, limit: GoTableHeader.size),
      let header = GoTableHeader(bytes, tableSize: size)
    else { return nil }
    return Place(offset: offset, address: address, size: size, header: header)
  }

  private func table(at place: Place, _ meter: inout NamingMeter) -> GoFunctionTable? {
    let bytes = PagedBytes(file.source, start: place.offset, size: place.size)
    func table(_ textStart: UInt64, _ data: UInt64?) -> GoFunctionTable? {
      let functionData = data.flatMap(file.fileRange).map {
        PagedBytes(file.source, start: $0.offset, size: $0.size)
      }
      var table = GoFunctionTable(place.header, bytes, textStart: textStart, functionData: functionData)
      guard let code = table.codeRange(), isCode(code) else { return nil }
      return table
    }
    guard place.header.isRelative else { return table(0, nil) }
    if let module = module(of: place, &meter), let found = table(module.text, module.functionData) { return found }
    let stated =
      words.words(at: place.address &+ GoTableHeader.textStartOffset, count: 1, &meter)?[0] ?? place.header.textStart
    if stated != 0 { return table(stated, named[".go.func"]?.virtualAddress) }
    // Go 1.26 leaves it open. Without C code the functions are all of the text, and the program starts at one of them.
    guard let text = named[".text"], var found = table(text.virtualAddress, named[".go.func"]?.virtualAddress),
      let entry = entryPoint, let start = found.place(of: entry, &meter),
      start.function?.hasPrefix("_rt0_") ?? false
    else { return nil }
    return found
  }

  /// Whether all of a range is code of the file.
  private func isCode(_ range: Range<UInt64>) -> Bool {
    file.loads.contains {
      $0.isExecutable && range.lowerBound >= $0.virtualAddress
        && range.upperBound - $0.virtualAddress <= $0.fileSize
    }
  }

  /// `e_entry` of elf(5).
  private var entryPoint: UInt64? {
    guard let bytes = try? file.source.prefix(at: 24, limit: 8), bytes.count == 8 else { return nil }
    return bytes.integer(at: 0)
  }

  // MARK: - The module

  /// Words of `moduledata` in src/runtime/symtab.go, by their place; its begin has not changed since Go 1.18.
  private enum ModuleWord {
    static let table = 0
    static let names = 1
    static let pcTables = 10
    static let lowestCode = 20
    static let text = 22
    static let count = 48
    /// `gofunc`: behind `rodata`, which Go 1.20 moved by two words.
    static let functionData18 = 38
    static let functionData20 = 40
  }

  /// What the runtime knows of the module that a table belongs to: where its code begins, and the data of functions.
  private func module(of place: Place, _ meter: inout NamingMeter) -> (text: UInt64, functionData: UInt64?)? {
    for address in words.places(of: place.address, in: moduleRanges, &meter).prefix(Self.maximumModules) {
      guard let module = words.words(at: address, count: ModuleWord.count, &meter),
        module[ModuleWord.table] == place.address,
        module[ModuleWord.names] == place.address &+ place.header.names,
        module[ModuleWord.pcTables] == place.address &+ place.header.pcTables,
        module[ModuleWord.text] != 0, module[ModuleWord.text] <= module[ModuleWord.lowestCode]
      else { continue }
      let word = place.header.format == .go1_18 ? ModuleWord.functionData18 : ModuleWord.functionData20
      let data = named[".go.func"]?.virtualAddress ?? module[word]
      return (module[ModuleWord.text], data)
    }
    return nil
  }

  /// Where the runtime's description of the module is: in data that the program may write to.
  private var moduleRanges: [ELFFile.Segment] {
    let ranges = [".go.module", ".noptrdata", ".data", ".data.rel.ro"].compactMap { named[$0] }.filter { $0.type == 1 }
      .map {
        ELFFile.Segment(fileOffset: $0.fileOffset, virtualAddress: $0.virtualAddress, fileSize: $0.size)
      }
    return ranges.isEmpty ? file.loads.filter { !$0.isExecutable } : ranges
  }
}
