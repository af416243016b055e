import ELF
import LinuxSystem

/// The parts of one split compilation unit, from a `.dwo` file or a package of them.
struct SplitUnit {
  let unit: [UInt8]
  let abbreviations: [UInt8]
  let stringOffsets: [UInt8]
  /// DWARF 5 only.
  let rangeLists: [UInt8]
  let entry: SplitUnitEntry
  /// The text at an offset of the strings.
  let text: (UInt64) -> [UInt8]

  /// What a unit takes from the program that it belongs to.
  struct Program {
    /// The addresses that the unit's numbers stand for.
    let addresses: [UInt8]
    /// DWARF 4 only.
    let ranges: [UInt8]
    /// What the distances in lists of ranges count from.
    let base: UInt64
  }

  private static let maximumStrings = 64 << 20

  /// Puts a unit and what it needs into an ELF file of its own, in which libdw finds it as it finds one that was never
  /// split.
  ///
  /// libdw would look for the file of a split unit by itself, on this machine and without a look at what it opens, and
  /// reads packages since elfutils 0.192 only.
  func image(_ program: Program) throws(Errno) -> OpenFile? {
    var unit = unit
    var addresses = program.addresses
    addresses.removeLast(addresses.count % 8)
    let number = addresses.count / 8
    for shift in stride(from: UInt64(0), to: 64, by: 8) {
      addresses.append(UInt8(truncatingIfNeeded: program.base >> shift))
    }
    // The first entry makes way for one that says where the unit begins, in as many bytes: others refer to places in
    // the unit.
    let room = entry.end - entry.start - 2
    guard let code = Self.number(Self.code, size: 2), room > 0, room < 1 << 10,
      let index = Self.number(UInt64(number), size: min(room, 4))
    else { return nil }
    let padding = room - index.count
    unit.replaceSubrange(entry.start..<entry.end, with: code + index + [UInt8](repeating: 0, count: padding))
    // Its table of abbreviations becomes the first one.
    let table = entry.version == 5 ? 8 : 6
    let start = Int(unit.integer(at: table, as: UInt32.self))
    guard start < abbreviations.count else { return nil }
    unit.replaceSubrange(table..<table + 4, with: [0, 0, 0, 0])
    let form: [UInt8] = entry.version == 5 ? [0x1B] : [0x81, 0x3E]
    // DW_TAG_compile_unit with children, DW_AT_low_pc, then bytes for an attribute that nobody has.
    let fill = [[UInt8]](repeating: [0xFF, 0x7F, 0x0B], count: padding).flatMap { $0 }
    let declaration = code + [0x11, 1, 0x11] + form + fill + [0, 0]
    let strings = strings()
    return try ImageWriter.file([
      (".debug_info", unit), (".debug_abbrev", declaration + abbreviations[start...]),
      (".debug_addr", addresses), (".debug_str_offsets", strings.offsets), (".debug_str", strings.text),
      entry.version == 5 ? (".debug_rnglists", rangeLists) : (".debug_ranges", program.ranges),
    ])
  }

  /// Of the abbreviation of the first entry; compilers number from 1.
  private static let code: UInt64 = 0x3FFF

  /// LEB128 in just so many bytes.
  private static func number(_ value: UInt64, size: Int) -> [UInt8]? {
    guard value >> (7 * UInt64(size)) == 0 else { return nil }
    return (0..<size).map { UInt8(truncatingIfNeeded: value >> UInt64(7 * $0)) & 0x7F | ($0 < size - 1 ? 0x80 : 0) }
  }

  /// The strings that the unit uses, and their offsets: those of a package are those of all its units.
  private func strings() -> (offsets: [UInt8], text: [UInt8]) {
    let header = entry.version == 5 ? 8 : 0
    guard stringOffsets.count >= header else { return ([], [0]) }
    var offsets = Array(stringOffsets[..<header])
    var text: [UInt8] = [0]
    for position in stride(from: header, through: stringOffsets.count - 4, by: 4) {
      let start = text.count < Self.maximumStrings ? text.count : 0
      if start > 0 { text += self.text(UInt64(stringOffsets.integer(at: position, as: UInt32.self))) + [0] }
      for shift in stride(from: 0, to: 32, by: 8) { offsets.append(UInt8(truncatingIfNeeded: start >> shift)) }
    }
    return (offsets, text)
  }
}

/// Writes ELF files that have nothing but sections (elf(5)).
enum ImageWriter {
  static func file(_ sections: [(name: String, bytes: [UInt8])]) throws(Errno) -> OpenFile {
    var names: [UInt8] = [0]
    var headers = [UInt8](repeating: 0, count: 64)
    var body: [UInt8] = []
    func header(_ name: String, type: UInt32, size: Int) {
      put(UInt32(names.count), to: &headers)
      names += Array(name.utf8) + [0]
      put(type, to: &headers)
      put(UInt64(0), to: &headers)
      put(UInt64(0), to: &headers)
      put(UInt64(64 + body.count), to: &headers)
      put(UInt64(size), to: &headers)
      put(UInt64(0), to: &headers)
      put(UInt64(1), to: &headers)
      put(UInt64(0), to: &headers)
    }
    for section in sections {
      header(section.name, type: 1, size: section.bytes.count)
      body += section.bytes
    }
    header(".shstrtab", type: 3, size: names.count + ".shstrtab".utf8.count + 1)
    body += names
    var file: [UInt8] = [0x7F, 0x45, 0x4C, 0x46, 2, 1, 1] + [UInt8](repeating: 0, count: 9)
    put(UInt16(1), to: &file)
    put(UInt16(62), to: &file)
    put(UInt32(1), to: &file)
    put(UInt64(0), to: &file)
    put(UInt64(0), to: &file)
    put(UInt64(64 + body.count), to: &file)
    put(UInt32(0), to: &file)
    for value in [64, 0, 0, 64, sections.count + 2, sections.count + 1] { put(UInt16(value), to: &file) }
    let image = try OpenFile.inMemory("split-dwarf")
    try image.append(file)
    try image.append(body)
    try image.append(headers)
    return image
  }

  private static func put(_ value: some FixedWidthInteger, to bytes: inout [UInt8]) {
    for shift in stride(from: 0, to: value.bitWidth, by: 8) { bytes.append(UInt8(truncatingIfNeeded: value >> shift)) }
  }
}
