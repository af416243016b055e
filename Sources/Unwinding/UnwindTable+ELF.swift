package import ELF

extension UnwindTable {
  private static let maximumSectionSize = 256 << 20
  /// More than any program's code spans: 4 GiB.
  private static let maximumPages: UInt64 = 1 << 20
  /// Functions are padded to multiples of 16 bytes.
  private static let padding: UInt64 = 15

  /// Compiles the call frame information of a file; nil where there is none, and for other machines than x86-64.
  package init?(_ file: ELFFile) throws(UnwindError) {
    guard file.machine == ELFFile.Machine.x86 else { return nil }
    guard let section = try Self.section(of: file) else { return nil }
    try self.init(section, code: file.loads.filter(\.isExecutable))
  }

  private static func section(of file: ELFFile) throws(UnwindError) -> CallFrameSection? {
    do throws(ELFError) {
      guard let place = try file.callFrameSection() else { return nil }
      let bytes = try file.source.bytes(
        at: place.offset, count: place.size, of: .callFrames, limit: maximumSectionSize)
      return CallFrameSection(bytes, address: place.address, endsAtZero: place.isOpenEnded)
    } catch {
      throw .file(error)
    }
  }

  /// - Parameter code: where the addresses of entries may lie.
  init?(_ section: CallFrameSection, code: [ELFFile.Segment]) throws(UnwindError) {
    var damaged = section.damagedEntries
    var entries = section.entries.filter { entry in
      code.contains { $0.contains(entry.start) && $0.contains(entry.end &- 1) }
    }
    damaged += section.entries.count - entries.count
    guard !entries.isEmpty else { return nil }
    entries.sort { ($0.start, $0.end) < ($1.start, $1.end) }
    guard (entries[entries.count - 1].end - entries[0].start) / Self.pageSize < Self.maximumPages else {
      throw .codeTooWide
    }
    var builder = UnwindTableBuilder(from: entries[0].start)
    var program = CallFrameProgram(section)
    let signalFrame = builder.number(of: UnwindRule(frameAddress: .signalFrame, framePointer: .unknown))
    for (index, entry) in entries.enumerated() {
      guard !builder.isFull else { throw .tooManyRows }
      // Of two entries that overlap, the one that starts later holds.
      let next = index + 1 < entries.count ? entries[index + 1].start : .max
      let limit = min(entry.end, next)
      let isSignalFrame = section.common[entry.common].isSignalFrame
      let isWhole = program.run(entry) { address, row in
        guard address < limit else { return }
        guard let row else { return builder.add(UnwindTableBuilder.unsupported, at: address) }
        if isSignalFrame, row.isLinuxSignalFrame(in: section.bytes) { return builder.add(signalFrame, at: address) }
        builder.add(builder.rule(row, in: section.bytes), at: address)
      }
      if !isWhole { damaged += 1 }
      if limit == entry.end, next &- limit > Self.padding { builder.add(UnwindTableBuilder.gap, at: limit) }
    }
    self = builder.table(damagedEntries: damaged)
  }
}

extension CallFrameRow {
  /// Whether the row describes the frame that x86-64 Linux makes for a signal handler: the registers of the interrupted
  /// code in the `ucontext` that rsp points to (rsp itself at 160, rip at 168).
  fileprivate func isLinuxSignalFrame(in bytes: [UInt8]) -> Bool {
    guard case .expression(let range) = frameAddress else { return false }
    return AddressExpression.isValue(atStackPointer: 160, bytes, range)
  }
}

extension ELFFile.Segment {
  fileprivate func contains(_ address: UInt64) -> Bool {
    address >= virtualAddress && address - virtualAddress < fileSize
  }
}
