import LinuxSystem

/// The headers of a 64-bit little-endian ELF file (elf(5)), every number of which may be a lie.
package struct ELFFile {
  /// A `PT_LOAD` or `PT_NOTE` entry of the program header table.
  package struct Segment {
    package let fileOffset: UInt64
    package let virtualAddress: UInt64
    package let fileSize: UInt64
    /// Whether it is mapped as code.
    package let isExecutable: Bool
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
    package static let x86: UInt16 = 62
  }

  package enum SectionType {
    package static let symbols: UInt32 = 2
    package static let strings: UInt32 = 3
    package static let relocations: UInt32 = 4
    package static let notes: UInt32 = 7
    package static let dynamicSymbols: UInt32 = 11
  }

  package let source: ByteSource
  package let machine: UInt16
  package let loads: [Segment]
  package let notes: [Segment]
  /// The `PT_GNU_EH_FRAME` entry, which leads to the call frame information in a file without section headers.
  package let callFrameIndex: Segment?
  private let sectionHeaders: (offset: UInt64, count: Int, names: Int)

  private static let headerSize = 64
  private static let segmentSize = 56
  private static let sectionSize = 64
  /// More than any linked file has: sections are merged by name when a program is linked.
  private static let maximumSections = 1 << 16
  private static let maximumNamesSize = 4 << 20

  /// Reads the header and the segments; sections are read when asked for.
  package init(_ source: ByteSource) throws(ELFError) {
    let header = try source.prefix(at: 0, limit: Self.headerSize)
    guard header.starts(with: [0x7F, 0x45, 0x4C, 0x46]) else { throw ELFError.notELF }
    guard header.count == Self.headerSize else { throw ELFError.truncated(.header) }
    guard header[4] == 2, header[5] == 1 else { throw ELFError.unsupported }
    self.source = source
    self.machine = header.integer(at: 18)
    self.sectionHeaders = (
      header.integer(at: 40), Int(header.integer(at: 60, as: UInt16.self)),
      Int(header.integer(at: 62, as: UInt16.self))
    )

    let count = UInt64(header.integer(at: 56, as: UInt16.self))
    var loads: [Segment] = []
    var notes: [Segment] = []
    var callFrameIndex: Segment?
    if count > 0 {
      guard header.integer(at: 54, as: UInt16.self) == Self.segmentSize else {
        throw ELFError.malformed(.programHeaders)
      }
      let size = count * UInt64(Self.segmentSize)
      let table = try source.bytes(
        at: header.integer(at: 32), count: size, of: .programHeaders, limit: Int(UInt16.max) * Self.segmentSize)
      for entry in stride(from: 0, to: table.count, by: Self.segmentSize) {
        let segment = Segment(
          fileOffset: table.integer(at: entry + 8), virtualAddress: table.integer(at: entry + 16),
          fileSize: table.integer(at: entry + 32), isExecutable: table.integer(at: entry + 4, as: UInt32.self) & 1 != 0)
        switch table.integer(at: entry, as: UInt32.self) {
        case 1: loads.append(segment)
        case 4: notes.append(segment)
        case 0x6474_E550: callFrameIndex = segment
        default: break
        }
      }
    }
    self.loads = loads
    self.notes = notes
    self.callFrameIndex = callFrameIndex
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
        at: sectionHeaders.offset, count: UInt64(Self.sectionSize), of: .sectionHeaders, limit: Self.sectionSize)
      count = first.integer(at: 32)
    }
    guard count <= UInt64(Self.maximumSections) else { throw ELFError.tooLarge(.sectionHeaders) }
    let table = try source.bytes(
      at: sectionHeaders.offset, count: count * UInt64(Self.sectionSize), of: .sectionHeaders,
      limit: Self.maximumSections * Self.sectionSize)
    return stride(from: 0, to: table.count, by: Self.sectionSize).map { entry in
      Section(
        nameOffset: table.integer(at: entry), type: table.integer(at: entry + 4), flags: table.integer(at: entry + 8),
        virtualAddress: table.integer(at: entry + 16), fileOffset: table.integer(at: entry + 24),
        size: table.integer(at: entry + 32), link: table.integer(at: entry + 40),
        entrySize: table.integer(at: entry + 56))
    }
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

  /// The names that are looked for are shorter.
  private static let maximumSectionName = 64
}
