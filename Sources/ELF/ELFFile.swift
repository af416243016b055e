import LinuxSystem

/// The headers of a little-endian ELF file of either class (elf(5)), every number of which may be a lie.
package struct ELFFile {
  /// A `PT_LOAD` or `PT_NOTE` entry of the program header table.
  package struct Segment {
    package let fileOffset: UInt64
    package let virtualAddress: UInt64
    package let fileSize: UInt64
    /// Whether it is mapped as code.
    package let isExecutable: Bool

    package init(fileOffset: UInt64, virtualAddress: UInt64, fileSize: UInt64, isExecutable: Bool = false) {
      self.fileOffset = fileOffset
      self.virtualAddress = virtualAddress
      self.fileSize = fileSize
      self.isExecutable = isExecutable
    }
  }

  /// An entry of the section header table.
  package struct Section {
    package let nameOffset: UInt32
    package let type: UInt32
    package let flags: UInt64
    package let virtualAddress: UInt64
    package let fileOffset: UInt64
    package let size: UInt64
    package let link: UInt32
    package let entrySize: UInt64

    package var isExecutable: Bool { flags & 4 != 0 }
    package var isPacked: Bool { flags & 0x800 != 0 }

    package func contains(_ address: UInt64) -> Bool { address >= virtualAddress && address - virtualAddress < size }
  }

  package enum Machine {
    /// Of 32-bit programs.
    package static let i386: UInt16 = 3
    /// Of 64-bit programs, and of those for the x32 ABI, whose files are of the 32-bit class.
    package static let x86: UInt16 = 62
  }

  package enum SectionType {
    package static let symbols: UInt32 = 2
    package static let strings: UInt32 = 3
    package static let relocations: UInt32 = 4
    package static let notes: UInt32 = 7
    /// A section that the file has no bytes of.
    package static let noBits: UInt32 = 8
    package static let dynamicSymbols: UInt32 = 11
  }

  package let source: ByteSource
  package let machine: UInt16
  /// The bytes of an address and of an offset: 4 or 8.
  package let wordSize: Int
  package let loads: [Segment]
  package let notes: [Segment]
  /// The `PT_GNU_EH_FRAME` entry, which leads to the call frame information in a file without section headers.
  package let callFrameIndex: Segment?
  /// The `PT_DYNAMIC` entry, which leads to what the dynamic linker reads.
  package let dynamic: Segment?
  /// How many bytes of thread-local variables each thread has for this file (`PT_TLS`).
  package let threadLocalSize: UInt64
  private let sectionHeaders: (offset: UInt64, count: Int, names: Int)

  private let layout: Layout
  /// More than any linked file has: sections are merged by name when a program is linked.
  private static let maximumSections = 1 << 16
  private static let maximumNamesSize = 4 << 20
  /// The kernel runs no program with a larger table (fs/binfmt_elf.c, load_elf_phdrs); addresses are looked up in each of
  /// its segments.
  private static let maximumSegmentsSize = 1 << 16

  /// Reads the header and the segments; sections are read when asked for.
  package init(_ source: ByteSource) throws(ELFError) {
    guard !source.isMostlyHole else { throw ELFError.mostlyHole }
    let header = try source.prefix(at: 0, limit: Layout.wide.header)
    guard header.starts(with: [0x7F, 0x45, 0x4C, 0x46]) else { throw ELFError.notELF }
    guard header.count >= Layout.narrow.header else { throw ELFError.truncated(.header) }
    guard (1...2).contains(header[4]), header[5] == 1 else { throw ELFError.unsupported }
    let layout = header[4] == 1 ? Layout.narrow : .wide
    guard header.count >= layout.header else { throw ELFError.truncated(.header) }
    self.source = source
    self.layout = layout
    self.wordSize = layout.word
    self.machine = header.integer(at: 18)
    // Behind three words and the flags.
    let counts = 24 + 3 * layout.word + 4
    self.sectionHeaders = (
      header.word(at: 24 + 2 * layout.word, size: layout.word),
      Int(header.integer(at: counts + 8, as: UInt16.self)), Int(header.integer(at: counts + 10, as: UInt16.self))
    )

    let count = UInt64(header.integer(at: counts + 4, as: UInt16.self))
    var loads: [Segment] = []
    var notes: [Segment] = []
    var callFrameIndex: Segment?
    var dynamic: Segment?
    var threadLocalSize: UInt64 = 0
    if count > 0 {
      guard header.integer(at: counts + 2, as: UInt16.self) == layout.segment else {
        throw ELFError.malformed(.programHeaders)
      }
      let size = count * UInt64(layout.segment)
      let table = try source.bytes(
        at: header.word(at: 24 + layout.word, size: layout.word), count: size, of: .programHeaders,
        limit: Self.maximumSegmentsSize)
      for entry in stride(from: 0, to: table.count, by: layout.segment) {
        let segment = Segment(
          fileOffset: table.word(at: entry + layout.word, size: layout.word),
          virtualAddress: table.word(at: entry + 2 * layout.word, size: layout.word),
          fileSize: table.word(at: entry + 4 * layout.word, size: layout.word),
          isExecutable: table.integer(at: entry + layout.segmentFlags, as: UInt32.self) & 1 != 0)
        switch table.integer(at: entry, as: UInt32.self) {
        case 1: loads.append(segment)
        case 2: dynamic = segment
        case 4: notes.append(segment)
        case 7: threadLocalSize = table.word(at: entry + 5 * layout.word, size: layout.word)
        case 0x6474_E550: callFrameIndex = segment
        default: break
        }
      }
    }
    self.loads = loads
    self.notes = notes
    self.callFrameIndex = callFrameIndex
    self.dynamic = dynamic
    self.threadLocalSize = threadLocalSize
  }

  /// The ELF virtual address that the byte at a file offset is linked for.
  ///
  /// This is the one place where *file offsets* become *ELF virtual addresses*. Both differ from *process addresses*:
  /// `file offset = process address - start of the mapping + offset of the mapping`. The loader maps whole pages, so
  /// code may lie in the page that a segment shares with its neighbor; such an offset belongs to the segment that
  /// holds it, and to none otherwise.
  package func virtualAddress(ofFileOffset offset: UInt64) -> UInt64? {
    for load in loads where offset >= load.fileOffset && offset - load.fileOffset < load.fileSize {
      return load.virtualAddress &+ (offset - load.fileOffset)
    }
    return nil
  }

  /// Reads the section header table; empty for a file without one.
  package func sections() throws(ELFError) -> [Section] {
    guard sectionHeaders.offset > 0 else { return [] }
    var count = UInt64(sectionHeaders.count)
    if count == 0 {
      // 65,280 sections or more: the count stands in the size of the first one (elf(5), e_shnum).
      let first = try source.bytes(
        at: sectionHeaders.offset, count: UInt64(layout.section), of: .sectionHeaders, limit: layout.section)
      count = section(first, at: 0).size
    }
    guard count <= UInt64(Self.maximumSections) else { throw ELFError.tooLarge(.sectionHeaders) }
    let table = try source.bytes(
      at: sectionHeaders.offset, count: count * UInt64(layout.section), of: .sectionHeaders,
      limit: Self.maximumSections * layout.section)
    return stride(from: 0, to: table.count, by: layout.section).map { section(table, at: $0) }
  }

  /// Two numbers of 4 bytes, four words, two numbers of 4 bytes, two words.
  private func section(_ table: [UInt8], at entry: Int) -> Section {
    let word = layout.word
    return Section(
      nameOffset: table.integer(at: entry), type: table.integer(at: entry + 4),
      flags: table.word(at: entry + 8, size: word), virtualAddress: table.word(at: entry + 8 + word, size: word),
      fileOffset: table.word(at: entry + 8 + 2 * word, size: word),
      size: table.word(at: entry + 8 + 3 * word, size: word), link: table.integer(at: entry + 8 + 4 * word),
      entrySize: table.word(at: entry + 16 + 5 * word, size: word))
  }

  /// The sections that have a name, by name; of several with one name, the first.
  package func sectionsByName(_ sections: [Section]) throws(ELFError) -> [String: Section] {
    var result: [String: Section] = [:]
    for (section, name) in zip(sections, try names(of: sections)) where !name.isEmpty && result[name] == nil {
      result[name] = section
    }
    return result
  }

  /// The names of sections, cut to 64 bytes; parallel to them, and empty where the file has none.
  package func names(of sections: [Section]) throws(ELFError) -> [String] {
    // 0xFFFF, "the index is elsewhere", occurs only with more sections than are accepted.
    guard sectionHeaders.names > 0, sectionHeaders.names < sections.count else { return [] }
    let table = sections[sectionHeaders.names]
    let names = try source.bytes(
      at: table.fileOffset, count: table.size, of: .sectionNames, limit: Self.maximumNamesSize)
    return sections.map { section in
      // A table without a zero must not be read to its end for each section.
      let start = Int(section.nameOffset)
      guard start < names.count else { return "" }
      let name = names[start..<min(names.count, start + Self.maximumSectionName)].prefix { $0 != 0 }
      return String(decoding: name, as: UTF8.self)
    }
  }

  /// Whether some section may have a name: a search in the bytes of all names, at the cost of two small reads.
  package func mayHaveSection(named name: String) throws(ELFError) -> Bool {
    let size = UInt64(layout.section)
    guard sectionHeaders.offset > 0, sectionHeaders.names < sectionHeaders.count else { return false }
    let (place, overflow) = sectionHeaders.offset.addingReportingOverflow(UInt64(sectionHeaders.names) * size)
    let header = try source.prefix(at: overflow ? .max : place, limit: layout.section)
    guard header.count == layout.section else { return false }
    let table = section(header, at: 0)
    let names = try source.prefix(
      at: table.fileOffset, limit: Int(min(table.size, UInt64(Self.maximumNamesSize))))
    return names.contains(bytes: Array(name.utf8) + [0])
  }

  /// The names that are looked for are shorter.
  private static let maximumSectionName = 64

  /// The sizes of a class's structures, in bytes.
  private struct Layout {
    let word: Int
    let header: Int
    let segment: Int
    /// Where a segment's flags are.
    let segmentFlags: Int
    let section: Int

    static let narrow = Layout(word: 4, header: 52, segment: 32, segmentFlags: 24, section: 40)
    static let wide = Layout(word: 8, header: 64, segment: 56, segmentFlags: 4, section: 64)
  }

  /// Whether its code runs in 64-bit mode with 64-bit addresses: not that of i386, nor that of x32.
  package var isX86With64Bits: Bool { machine == Machine.x86 && wordSize == 8 }

  /// Whether its code is of the x86 family, of any word size.
  package var isX86: Bool { machine == Machine.x86 || machine == Machine.i386 }
}
