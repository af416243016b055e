import ELF

/// The names that an ELF file and its debug file give to file offsets.
struct FileNames: Sendable {
  /// What is known of one offset.
  struct Place: Equatable, Sendable {
    /// The ELF virtual address; the offset itself where no segment holds it.
    let address: UInt64
    /// Mangled; nil where no symbol covers the address.
    var name: String?
    /// What debugging information adds; nil where there is none.
    var debug: DebugPlace?
  }

  private(set) var buildID: String?
  var places: [Place]
  /// Whether the file is a Go program, in which a dot stands between package and function.
  var isGo = false
  /// Why names are missing: predicates whose subject is the file.
  var problems: [String] = []

  /// - Parameters:
  ///   - path: what the target calls the file; only used to find a debug file.
  ///   - budget: what this may cost; what is left out is one of the problems.
  init(
    of offsets: [UInt64], in source: ByteSource, path: String, debugFiles: DebugFiles,
    budget: NamingBudget = NamingBudget()
  ) {
    places = offsets.map { Place(address: $0, name: nil) }
    guard source.hasItsContent else {
      noteChange()
      return
    }
    do throws(ELFError) {
      let file = try ELFFile(source)
      places = offsets.map { Place(address: file.virtualAddress(ofFileOffset: $0) ?? $0, name: nil) }
      buildID = BuildID.find(in: file, sections: [])
      let sections = try file.sections()
      buildID = BuildID.find(in: file, sections: sections)
      if budget.isInterrupted {
        noteInterruption()
      } else {
        try find(in: file, sections, path: path, debugFiles: debugFiles, budget)
      }
    } catch {
      problems.append("\(error); its frames have no names")
    }
    // What was read may be part of the one content and part of the other.
    if !source.hasItsContent {
      places = offsets.map { Place(address: $0, name: nil) }
      (buildID, isGo) = (nil, false)
      noteChange()
    }
  }

  private mutating func noteChange() {
    problems = ["it changed while it was profiled; its frames have no names"]
  }

  private mutating func noteInterruption() {
    problems.append("naming it was ended early; \(unnamed) of \(places.count) places have no names, and none has lines")
  }

  private var unnamed: Int { places.count { $0.name == nil && $0.debug?.function == nil } }

  private mutating func find(
    in file: ELFFile, _ sections: [ELFFile.Section], path: String, debugFiles: DebugFiles, _ budget: NamingBudget
  ) throws(ELFError) {
    let wanted = WantedAddresses(places.map(\.address))
    let named = try file.sectionsByName(sections)
    isGo = GoProgram.isGo(file, named)
    var search = SymbolSearch(wanted, NamingMeter(budget, hasTimeLimit: false))
    let hasFullTable = try addTables(of: file, sections, to: &search)
    let hasDebugInformation = DebugInformation.isThere(named)
    let separate =
      hasFullTable && hasDebugInformation
      ? nil
      : debugFiles.find(
        for: file, named: named, buildID: buildID, path: path, isInterrupted: { budget.isInterrupted })
    var isStripped = !hasFullTable
    if !hasFullTable {
      if let debug = separate {
        isStripped = !(try addTables(of: debug.file, debug.sections, to: &search))
      } else if let packed = named[".gnu_debugdata"] {
        let mini = try MiniDebugInfo.unpack(packed, of: file)
        isStripped = !(try addTables(of: mini, try mini.sections(), to: &search))
      }
    }
    var reach = SymbolReach(file)
    let names = try search.names(&reach)
    if search.isCut { problems.append("its symbols overlap too much; some frames have no names") }
    let linkage = try? ProcedureLinkage(in: file, sections: sections, named: named, debug: separate)
    // Some linkers put symbols of their own making on stubs: mold's `memcpy$plt`.
    let callees = (try? linkage?.callees(ofStubsAt: wanted.sorted)) ?? [:]
    places = places.map { place in
      let name = names[wanted.firstIndex(notBelow: place.address)]
      return Place(address: place.address, name: callees[place.address].map { $0 + "@plt" } ?? name)
    }
    guard !budget.isInterrupted else { return noteInterruption() }
    if let informed = hasDebugInformation ? file : separate?.file {
      let paths = hasDebugInformation ? [path] : [path, separate?.path].compactMap { $0 }
      addDebugInformation(informed, wanted, SplitUnits(of: informed, paths: paths), path: path, budget)
    }
    addGoNames(file, sections, named, budget)
    if isStripped, places.contains(where: { $0.name == nil }) {
      nameColdPart(ofExported: "_PyEval_EvalFrameDefault", of: file)
    }
    if isStripped, places.contains(where: { $0.name == nil }) {
      problems.append("stripped and without a debug file; functions that are not exported have no names")
    }
  }

  /// Names the cold part of a function that much of a program's time may pass in: of CPython's loop, Debian's compilers
  /// have left as little as 844 bytes at the exported symbol.
  private mutating func nameColdPart(ofExported function: String, of file: ELFFile) {
    guard let part = file.coldPart(ofExported: function) else { return }
    for index in places.indices where places[index].name == nil && part.contains(places[index].address) {
      places[index].name = function + ".cold"
    }
  }

  private mutating func addDebugInformation(
    _ file: ELFFile, _ wanted: WantedAddresses, _ split: SplitUnits, path: String, _ budget: NamingBudget
  ) {
    if let obstacle = DebugInformation.obstacle(in: file) {
      problems.append("its debugging information \(obstacle); inlined functions and lines are not shown")
      return
    }
    // What is not even opened costs no time.
    guard budget.left > 0 else {
      problems.append(
        "its debugging information was not read, as that of other files took \(Self.seconds(budget.totalLimit)) of CPU"
          + " time; inlined functions and lines are not shown")
      return
    }
    var meter = NamingMeter(budget, hasTimeLimit: true, work: Self.maximumWork)
    defer { meter.close() }
    guard let information = DebugInformation(file.source) else { return }
    let found = information.places(of: wanted, &meter, split: split)
    for index in places.indices {
      places[index].debug = found.places[wanted.firstIndex(notBelow: places[index].address)]
    }
    let without =
      "\(found.places.count { $0.source == nil }) of \(found.places.count) places have no line or inlined functions"
    switch found.stop {
    case nil: break
    case .interrupted: problems.append("reading its debugging information was ended early; \(without)")
    case .time:
      problems.append(
        "reading its debugging information was given up after"
          + " \(Self.seconds(min(budget.fileLimit, budget.totalLimit))) of CPU time; \(without)")
    case .work: problems.append("its debugging information is too large or overlaps itself; \(without)")
    }
    if let problem = Self.problem(ofMissing: found.missingUnits, path: path) { problems.append(problem) }
    if found.unitsWithoutLines > 0 {
      let units = found.unitsWithoutLines == 1 ? "a compilation unit" : "\(found.unitsWithoutLines) compilation units"
      problems.append(
        "\(units) of it with more than \(DebugInformation.maximumLineProgram >> 20) MiB of lines have none shown")
    }
  }

  /// Entries, ranges and matches: those of a gigabyte of compilers' output.
  private static let maximumWork = 1 << 28

  private static func seconds(_ nanoseconds: UInt64) -> String {
    nanoseconds % 1_000_000_000 == 0 ? "\(nanoseconds / 1_000_000_000) s" : "\(nanoseconds / 1_000_000) ms"
  }

  /// - Returns: whether there is a full symbol table.
  private func addTables(
    of file: ELFFile, _ sections: [ELFFile.Section], to search: inout SymbolSearch
  ) throws(ELFError) -> Bool {
    let full = try SymbolTable(ofType: ELFFile.SectionType.symbols, in: file, sections: sections)
    if let full { try search.add(full, isFull: true) }
    if let dynamic = try SymbolTable(ofType: ELFFile.SectionType.dynamicSymbols, in: file, sections: sections) {
      try search.add(dynamic)
    }
    return full != nil
  }
}
