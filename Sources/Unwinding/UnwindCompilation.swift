import ELF

/// The compilation of one section of call frame information to an `UnwindTable`, done piece by piece: one file of a
/// hundred megabytes must not keep the rest of a capture waiting.
struct UnwindCompilation {
  private enum Stage {
    case reading
    case decoding(next: Int)
    case done
  }

  private var stage = Stage.reading
  private var section: CallFrameSection
  private let code: [ELFFile.Segment]
  private var entries: [CallFrameSection.Entry] = []
  private var program: CallFrameProgram?
  private var builder = UnwindTableBuilder(from: 0)
  private var signalFrame = UnwindTableBuilder.unsupported
  private var damaged = 0
  /// Whether entries for no code of the file count as damaged.
  private let countsStrays: Bool

  /// More than any program's code spans: 4 GiB.
  static let maximumPages: UInt64 = 1 << 20
  /// Functions are padded to multiples of 16 bytes.
  private static let padding: UInt64 = 15

  /// - Parameters:
  ///   - section: of which nothing was read yet.
  ///   - code: the segments of the file that are mapped as code.
  ///   - countsStrays: whether entries for other addresses are damage; some linkers leave those of dropped functions.
  init(_ section: CallFrameSection, code: [ELFFile.Segment], countsStrays: Bool) {
    self.section = section
    self.code = code
    self.countsStrays = countsStrays
  }

  /// Goes on for about a number of the file's entries.
  ///
  /// - Returns: whether there is more to do.
  mutating func advance(entries count: Int) throws(UnwindError) -> Bool {
    switch stage {
    case .reading:
      if !section.read(atMost: count) { try sort() }
    case .decoding(let next):
      let end = next + min(count, entries.count - next)
      if let program { for index in next..<end { try decode(index, program) } }
      stage = end < entries.count ? .decoding(next: end) : .done
    case .done:
      return false
    }
    if case .done = stage { return false }
    return true
  }

  /// The table, once there is nothing more to do; nil where no entry makes sense.
  consuming func table() -> UnwindTable? {
    entries.isEmpty ? nil : builder.table(damagedEntries: damaged)
  }

  private mutating func sort() throws(UnwindError) {
    guard !section.hasTooMany else { throw .tooManyEntries }
    let code = FunctionRanges(merging: code)
    entries = section.entries.filter { entry in
      code.range(containing: entry.start)?.contains(entry.end &- 1) ?? false
    }
    damaged = section.damagedEntries + (countsStrays ? section.entries.count - entries.count : 0)
    guard !entries.isEmpty else {
      stage = .done
      return
    }
    entries.sort { ($0.start, $0.end) < ($1.start, $1.end) }
    guard (entries[entries.count - 1].end - entries[0].start) / UnwindTable.pageSize < Self.maximumPages else {
      throw .codeTooWide
    }
    builder = UnwindTableBuilder(from: entries[0].start)
    signalFrame = builder.number(of: UnwindRule(frameAddress: .signalFrame, framePointer: .unknown))
    program = CallFrameProgram(section)
    stage = .decoding(next: 0)
  }

  private mutating func decode(_ index: Int, _ program: CallFrameProgram) throws(UnwindError) {
    guard !builder.isFull else { throw .tooManyRows }
    let entry = entries[index]
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
}

extension CallFrameRow {
  /// Whether the row describes the frame that x86-64 Linux makes for a signal handler: the registers of the interrupted
  /// code in the `ucontext` that rsp points to (rsp itself at 160, rip at 168).
  fileprivate func isLinuxSignalFrame(in bytes: [UInt8]) -> Bool {
    guard case .expression(let range) = frameAddress else { return false }
    return AddressExpression.isValue(atStackPointer: 160, bytes, range)
  }
}

extension FunctionRanges {
  /// The addresses of segments, each once: they may overlap, and be many.
  fileprivate init(merging segments: [ELFFile.Segment]) {
    var ranges: [Range<UInt64>] = []
    for segment in segments.sorted(by: { $0.virtualAddress < $1.virtualAddress }) {
      let (end, overflow) = segment.virtualAddress.addingReportingOverflow(segment.fileSize)
      let range = segment.virtualAddress..<(overflow ? .max : end)
      if let last = ranges.last, last.upperBound >= range.lowerBound {
        ranges[ranges.count - 1] = last.lowerBound..<max(last.upperBound, range.upperBound)
      } else {
        ranges.append(range)
      }
    }
    self.init(ranges)
  }
}
