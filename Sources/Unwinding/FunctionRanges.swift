package import ELF

/// The ranges of code that the call frame information of a file describes: one for each function or part of one.
package struct FunctionRanges: Sendable {
  /// ELF virtual addresses, in ascending order of their starts.
  private let ranges: [Range<UInt64>]

  /// A file with more call frame information than this has no ranges: naming must not take that much memory.
  private static let maximumSectionSize = 64 << 20

  /// Reads the ranges; nil for a file without call frame information, or with none that can be read.
  package init?(_ file: ELFFile) {
    guard let place = try? file.callFrameSection(),
      let bytes = try? file.source.bytes(
        at: place.offset, count: place.size, of: .callFrames, limit: Self.maximumSectionSize)
    else { return nil }
    var section = CallFrameSection(unread: bytes, address: place.address, endsAtZero: place.isOpenEnded)
    while section.read(atMost: .max) {}
    guard !section.hasTooMany else { return nil }
    self.init(section.entries.map { $0.start..<max($0.start, $0.end) })
  }

  package init(_ ranges: [Range<UInt64>]) {
    self.ranges = ranges.sorted { ($0.lowerBound, $0.upperBound) < ($1.lowerBound, $1.upperBound) }
  }

  /// The range that holds an address; of several, the one that starts last.
  package func range(containing address: UInt64) -> Range<UInt64>? {
    let next = firstIndex(after: address)
    guard next > 0, ranges[next - 1].contains(address) else { return nil }
    return ranges[next - 1]
  }

  /// The start of the first range behind an address.
  package func nextStart(after address: UInt64) -> UInt64? {
    let next = firstIndex(after: address)
    return next < ranges.count ? ranges[next].lowerBound : nil
  }

  private func firstIndex(after address: UInt64) -> Int {
    var low = 0
    var high = ranges.count
    while low < high {
      let middle = (low + high) / 2
      if ranges[middle].lowerBound > address { high = middle } else { low = middle + 1 }
    }
    return low
  }
}
