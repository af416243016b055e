extension ELFFile {
  /// Where the bytes of an ELF virtual address are in the file, and how many of its segment follow; nil for an address
  /// without any.
  package func fileRange(from address: UInt64) -> (offset: UInt64, size: UInt64)? {
    for load in loads where address >= load.virtualAddress && address - load.virtualAddress < load.fileSize {
      let inside = address - load.virtualAddress
      let (offset, overflow) = load.fileOffset.addingReportingOverflow(inside)
      return overflow ? nil : (offset, load.fileSize - inside)
    }
    return nil
  }
}
