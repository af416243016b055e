import CElfutils
import ELF
import LinuxSystem
import ProfileModel

/// What DWARF says of an address.
struct DebugPlace: Equatable {
  /// A function that the compiler put in place of a call.
  struct Inlined: Equatable {
    /// Mangled where the compiler gave it such a name.
    let name: String
    /// Where the call stood.
    let call: SourceLocation?
  }

  /// Mangled where the compiler gave it such a name; nil where no function covers the address.
  var function: String?
  /// From the outermost to the innermost.
  var inlined: [Inlined] = []
  /// Where the innermost function stood.
  var source: SourceLocation?
}

/// The debugging information of one ELF file, read by libdw without mapping the file.
///
/// All wanted addresses are looked up together: the tree of a compilation unit is walked once, and only when one of the
/// addresses lies in the unit.
@safe struct DebugInformation: ~Copyable {
  private let elf: OpaquePointer
  private let dwarf: OpaquePointer
  /// Whose descriptor libelf reads.
  private let file: OpenFile

  /// libdw keeps the sections that it reads in memory, unpacked.
  static let maximumSize: UInt64 = 1 << 30
  private static let maximumUnits = 1 << 20
  private static let maximumRanges = 1 << 20

  /// Nil for a file without debugging information.
  init?(_ source: ByteSource) {
    // libelf does nothing before it has been told the version (elf_version(3)).
    guard case .file(let file, _) = source, elf_version(UInt32(EV_CURRENT)) != 0,
      let elf = unsafe elf_begin(file.descriptor, ELF_C_READ, nil)
    else { return nil }
    guard let dwarf = unsafe dwarf_begin_elf(elf, DWARF_C_READ, nil) else {
      unsafe elf_end(elf)
      return nil
    }
    unsafe self.elf = elf
    unsafe self.dwarf = dwarf
    self.file = file
  }

  deinit {
    unsafe dwarf_end(dwarf)
    unsafe elf_end(elf)
  }

  /// The bytes of a file's debugging information once it is unpacked; a part that cannot be read counts as too many.
  static func size(in file: ELFFile) -> UInt64 {
    guard let sections = try? file.sections(), let named = try? file.sectionsByName(sections) else { return 0 }
    return named.reduce(into: 0) { sum, entry in
      guard entry.key.hasPrefix(".debug_") || entry.key.hasPrefix(".zdebug_") else { return }
      let size = unpackedSize(of: entry.value, isOldStyle: entry.key.hasPrefix(".zdebug_"), in: file)
      sum = size > maximumSize ? .max : sum.addingReportingOverflow(size).overflow ? .max : sum + size
    }
  }

  /// By the header of a packed section: `Elf64_Chdr`, or before it `ZLIB` and a big-endian number.
  private static func unpackedSize(of section: ELFFile.Section, isOldStyle: Bool, in file: ELFFile) -> UInt64 {
    guard isOldStyle || section.isPacked else { return section.size }
    guard let header = try? file.source.prefix(at: section.fileOffset, limit: 16), header.count == 16 else {
      return .max
    }
    return isOldStyle ? header.integer(at: 4, as: UInt64.self).byteSwapped : header.integer(at: 8)
  }

  /// What is known of each of some ELF virtual addresses.
  ///
  /// - Returns: the places, and whether the information was too large to be read to the end.
  func places(of addresses: WantedAddresses) -> (places: [DebugPlace], isCut: Bool) {
    var search = unsafe InlineSearch(addresses)
    var unit: OpaquePointer?
    for _ in 0..<Self.maximumUnits {
      var next: OpaquePointer?
      var die = unsafe Dwarf_Die()
      guard unsafe dwarf_get_units(dwarf, unit, &next, nil, nil, &die, nil) == 0 else {
        return unsafe (search.places, search.isCut)
      }
      unsafe search.visitUnit(&die)
      unsafe unit = next
      if unsafe search.isCut { break }
    }
    return unsafe (search.places, true)
  }

  /// Calls `body` with each range of code of an entry.
  static func visitRanges(_ die: inout Dwarf_Die, _ body: (Range<UInt64>) -> Void) {
    var base: UInt64 = 0
    var start: UInt64 = 0
    var end: UInt64 = 0
    var offset = 0
    for _ in 0..<maximumRanges {
      offset = unsafe dwarf_ranges(&die, offset, &base, &start, &end)
      guard offset > 0 else { return }
      if start < end { body(start..<end) }
    }
  }
}
