import ELF

/// A file of split compilation units: a `.dwo`, or a `.dwp` with those of many (DWARF 5, sections 7.3.2 and 7.3.5; GCC's
/// wiki, "DebugFissionDWP", for its forerunner).
struct SplitPackage {
  private let file: ELFFile
  private let named: [String: ELFFile.Section]
  private var index: PagedBytes?

  /// Of each part of a unit.
  private static let maximumSize = 64 << 20
  private static let maximumText = 4_096

  init?(_ source: ByteSource) {
    guard let file = try? ELFFile(source), let sections = try? file.sections(),
      let named = try? file.sectionsByName(sections), named[".debug_info.dwo"] != nil
    else { return nil }
    self.file = file
    self.named = named
    index = named[".debug_cu_index"].map { PagedBytes(source, start: $0.fileOffset, size: $0.size) }
  }

  /// A part of a section that belongs to a unit.
  private typealias Part = Range<UInt64>

  /// Finds a unit by its identifier.
  mutating func unit(_ identifier: UInt64, _ meter: inout NamingMeter) -> SplitUnit? {
    guard index != nil else { return unitOfObject(identifier, &meter) }
    guard let parts = parts(of: identifier, &meter), let info = parts[1], let abbreviations = parts[3] else {
      return nil
    }
    let unit = contents(".debug_info.dwo", info)
    guard SplitUnitEntry.size(of: unit, at: 0) == unit.count else { return nil }
    return make(
      unit, contents(".debug_abbrev.dwo", abbreviations), identifier,
      offsets: parts[6].map { contents(".debug_str_offsets.dwo", $0) } ?? [],
      ranges: parts[8].map { contents(".debug_rnglists.dwo", $0) } ?? [])
  }

  /// In an object file, all parts belong to its unit; other units beside it hold types.
  private func unitOfObject(_ identifier: UInt64, _ meter: inout NamingMeter) -> SplitUnit? {
    let units = contents(".debug_info.dwo")
    let abbreviations = contents(".debug_abbrev.dwo")
    var offset = 0
    // Each look may pass over all abbreviations.
    while meter.look(), let size = SplitUnitEntry.size(of: units, at: offset) {
      let unit = Array(units[offset..<offset + size])
      if SplitUnitEntry(unit, abbreviations: abbreviations)?.identifier == identifier {
        return make(
          unit, abbreviations, identifier, offsets: contents(".debug_str_offsets.dwo"),
          ranges: contents(".debug_rnglists.dwo"))
      }
      offset += size
    }
    return nil
  }

  private func make(
    _ unit: [UInt8], _ abbreviations: [UInt8], _ identifier: UInt64, offsets: [UInt8], ranges: [UInt8]
  ) -> SplitUnit? {
    guard let entry = SplitUnitEntry(unit, abbreviations: abbreviations), entry.identifier == identifier else {
      return nil
    }
    return SplitUnit(
      unit: unit, abbreviations: abbreviations, stringOffsets: offsets, rangeLists: ranges, entry: entry,
      text: strings())
  }

  /// Reads texts from where they are, or from memory where they are packed.
  private func strings() -> (UInt64) -> [UInt8] {
    let name = ".debug_str.dwo"
    guard let section = named[name] else { return { _ in [] } }
    if section.isPacked {
      let bytes = contents(name)
      return { Array(bytes.cString(from: Int(clamping: $0)).prefix(Self.maximumText)) }
    }
    var pages = PagedBytes(file.source, start: section.fileOffset, size: section.size)
    return { Array((pages.text(at: $0, limit: Self.maximumText) ?? "").utf8) }
  }

  /// The bytes of a section, or of a part of it; empty where they cannot be read.
  private func contents(_ name: String, _ part: Part? = nil) -> [UInt8] {
    guard let section = named[name], section.type == 1 else { return [] }
    if let part, !section.isPacked {
      guard part.upperBound <= section.size else { return [] }
      let (start, overflow) = section.fileOffset.addingReportingOverflow(part.lowerBound)
      guard !overflow else { return [] }
      return
        (try? file.source.bytes(at: start, count: UInt64(part.count), of: .splitUnit, limit: Self.maximumSize)) ?? []
    }
    guard let bytes = try? file.contents(of: section, isOldStyle: false, .splitUnit, limit: Self.maximumSize) else {
      return []
    }
    guard let part else { return bytes }
    return part.upperBound <= UInt64(bytes.count) ? Array(bytes[Int(part.lowerBound)..<Int(part.upperBound)]) : []
  }

  /// Looks a unit up in the index: a hash table of identifiers, and for each the places of its parts, by their kind.
  private mutating func parts(of identifier: UInt64, _ meter: inout NamingMeter) -> [UInt32: Part]? {
    guard var index else { return nil }
    defer { self.index = index }
    guard let version: UInt32 = index.integer(at: 0), version == 2 || version & 0xFFFF == 5,
      let kinds: UInt32 = index.integer(at: 4), let units: UInt32 = index.integer(at: 8),
      let slots: UInt32 = index.integer(at: 12), kinds <= 16, units <= 1 << 24, slots <= 1 << 25, slots > 0,
      slots & (slots - 1) == 0
    else { return nil }
    let mask = UInt64(slots) - 1
    var slot = identifier & mask
    let step = identifier >> 32 & mask | 1
    var row: UInt32 = 0
    for _ in 0..<slots {
      guard meter.spend(), let found: UInt64 = index.integer(at: 16 + 8 * slot),
        let number: UInt32 = index.integer(at: 16 + 8 * UInt64(slots) + 4 * slot), number > 0, number <= units
      else { return nil }
      if found == identifier {
        row = number
        break
      }
      slot = (slot + step) & mask
    }
    guard row > 0 else { return nil }
    let table = 16 + 12 * UInt64(slots)
    let width = 4 * UInt64(kinds)
    var parts: [UInt32: Part] = [:]
    for column in 0..<UInt64(kinds) {
      guard let kind: UInt32 = index.integer(at: table + 4 * column),
        let start: UInt32 = index.integer(at: table + width * UInt64(row) + 4 * column),
        let size: UInt32 = index.integer(at: table + width * UInt64(units) + width * UInt64(row) + 4 * column)
      else { return nil }
      parts[kind] = UInt64(start)..<UInt64(start) + UInt64(size)
    }
    // Kind 8 holds macros in the older version.
    if version == 2 { parts[8] = nil }
    return parts
  }
}
