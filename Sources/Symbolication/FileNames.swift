import ELF

/// The names that an ELF file and its debug file give to file offsets.
struct FileNames: Sendable {
  /// What is known of one offset.
  struct Place: Equatable, Sendable {
    /// The ELF virtual address; the offset itself where no segment holds it.
    let address: UInt64
    /// Mangled; nil where no symbol covers the address.
    let name: String?
    /// What debugging information adds; nil where there is none.
    var debug: DebugPlace?
  }

  private(set) var buildID: String?
  private(set) var places: [Place]
  /// Whether the file is a Go program, in which a dot stands between package and function.
  private(set) var isGo = false
  /// Why names are missing: predicates whose subject is the file.
  private(set) var problems: [String] = []

  /// - Parameter path: what the target calls the file; only used to find a debug file.
  init(of offsets: [UInt64], in source: ByteSource, path: String, debugFiles: DebugFiles) {
    places = offsets.map { Place(address: $0, name: nil) }
    do throws(ELFError) {
      let file = try ELFFile(source)
      places = offsets.map { Place(address: file.virtualAddress(ofFileOffset: $0) ?? $0, name: nil) }
      buildID = BuildID.find(in: file, sections: [])
      let sections = try file.sections()
      buildID = BuildID.find(in: file, sections: sections)
      try find(in: file, sections, path: path, debugFiles: debugFiles)
    } catch {
      problems.append("\(error); its frames have no names")
    }
  }

  private mutating func find(
    in file: ELFFile, _ sections: [ELFFile.Section], path: String, debugFiles: DebugFiles
  ) throws(ELFError) {
    let wanted = WantedAddresses(places.map(\.address))
    let named = try file.sectionsByName(sections)
    isGo = named[".gopclntab"] != nil
    var search = SymbolSearch(wanted)
    let hasFullTable = try addTables(of: file, sections, to: &search)
    let hasDebugInformation = named[".debug_info"] != nil
    let separate =
      hasFullTable && hasDebugInformation
      ? nil : debugFiles.find(for: file, named: named, buildID: buildID, path: path)
    var isStripped = !hasFullTable
    if !hasFullTable {
      if let debug = separate {
        isStripped = !(try addTables(of: debug.file, debug.sections, to: &search))
      } else if let packed = named[".gnu_debugdata"] {
        let mini = try MiniDebugInfo.unpack(packed, of: file)
        isStripped = !(try addTables(of: mini, try mini.sections(), to: &search))
      }
    }
    if search.isCut { problems.append("its symbols overlap too much; some frames have no names") }

    let names = try search.names()
    let linkage = try? ProcedureLinkage(in: file, sections: sections, named: named)
    places = places.map { place in
      let name = names[wanted.firstIndex(notBelow: place.address)]
      guard name == nil, let callee = try? linkage?.callee(ofStubAt: place.address) else {
        return Place(address: place.address, name: name)
      }
      return Place(address: place.address, name: callee + "@plt")
    }
    if let informed = hasDebugInformation ? file : separate?.file { addDebugInformation(informed, wanted) }
    if isStripped, places.contains(where: { $0.name == nil }) {
      problems.append("it is stripped and has no debug file; functions that it does not export have no names")
    }
  }

  private mutating func addDebugInformation(_ file: ELFFile, _ wanted: WantedAddresses) {
    guard DebugInformation.size(in: file) <= DebugInformation.maximumSize else {
      problems.append("its debugging information is too large; inlined functions and lines are not shown")
      return
    }
    guard let information = DebugInformation(file.source) else { return }
    let (found, isCut) = information.places(of: wanted)
    if isCut { problems.append("its debugging information is too large; some inlined functions are not shown") }
    for index in places.indices { places[index].debug = found[wanted.firstIndex(notBelow: places[index].address)] }
  }

  /// - Returns: whether there is a full symbol table.
  private func addTables(
    of file: ELFFile, _ sections: [ELFFile.Section], to search: inout SymbolSearch
  ) throws(ELFError) -> Bool {
    let full = try SymbolTable(ofType: ELFFile.SectionType.symbols, in: file, sections: sections)
    if let full { try search.add(full) }
    if let dynamic = try SymbolTable(ofType: ELFFile.SectionType.dynamicSymbols, in: file, sections: sections) {
      try search.add(dynamic)
    }
    return full != nil
  }
}
