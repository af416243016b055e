import CElfutils
import ELF
import Glibc
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
  /// Whose descriptor libelf reads.
  private let file: OpenFile

  /// libdw keeps the sections that it reads in memory, unpacked.
  static let maximumSize: UInt64 = 1 << 30
  /// Compilers' output is packed to a third or a tenth of its size; what is packed to less is made to fill memory.
  private static let maximumRatio: UInt64 = 32
  private static let smallSize: UInt64 = 64 << 20
  private static let maximumUnits = 1 << 20
  /// Of a unit. libdw keeps some hundred bytes for each row of a line program, which a byte can make.
  static let maximumLineProgram: UInt64 = 4 << 20
  /// Of the units that are open at once.
  private static let openLinePrograms: UInt64 = 8 << 20

  /// Nil for a file without debugging information.
  init?(_ source: ByteSource) {
    // libelf does nothing before it has been told the version (elf_version(3)).
    guard case .file(let file, _) = source, elf_version(UInt32(EV_CURRENT)) != 0,
      let elf = unsafe elf_begin(file.descriptor, ELF_C_READ, nil)
    else { return nil }
    unsafe self.elf = elf
    self.file = file
  }

  deinit { unsafe elf_end(elf) }

  /// Whether a file has debugging information of its own; whether that can be read, `obstacle` says.
  static func isThere(_ sections: [String: ELFFile.Section]) -> Bool {
    [".debug_info", ".zdebug_info"].contains {
      sections[$0].map { $0.size > 0 && $0.type != ELFFile.SectionType.noBits } ?? false
    }
  }

  /// Why the debugging information of a file cannot be read: a predicate whose subject is that information. Nil where it
  /// can be read.
  static func obstacle(in file: ELFFile) -> String? {
    guard size(in: file) <= maximumSize else { return "is too large" }
    guard let sections = try? file.sections(), let names = try? file.names(of: sections) else { return nil }
    let packed = zip(sections, names).enumerated().filter {
      $1.1.hasPrefix(".debug_") && $1.0.isPacked && packing(of: $1.0, in: file) != Packing.zlib
    }
    // Whether libelf knows zstd depends on how it was built: one section tells. The small ones cost least.
    guard let smallest = packed.min(by: { $0.element.0.size < $1.element.0.size }),
      !canUnpack(smallest.offset, of: file.source)
    else { return nil }
    return packing(of: smallest.element.0, in: file) == Packing.zstandard
      ? "is compressed with zstd, which the elfutils in use do not read; unpack it by"
        + " 'objcopy --decompress-debug-sections'"
      : "is compressed in a way that is not known"
  }

  /// The types of `Elf64_Chdr` (elf(5) and the generic ABI, "Section Compression").
  private enum Packing {
    static let zlib: UInt32 = 1
    static let zstandard: UInt32 = 2
  }

  private static func packing(of section: ELFFile.Section, in file: ELFFile) -> UInt32? {
    guard let header = try? file.source.prefix(at: section.fileOffset, limit: 4), header.count == 4 else { return nil }
    return header.integer(at: 0)
  }

  /// Whether libelf unpacks the section at an index.
  private static func canUnpack(_ index: Int, of source: ByteSource) -> Bool {
    guard case .file(let file, _) = source, elf_version(UInt32(EV_CURRENT)) != 0,
      let elf = unsafe elf_begin(file.descriptor, ELF_C_READ, nil)
    else { return false }
    defer { unsafe _ = elf_end(elf) }
    guard let section = unsafe elf_getscn(elf, index) else { return false }
    return unsafe elf_compress(section, 0, 0) >= 0
  }

  /// The bytes of a file's debugging information once it is unpacked; a part that cannot be read counts as too many.
  ///
  /// All sections count, also several of one name: libdw may read any of them.
  static func size(in file: ELFFile) -> UInt64 {
    guard let sections = try? file.sections(), let names = try? file.names(of: sections) else { return 0 }
    return zip(sections, names).reduce(into: 0) { sum, entry in
      let (section, name) = entry
      guard name.hasPrefix(".debug_") || name.hasPrefix(".zdebug_"), section.type != ELFFile.SectionType.noBits else {
        return
      }
      let size = unpackedSize(of: section, isOldStyle: name.hasPrefix(".zdebug_"), in: file)
      sum = size > maximumSize ? .max : sum.addingReportingOverflow(size).overflow ? .max : sum + size
    }
  }

  /// By the header of a packed section: `Elf32_Chdr` or `Elf64_Chdr`, or before them `ZLIB` and a big-endian number.
  private static func unpackedSize(of section: ELFFile.Section, isOldStyle: Bool, in file: ELFFile) -> UInt64 {
    guard isOldStyle || section.isPacked else { return section.size }
    guard let header = try? file.source.prefix(at: section.fileOffset, limit: 16), header.count == 16 else {
      return .max
    }
    let size =
      isOldStyle
      ? header.integer(at: 4, as: UInt64.self).byteSwapped : header.word(at: file.wordSize, size: file.wordSize)
    return size > smallSize && size / maximumRatio > section.size ? .max : size
  }

  /// What was found of some addresses, and what was left out.
  struct Finding {
    var places: [DebugPlace]
    /// Why the search was given up before its end; nil where it was not.
    var stop: NamingMeter.Stop?
    /// Compilation units whose lines were not read, as there are too many.
    var unitsWithoutLines = 0
    /// The object files of split compilation units that were not found.
    var missingUnits: [String] = []
  }

  /// What is known of each of some ELF virtual addresses.
  func places(of addresses: WantedAddresses, _ meter: inout NamingMeter, split: SplitUnits? = nil) -> Finding {
    var split = split
    var search = unsafe InlineSearch(addresses)
    let units = unsafe units(hitBy: &search, &meter)
    var session: Session?
    var openLines: UInt64 = 0
    for unit in units {
      guard meter.look() else { break }
      if session == nil || openLines > Self.openLinePrograms {
        session = unsafe Session(elf)
        openLines = 0
      }
      guard let dwarf = unsafe session?.dwarf else { break }
      var die = unsafe Dwarf_Die()
      guard unsafe dwarf_offdie(dwarf, unit, &die) != nil else { continue }
      let size = unsafe lineProgramSize(of: &die)
      openLines += min(size, Self.maximumLineProgram)
      let withLines = size <= Self.maximumLineProgram
      guard let skeleton = unsafe Self.skeleton(&die) else {
        unsafe search.visitUnit(&die, dwarf, withLines: withLines, &meter)
        continue
      }
      let image = split?.image(of: skeleton, &meter).flatMap { SplitImage($0) }
      unsafe search.visitSkeleton(&die, dwarf, split: image, withLines: withLines, &meter)
    }
    return unsafe Finding(
      places: search.places, stop: meter.stop ?? (search.isCut ? .work : nil),
      unitsWithoutLines: search.unitsWithoutLines, missingUnits: split?.missing ?? [])
  }

  /// A handle of libdw, which keeps what it has read until it is closed.
  @safe private final class Session {
    let dwarf: OpaquePointer

    init?(_ elf: OpaquePointer) {
      guard let dwarf = unsafe dwarf_begin_elf(elf, DWARF_C_READ, nil) else { return nil }
      unsafe self.dwarf = dwarf
    }

    deinit { unsafe dwarf_end(dwarf) }
  }

  /// The units that wanted addresses lie in, by the offset of their entry.
  private func units(hitBy search: inout InlineSearch, _ meter: inout NamingMeter) -> [Dwarf_Off] {
    guard let session = unsafe Session(elf) else { return [] }
    var units: [Dwarf_Off] = []
    var unit: OpaquePointer?
    for _ in 0..<Self.maximumUnits {
      var next: OpaquePointer?
      var die = unsafe Dwarf_Die()
      var type: UInt8 = 0
      guard meter.spend(), unsafe dwarf_get_units(session.dwarf, unit, &next, nil, &type, &die, nil) == 0 else { break }
      // Units of types have no code, and may lie in a section of their own.
      let isCode = type != UInt8(DW_UT_type) && type != UInt8(DW_UT_split_type)
      if isCode, unsafe !search.hits(of: &die, &meter).isEmpty { units.append(unsafe dwarf_dieoffset(&die)) }
      unsafe unit = next
    }
    return units
  }

  /// The bytes of a unit's line program with its tables of files, as its header says; 0 where there is none.
  private func lineProgramSize(of unit: inout Dwarf_Die) -> UInt64 {
    var attribute = unsafe Dwarf_Attribute()
    var offset: UInt64 = 0
    guard let found = unsafe dwarf_attr(&unit, UInt32(DW_AT_stmt_list), &attribute),
      unsafe dwarf_formudata(found, &offset) == 0, let data = unsafe lineSection(),
      let start = unsafe data.pointee.d_buf, unsafe offset < UInt64(data.pointee.d_size)
    else { return 0 }
    let left = unsafe data.pointee.d_size - Int(offset)
    guard left >= 12 else { return 0 }
    let header = unsafe UnsafeRawPointer(start) + Int(offset)
    let size = unsafe header.loadUnaligned(as: UInt32.self)
    // A 64-bit length follows this mark (DWARF 5, 7.4).
    let length = size == .max ? unsafe (header + 4).loadUnaligned(as: UInt64.self) : UInt64(size)
    return min(length, UInt64(left))
  }

  /// The data of `.debug_line`, which libdw has unpacked.
  private func lineSection() -> UnsafeMutablePointer<Elf_Data>? {
    var names = 0
    guard unsafe elf_getshdrstrndx(elf, &names) == 0 else { return nil }
    var section: OpaquePointer?
    while let next = unsafe elf_nextscn(elf, section) {
      var header = GElf_Shdr()
      if unsafe gelf_getshdr(next, &header) != nil, header.sh_type != ELFFile.SectionType.noBits,
        let name = unsafe elf_strptr(elf, names, Int(header.sh_name)),
        unsafe strcmp(name, ".debug_line") == 0 || strcmp(name, ".zdebug_line") == 0
      {
        return unsafe elf_getdata(next, nil)
      }
      unsafe section = next
    }
    return nil
  }

  /// Calls `body` with each range of code of an entry, until it returns false.
  static func visitRanges(_ die: inout Dwarf_Die, _ body: (Range<UInt64>) -> Bool) {
    var base: UInt64 = 0
    var start: UInt64 = 0
    var end: UInt64 = 0
    var offset = 0
    while true {
      offset = unsafe dwarf_ranges(&die, offset, &base, &start, &end)
      guard offset > 0, body(start < end ? start..<end : start..<start) else { return }
    }
  }
}
