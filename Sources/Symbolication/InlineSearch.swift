import CElfutils
import ELF
import ProfileModel

/// Walks the trees of compilation units and notes, for each wanted address, the functions around it.
@unsafe struct InlineSearch {
  private let addresses: WantedAddresses
  private(set) var places: [DebugPlace]
  /// Whether the walk was given up because there was too much to read.
  private(set) var isCut = false
  private var entriesLeft = 1 << 23
  private var sourceFiles: (files: OpaquePointer, count: Int)?

  /// Deeper trees are not those of programs.
  private let maximumDepth = 256

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

  mutating func visitUnit(_ unit: inout Dwarf_Die) {
    let hits = unsafe hits(of: &unit)
    guard !hits.isEmpty else { return }
    var files: OpaquePointer?
    var count = 0
    unsafe sourceFiles = nil
    if unsafe dwarf_getsrcfiles(&unit, &files, &count) == 0, let files = unsafe files {
      unsafe sourceFiles = (files, count)
    }
    unsafe visitChildren(of: &unit, depth: 0)
    for hit in hits { unsafe places[hit].source = unsafe line(of: addresses.sorted[hit], in: &unit) }
  }

  private mutating func visitChildren(of parent: inout Dwarf_Die, depth: Int) {
    var die = unsafe Dwarf_Die()
    guard unsafe depth < maximumDepth, unsafe dwarf_child(&parent, &die) == 0 else { return }
    while true {
      guard unsafe entriesLeft > 0 else {
        unsafe isCut = true
        return
      }
      unsafe entriesLeft -= 1
      unsafe visit(&die, depth: depth + 1)
      var sibling = unsafe Dwarf_Die()
      guard unsafe !isCut, unsafe dwarf_siblingof(&die, &sibling) == 0 else { return }
      unsafe die = sibling
    }
  }

  private mutating func visit(_ die: inout Dwarf_Die, depth: Int) {
    switch unsafe dwarf_tag(&die) {
    case Tag.subprogram:
      let name = unsafe Self.name(of: &die)
      for hit in unsafe hits(of: &die) { unsafe places[hit] = DebugPlace(function: name) }
      // Functions within functions need not lie within them.
      unsafe visitChildren(of: &die, depth: depth)
    case Tag.inlinedSubroutine:
      let hits = unsafe hits(of: &die)
      guard !hits.isEmpty else { return }
      if let name = unsafe Self.name(of: &die) {
        let inlined = DebugPlace.Inlined(name: name, call: unsafe call(of: &die))
        for hit in hits { unsafe places[hit].inlined.append(inlined) }
      }
      unsafe visitChildren(of: &die, depth: depth)
    case Tag.lexicalBlock, Tag.tryBlock, Tag.catchBlock, Tag.namespace, Tag.module, Tag.classType, Tag.structureType,
      Tag.unionType:
      unsafe visitChildren(of: &die, depth: depth)
    default: break
    }
  }

  /// The wanted addresses within an entry's code, as indices.
  private func hits(of die: inout Dwarf_Die) -> [Int] {
    var hits: [Int] = []
    unsafe DebugInformation.visitRanges(&die) { range in
      hits += unsafe addresses.firstIndex(notBelow: range.lowerBound)..<addresses.firstIndex(notBelow: range.upperBound)
    }
    return hits
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

  private static func text(_ pointer: UnsafePointer<CChar>?) -> String? {
    guard let pointer = unsafe pointer else { return nil }
    let text = unsafe String(cString: pointer)
    return text.isEmpty ? nil : text
  }
}
