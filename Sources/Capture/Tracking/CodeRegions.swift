import ProfileModel

/// Where stretches of code without a file begin, in each of the sources that they are of: code that nothing names counts
/// as one function for each of them.
package struct CodeRegions: Sendable, Equatable {
  /// By ascending address.
  private var starts: [SourceIndex: [UInt64]] = [:]
  /// Of one source.
  private static let maximumCount = 1 << 16

  package init() {}

  /// Notes where the code around a place begins.
  mutating func note(_ start: UInt64, in source: SourceIndex) {
    let known = starts[source] ?? []
    let index = known.partitioningIndex { $0 >= start }
    guard known.count < Self.maximumCount, index == known.count || known[index] != start else { return }
    starts[source, default: []].insert(start, at: index)
  }

  mutating func forget(_ sources: Set<SourceIndex>) {
    for source in sources { starts[source] = nil }
  }

  /// Where the code around an address begins; nil where that was not noted.
  package func start(before address: UInt64, in source: SourceIndex) -> UInt64? {
    guard let starts = starts[source] else { return nil }
    let index = starts.partitioningIndex { $0 > address }
    return index > 0 ? starts[index - 1] : nil
  }
}
