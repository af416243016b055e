import ELF

/// The search for the functions that ELF virtual addresses lie in.
///
/// A symbol with a size names the addresses it covers and no other. Where several do, in this order: a function before
/// a label without a type, the one that starts last, global before weak before local, then `NamePreference`.
/// A symbol without a size (hand-written assembly) names what no other symbol covers, up to the next symbol, the end of
/// one that it lies in, the end of its section, or as far as `SymbolReach` lets it.
struct SymbolSearch {
  private struct Candidate {
    let rank: Rank
    /// Where the names of the equally good ones are.
    var names: [NameReference]
  }

  private struct Rank: Comparable {
    let kind: UInt8
    let start: UInt64
    let binding: UInt8

    static func < (left: Self, right: Self) -> Bool {
      (left.kind, left.start, left.binding) < (right.kind, right.start, right.binding)
    }
  }

  private struct NameReference {
    let table: Int
    let offset: UInt32
  }

  private struct Unsized {
    var candidate: Candidate
    let sectionEnd: UInt64
  }

  /// What starts between the previous wanted address (exclusive) and this one (inclusive).
  private struct Slot {
    /// The last start or end of a symbol with a size.
    var lastBound: UInt64?
    var unsized: Unsized?
  }

  private let wanted: WantedAddresses
  private var covering: [Candidate?]
  private var slots: [Slot]
  private var tables: [SymbolTable] = []
  private var updatesLeft: Int
  /// The bytes of names that were read.
  private var nameBytes = 0
  private var meter: NamingMeter
  /// Whether the tables overlap themselves so much that the search was given up.
  private(set) var isCut = false
  /// Whether every function has a symbol, as far as one can tell.
  private var isComplete = false

  /// Symbols overlap a little in honest files; in a hostile one every symbol could cover every address.
  static let maximumUpdates = 5_000_000
  private static let maximumAliases = 16

  /// The bytes of names that are read to find the best ones: an honest file has a hundred for each address.
  private static let maximumNameBytes = 256 << 20

  init(
    _ wanted: WantedAddresses, _ meter: NamingMeter = NamingMeter(NamingBudget(), hasTimeLimit: false),
    maximumUpdates: Int = maximumUpdates
  ) {
    self.updatesLeft = maximumUpdates
    self.meter = meter
    self.wanted = wanted
    self.covering = Array(repeating: nil, count: wanted.count)
    self.slots = Array(repeating: Slot(), count: wanted.count)
  }

  /// Adds the symbols of a table.
  ///
  /// - Parameter isFull: whether the table is to have all symbols, not only those that other files use. One that `strip -x`
  ///   has left without local ones is found out.
  mutating func add(_ table: SymbolTable, isFull: Bool = false) throws(ELFError) {
    tables.append(table)
    let tableIndex = tables.count - 1
    // Local labels without a type are mapping symbols (`$x`, `$d`) everywhere but on x86.
    let takesLocalLabels = table.file.isX86
    try table.visitEntries { entry in
      guard meter.spend() else { return false }
      guard let kind = Self.kind(entry), entry.nameOffset > 0, let section = Self.section(of: entry, in: table) else {
        return true
      }
      guard kind == 1 || (section.isExecutable && (takesLocalLabels || entry.binding != 0)) else { return true }
      if isFull, entry.binding == 0 { isComplete = true }
      let rank = Rank(kind: kind, start: entry.value, binding: Self.bindingRank(entry.binding))
      note(entry, rank, NameReference(table: tableIndex, offset: entry.nameOffset), section)
      return !isCut
    }
  }

  /// The best name of each wanted address, in their order; mangled, nil where there is none.
  mutating func names(_ reach: inout SymbolReach) throws(ELFError) -> [String?] {
    var result: [String?] = []
    result.reserveCapacity(wanted.count)
    var lastBound: UInt64 = 0
    var unsized: Unsized?
    for (index, address) in wanted.sorted.enumerated() {
      lastBound = max(lastBound, slots[index].lastBound ?? 0)
      if let latest = slots[index].unsized { unsized = latest }
      var candidate = covering[index]
      if candidate == nil, let unsized, address < unsized.sectionEnd, unsized.candidate.rank.start >= lastBound,
        meter.look(), reach.reaches(from: unsized.candidate.rank.start, to: address, isComplete: isComplete)
      {
        candidate = unsized.candidate
      }
      result.append(try candidate.flatMap { (candidate) throws(ELFError) in try bestName(candidate) })
    }
    return result
  }

  private mutating func note(
    _ entry: SymbolTable.Entry, _ rank: Rank, _ name: NameReference, _ section: ELFFile.Section
  ) {
    var index = wanted.firstIndex(notBelow: entry.value)
    guard index < wanted.count else { return }
    if entry.size == 0 {
      guard section.contains(entry.value) else { return }
      noteUnsized(rank, name, sectionEnd: section.virtualAddress &+ section.size, slot: index)
      return
    }
    // A symbol without a size at the same place reaches no farther than this one either.
    noteBound(entry.value &+ 1, slot: index)
    let (end, overflow) = entry.value.addingReportingOverflow(entry.size)
    if !overflow { noteBound(end, slot: wanted.firstIndex(notBelow: end)) }
    while index < wanted.count, wanted.sorted[index] - entry.value < entry.size {
      merge(rank, name, into: &covering[index])
      index += 1
      updatesLeft -= 1
      if updatesLeft < 0 {
        isCut = true
        return
      }
    }
  }

  private mutating func noteBound(_ address: UInt64, slot: Int) {
    guard slot < slots.count else { return }
    slots[slot].lastBound = max(slots[slot].lastBound ?? 0, address)
  }

  private mutating func noteUnsized(_ rank: Rank, _ name: NameReference, sectionEnd: UInt64, slot: Int) {
    // The last start wins, whatever its kind.
    if let current = slots[slot].unsized, current.candidate.rank.start != rank.start {
      if current.candidate.rank.start > rank.start { return }
      slots[slot].unsized = nil
    }
    var candidate = slots[slot].unsized?.candidate
    merge(rank, name, into: &candidate)
    slots[slot].unsized = candidate.map { Unsized(candidate: $0, sectionEnd: sectionEnd) }
  }

  private func merge(_ rank: Rank, _ name: NameReference, into candidate: inout Candidate?) {
    guard let current = candidate?.rank, current >= rank else {
      candidate = Candidate(rank: rank, names: [name])
      return
    }
    guard current == rank, let count = candidate?.names.count, count < Self.maximumAliases else { return }
    candidate?.names.append(name)
  }

  private mutating func bestName(_ candidate: Candidate) throws(ELFError) -> String? {
    var best: String?
    for reference in candidate.names {
      guard meter.look(), nameBytes < Self.maximumNameBytes else {
        isCut = isCut || nameBytes >= Self.maximumNameBytes
        return best
      }
      guard let name = try tables[reference.table].name(at: reference.offset) else { continue }
      nameBytes += name.utf8.count
      if let current = best, !NamePreference.isBetter(name, than: current) { continue }
      best = name
    }
    return best
  }

  /// 1 for `STT_FUNC` and `STT_GNU_IFUNC`, 0 for `STT_NOTYPE`, nil for what is no code.
  private static func kind(_ entry: SymbolTable.Entry) -> UInt8? {
    switch entry.type {
    case 2, 10: 1
    case 0: 0
    default: nil
    }
  }

  /// `STB_LOCAL`, `STB_WEAK`, then `STB_GLOBAL` and `STB_GNU_UNIQUE`.
  private static func bindingRank(_ binding: UInt8) -> UInt8 {
    switch binding {
    case 0: 0
    case 2: 1
    default: 2
    }
  }

  /// The section a symbol is defined in; nil for undefined, absolute and other reserved ones (`SHN_LORESERVE` on).
  private static func section(of entry: SymbolTable.Entry, in table: SymbolTable) -> ELFFile.Section? {
    let index = Int(entry.section)
    guard index > 0, index < 0xFF00, index < table.sections.count else { return nil }
    return table.sections[index]
  }
}
