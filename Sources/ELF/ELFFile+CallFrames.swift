extension ELFFile {
  /// Where the call frame information of a file is, `.eh_frame`.
  package struct CallFramePlace {
    package let offset: UInt64
    package let size: UInt64
    /// The ELF virtual address.
    package let address: UInt64
    /// Whether the size is an upper bound.
    package let isOpenEnded: Bool
  }

  /// A section type of its own that some linkers give to `.eh_frame`, beside the usual one for program data.
  private static let unwindSectionType: UInt32 = 0x7000_0001
  private static let programDataType: UInt32 = 1

  /// Finds the call frame information: by its section, else by the index that the loader uses.
  package func callFrameSection() throws(ELFError) -> CallFramePlace? {
    let sections = try sections()
    if let section = try sectionsByName(sections)[".eh_frame"] {
      // In a separate debug file the section is there without its bytes.
      guard [Self.programDataType, Self.unwindSectionType].contains(section.type) else { return nil }
      return CallFramePlace(
        offset: section.fileOffset, size: section.size, address: section.virtualAddress, isOpenEnded: false)
    }
    return try callFramesByIndex()
  }

  /// The bytes of `.debug_frame`, unpacked; nil for a file without it.
  package func debugFrames(limit: Int) throws(ELFError) -> [UInt8]? {
    let named = try sectionsByName(try sections())
    for name in [".debug_frame", ".zdebug_frame"] {
      guard let section = named[name], section.type == Self.programDataType, section.size > 0 else { continue }
      return try contents(of: section, isOldStyle: name.hasPrefix(".z"), .debugFrames, limit: limit)
    }
    return nil
  }

  /// `.eh_frame_hdr` (Linux Standard Base Core 5.0, section 10.6.2): version 1, three encodings, then the pointer to
  /// `.eh_frame`. The size is not known: it reaches to the end of its segment at most, and ends itself before.
  private func callFramesByIndex() throws(ELFError) -> CallFramePlace? {
    let relativeSigned4: UInt8 = 0x1B
    guard let index = callFrameIndex else { return nil }
    let header = try source.prefix(at: index.fileOffset, limit: 8)
    guard header.count == 8, header[0] == 1, header[1] == relativeSigned4 else { return nil }
    let distance = header.integer(at: 4, as: Int32.self)
    let address = index.virtualAddress &+ 4 &+ UInt64(bitPattern: Int64(distance))
    for load in loads where address >= load.virtualAddress && address - load.virtualAddress < load.fileSize {
      let inside = address - load.virtualAddress
      return CallFramePlace(
        offset: load.fileOffset &+ inside, size: load.fileSize - inside, address: address, isOpenEnded: true)
    }
    return nil
  }
}
