import CElfutils
import ELF
import Glibc
import ProfileModel

/// Walks the trees of compilation units and notes, for each wanted address, the functions around it.
@unsafe struct InlineSearch {
  private let addresses: WantedAddresses
  private(set) var places: [DebugPlace]
  /// Whether something was left out because no honest file has so much of it.
  private(set) var isCut = false
  /// Units whose lines were not read.
  private(set) var unitsWithoutLines = 0
  private var sourceFiles: (files: OpaquePointer, count: Int)?

  /// Deeper trees, and longer chains of inlined functions, are not those of programs.
  private let maximumDepth = 256
  private static let maximumText = 4096

  private enum Tag {
    static let classType: Int32 = 0x02
    static let lexicalBlock: Int32 = 0x0B
    static let structureType: Int32 = 0x13
    static let unionType: Int32 = 0x17
    static let inlinedSubroutine: Int32 = 0x1D
    static let module: Int32 = 0x1E
    static let catchBlock: Int32 = 0x25
    static let subprogram: Int32 = 0x2E
    static let tryBlock: Int32 = 0x32
    static let namespace: Int32 = 0x39
  }

  private enum Attribute {
    static let sibling: UInt32 = 0x01
    static let callFile: UInt32 = 0x58
    static let callLine: UInt32 = 0x59
    static let linkageName: UInt32 = 0x6E
    /// What compilers wrote before DWARF 4.
    static let oldLinkageName: UInt32 = 0x2007
  }

  /// - Parameter addresses: ELF virtual addresses.
  init(_ addresses: WantedAddresses) {
    unsafe self.addresses = addresses
    unsafe self.places = addresses.sorted.map { _ in DebugPlace() }
    unsafe self.sourceFiles = nil
  }

  /// - Parameter withLines: whether lines and files are looked up, for which libdw reads the whole line program.
  mutating func visitUnit(
    _ unit: inout Dwarf_Die, _ dwarf: OpaquePointer, withLines: Bool, _ meter: inout NamingMeter
  ) {
    let hits = unsafe hits(of: &unit, &meter)
    guard !hits.isEmpty, let end = unsafe Self.end(of: &unit, dwarf) else { return }
    unsafe readFiles(of: &unit, withLines: withLines)
    unsafe visitEntries(of: &unit, end: end, &meter)
    for hit in hits where withLines && meter.spend() {
      unsafe places[hit].source = unsafe line(of: addresses.sorted[hit], in: &unit)
    }
  }

  /// Visits a unit whose entries are elsewhere, or are missing; the ranges and lines are the skeleton's.
  mutating func visitSkeleton(
    _ skeleton: inout Dwarf_Die, _ dwarf: OpaquePointer, split: SplitImage?, withLines: Bool, _ meter: inout NamingMeter
  ) {
    var unit = unsafe Dwarf_Die()
    if let split, unsafe split.unit(&unit), let end = unsafe Self.end(of: &unit, split.dwarf) {
      let hits = unsafe hits(of: &skeleton, &meter)
      unsafe readFiles(of: &skeleton, withLines: withLines)
      unsafe visitEntries(of: &unit, end: end, &meter)
      for hit in hits where withLines && meter.spend() {
        unsafe places[hit].source = unsafe line(of: addresses.sorted[hit], in: &skeleton)
      }
      return
    }
    // Some skeletons have functions themselves. Elsewhere, a line may be that of an inlined function.
    unsafe visitUnit(&skeleton, dwarf, withLines: withLines, &meter)
    for hit in unsafe hits(of: &skeleton, &meter) where unsafe places[hit].function == nil {
      unsafe places[hit].source = nil
    }
  }

  private mutating func readFiles(of unit: inout Dwarf_Die, withLines: Bool) {
    var files: OpaquePointer?
    var count = 0
    unsafe sourceFiles = nil
    if !withLines { unsafe unitsWithoutLines += 1 }
    if withLines, unsafe dwarf_getsrcfiles(&unit, &files, &count) == 0, let files = unsafe files {
      unsafe sourceFiles = (files, count)
    }
  }

  /// The end of a unit's entries.
  private static func end(of unit: inout Dwarf_Die, _ dwarf: OpaquePointer) -> UnsafeRawPointer? {
    let offset = unsafe dwarf_dieoffset(&unit)
    var next: Dwarf_Off = 0
    var headerSize = 0
    guard let start = unsafe unit.addr,
      unsafe dwarf_nextcu(dwarf, offset - dwarf_cuoffset(&unit), &next, &headerSize, nil, nil, nil) == 0, next > offset
    else { return nil }
    return unsafe UnsafeRawPointer(start) + Int(next - offset)
  }

  /// Visits the entries of a unit in the order of the file, each once.
  ///
  /// `dwarf_siblingof` walks over all descendants of an entry that does not say where its sibling is: this is asked of
  /// entries without descendants, and of those that say it.
  private mutating func visitEntries(
    of unit: inout Dwarf_Die, end: UnsafeRawPointer, _ meter: inout NamingMeter
  ) {
    var die = unsafe Dwarf_Die()
    guard unsafe dwarf_child(&unit, &die) == 0 else { return }
    var depth = 0
    /// The depth from which on entries are only walked over.
    var passedFrom: Int?
    while meter.spend() {
      let isWanted = passedFrom == nil ? unsafe visit(&die, depth: depth, &meter) : false
      var next = unsafe Dwarf_Die()
      if unsafe isWanted || dwarf_hasattr(&die, Attribute.sibling) == 0, unsafe dwarf_child(&die, &next) == 0 {
        depth += 1
        if !isWanted { passedFrom = passedFrom ?? depth }
        unsafe die = next
        continue
      }
      switch unsafe dwarf_siblingof(&die, &next) {
      case 0: unsafe die = next
      case 1:
        // The zero that ends the children of a parent, which has its own sibling behind it.
        guard var place = unsafe next.addr.map({ unsafe UnsafeMutableRawPointer($0) }) else { return }
        repeat {
          unsafe place += 1
          depth -= 1
          guard depth >= 0, unsafe UnsafeRawPointer(place) < end else { return }
        } while unsafe place.load(as: UInt8.self) == 0
        if let from = passedFrom, depth < from { passedFrom = nil }
        unsafe next.addr = place
        unsafe next.cu = die.cu
        unsafe next.abbrev = nil
        unsafe die = next
      default: return
      }
    }
  }

  /// - Returns: whether the entry's children are of interest.
  private mutating func visit(_ die: inout Dwarf_Die, depth: Int, _ meter: inout NamingMeter) -> Bool {
    guard unsafe depth < maximumDepth else {
      unsafe isCut = true
      return false
    }
    switch unsafe dwarf_tag(&die) {
    case Tag.subprogram:
      let hits = unsafe hits(of: &die, &meter)
      if !hits.isEmpty {
        let name = unsafe Self.name(of: &die)
        for hit in hits { unsafe places[hit] = DebugPlace(function: name) }
      }
      // Functions within functions need not lie within them.
      return true
    case Tag.inlinedSubroutine:
      let hits = unsafe hits(of: &die, &meter)
      guard !hits.isEmpty else { return false }
      if let name = unsafe Self.name(of: &die) {
        let inlined = DebugPlace.Inlined(name: name, call: unsafe call(of: &die))
        for hit in hits {
          if unsafe places[hit].inlined.count < maximumDepth {
            unsafe places[hit].inlined.append(inlined)
          } else {
            unsafe isCut = true
          }
        }
      }
      return true
    case Tag.lexicalBlock, Tag.tryBlock, Tag.catchBlock, Tag.namespace, Tag.module, Tag.classType, Tag.structureType,
      Tag.unionType:
      return true
    default: return false
    }
  }

  /// The wanted addresses within an entry's code, as indices, each once.
  func hits(of die: inout Dwarf_Die, _ meter: inout NamingMeter) -> [Int] {
    var hits: [Int] = []
    var ranges = 0
    unsafe DebugInformation.visitRanges(&die) { range in
      let found =
        unsafe addresses.firstIndex(notBelow: range.lowerBound)..<addresses.firstIndex(notBelow: range.upperBound)
      guard meter.spend(1 + found.count) else { return false }
      ranges += 1
      hits += found
      return true
    }
    // Ranges may overlap.
    return ranges > 1 && hits.count > 1 ? Set(hits).sorted() : hits
  }

  private static func name(of die: inout Dwarf_Die) -> String? {
    var attribute = unsafe Dwarf_Attribute()
    for number in [Attribute.linkageName, Attribute.oldLinkageName] {
      guard let found = unsafe dwarf_attr_integrate(&die, number, &attribute) else { continue }
      if let text = unsafe text(dwarf_formstring(found)) { return text }
    }
    return unsafe text(dwarf_diename(&die))
  }

  private func call(of die: inout Dwarf_Die) -> SourceLocation? {
    var attribute = unsafe Dwarf_Attribute()
    var file: UInt64 = 0
    var line: UInt64 = 0
    guard let sourceFiles = unsafe sourceFiles,
      let fileAttribute = unsafe dwarf_attr(&die, Attribute.callFile, &attribute),
      unsafe dwarf_formudata(fileAttribute, &file) == 0, unsafe file < UInt64(sourceFiles.count),
      let lineAttribute = unsafe dwarf_attr(&die, Attribute.callLine, &attribute),
      unsafe dwarf_formudata(lineAttribute, &line) == 0, line > 0, line <= UInt64(Int32.max),
      let path = unsafe Self.text(dwarf_filesrc(sourceFiles.files, Int(file), nil, nil))
    else { return nil }
    return SourceLocation(file: path, line: Int(line))
  }

  private func line(of address: UInt64, in unit: inout Dwarf_Die) -> SourceLocation? {
    var number: Int32 = 0
    // Line 0 stands for code that the compiler made up.
    guard let line = unsafe dwarf_getsrc_die(&unit, address), unsafe dwarf_lineno(line, &number) == 0, number > 0,
      let path = unsafe Self.text(dwarf_linesrc(line, nil, nil))
    else { return nil }
    return SourceLocation(file: path, line: Int(number))
  }

  /// The text at a place, cut to what is shown: a table of texts may hold one of a gigabyte.
  private static func text(_ pointer: UnsafePointer<CChar>?) -> String? {
    guard let pointer = unsafe pointer else { return nil }
    let length = unsafe strnlen(pointer, maximumText)
    guard length > 0 else { return nil }
    return unsafe String(decoding: UnsafeRawBufferPointer(start: pointer, count: length), as: UTF8.self)
  }
}
