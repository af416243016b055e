import ELF
import LinuxSystem

/// A part of a file's code that a process runs from anonymous memory in the place where the file belongs: programs copy
/// their own code there to have it in large pages (PHP, Node.js, HHVM).
struct CopiedCode: Equatable {
  /// Where it lies, whole pages.
  let addresses: Range<UInt64>
  /// The file offset of its first byte.
  let fileOffset: UInt64
  /// The file offsets of the segment that it is from; what stands in its pages around them does not count.
  private let content: Range<UInt64>

  /// The code that belongs around an address if a file is loaded as one of its mappings shows.
  ///
  /// - Parameters:
  ///   - region: the anonymous memory around the address.
  ///   - mapping: any mapping of the file.
  ///   - segments: those of the file.
  init?(around address: UInt64, in region: Range<UInt64>, by mapping: MemoryMapping, of segments: [ELFFile.Segment]) {
    let bases = segments.compactMap { segment -> UInt64? in
      guard let pages = Pages(segment), pages.offsets.contains(mapping.fileOffset) else { return nil }
      return mapping.start &- (mapping.fileOffset - pages.offsets.lowerBound) &- pages.address
    }
    for base in bases {
      for segment in segments where segment.isExecutable {
        guard let pages = Pages(segment) else { continue }
        let start = base &+ pages.address
        let (end, overflow) = start.addingReportingOverflow(UInt64(pages.offsets.count))
        guard !overflow, start <= address, address < end else { continue }
        addresses = max(start, region.lowerBound)..<min(end, region.upperBound)
        fileOffset = pages.offsets.lowerBound + (addresses.lowerBound - start)
        content = segment.fileOffset..<segment.fileOffset + segment.fileSize
        return
      }
    }
    return nil
  }

  /// The pages that a segment is mapped in.
  private struct Pages {
    let offsets: Range<UInt64>
    let address: UInt64

    /// Nil for a segment that cannot be mapped.
    init?(_ segment: ELFFile.Segment) {
      let page = UInt64(Host.pageSize)
      let (end, overflow) = segment.fileOffset.addingReportingOverflow(segment.fileSize)
      guard !overflow, end <= UInt64(Int.max), segment.fileSize > 0,
        segment.fileOffset % page == segment.virtualAddress % page
      else { return nil }
      offsets = segment.fileOffset / page * page..<(end + page - 1) / page * page
      address = segment.virtualAddress / page * page
    }
  }

  /// Copies up to this size are compared as a whole, larger ones here and there.
  private static let comparedWhole: UInt64 = 4 << 20
  private static let blockSize: UInt64 = 1 << 16
  /// Of a large copy.
  private static let blockCount: UInt64 = 64
  /// Breakpoints change a byte here and there.
  private static let bytesForEachChange = 1024

  /// Whether the memory holds what the file does.
  ///
  /// - Parameters:
  ///   - address: a place that runs, which is looked at in any case.
  ///   - memory: reads the memory of the process; fewer bytes where it ends.
  func isCopy(
    of file: OpenFile, around address: UInt64, memory: (_ address: UInt64, _ count: Int) -> [UInt8]?
  ) -> Bool {
    let size = UInt64(addresses.count)
    let step = size <= Self.comparedWhole ? Self.blockSize : size / Self.blockCount / Self.blockSize * Self.blockSize
    let places = Array(stride(from: 0, to: size, by: Int(max(step, Self.blockSize))))
    var compared = 0
    var changed = 0
    for place in [(address - addresses.lowerBound) / Self.blockSize * Self.blockSize] + places {
      let start = max(fileOffset + place, content.lowerBound)
      let end = min(fileOffset + min(place + Self.blockSize, size), content.upperBound)
      guard start < end else { continue }
      let count = Int(end - start)
      guard let expected = try? file.read(from: Int(start), limit: count, chunkSize: count), expected.count == count,
        let found = memory(addresses.lowerBound + (start - fileOffset), count), found.count == count
      else { return false }
      compared += count
      if found != expected { changed += zip(found, expected).count { $0 != $1 } }
      guard changed <= compared / Self.bytesForEachChange else { return false }
    }
    return compared > 0
  }
}
