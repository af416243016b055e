/// An index into `CodeSources.sources`.
package typealias SourceIndex = Int32

/// The executable mappings of one process between two execs.
struct AddressSpace {
  struct Region: Equatable {
    var start: UInt64
    var end: UInt64
    /// The address that `start` has in the source: a file offset for files.
    var sourceStart: UInt64
    var source: SourceIndex
    /// Whether it is anonymous memory that holds a copy of the source's bytes.
    var isCopy = false
  }

  /// When the program that has mapped them began: the time of the record of its exec, or of the fork of its process, in
  /// ns. Tells mappings of one program from those of the next one.
  var programStart: UInt64 = 0

  /// In ascending order, without overlap.
  private(set) var regions: [Region] = []

  /// Puts a mapping in place of whatever lay there before (mmap(2), MAP_FIXED).
  mutating func insert(_ region: Region) {
    let first = regions.partitioningIndex { $0.end > region.start }
    var last = first
    var replacement: [Region] = []
    while last < regions.count, regions[last].start < region.end {
      let old = regions[last]
      if old.start < region.start {
        replacement.append(
          Region(
            start: old.start, end: region.start, sourceStart: old.sourceStart, source: old.source, isCopy: old.isCopy))
      }
      if old.end > region.end {
        let offset = region.end - old.start
        replacement.append(
          Region(
            start: region.end, end: old.end, sourceStart: old.sourceStart &+ offset, source: old.source,
            isCopy: old.isCopy))
      }
      last += 1
    }
    replacement.insert(region, at: replacement.first.map { $0.start < region.start ? 1 : 0 } ?? 0)
    regions.replaceSubrange(first..<last, with: replacement)
  }

  /// Whether regions fill a range of addresses without a gap, and each satisfies a predicate.
  func isFilled(_ range: Range<UInt64>, with isExpected: (Region) -> Bool) -> Bool {
    var place = range.lowerBound
    while place < range.upperBound {
      guard let region = region(containing: place), isExpected(region) else { return false }
      place = region.end
    }
    return true
  }

  func region(containing address: UInt64) -> Region? { index(of: address).map { regions[$0] } }

  /// Where the regions of one source begin that lie side by side around an address.
  func startOfStretch(around address: UInt64) -> UInt64? {
    guard var index = index(of: address) else { return nil }
    while index > 0, regions[index - 1].end == regions[index].start, regions[index - 1].source == regions[index].source
    {
      index -= 1
    }
    return regions[index].start
  }

  private func index(of address: UInt64) -> Int? {
    let index = regions.partitioningIndex { $0.end > address }
    return index < regions.count && regions[index].start <= address ? index : nil
  }
}

extension Array {
  /// The first index whose element, and all after it, satisfy a predicate; O(log count).
  func partitioningIndex(where belongsInSecond: (Element) -> Bool) -> Int {
    var low = 0
    var high = count
    while low < high {
      let middle = (low + high) / 2
      if belongsInSecond(self[middle]) { high = middle } else { low = middle + 1 }
    }
    return low
  }
}
