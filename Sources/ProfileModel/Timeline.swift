/// When the samples of a profile were taken: how many fell into each slot of time.
package struct Timeline: Equatable, Sendable {
  /// The samples of one value of the profile in one slot.
  package struct Entry: Hashable, Sendable {
    /// Counted from 0, the start of the capture.
    package let slot: Int32
    /// An index into `Profile.values`.
    package let value: Int32
    package let count: UInt64
    /// What they weigh in the unit of the profile's amounts; nil where each weighs as much as any other.
    package let amount: UInt64?

    package init(slot: Int32, value: Int32, count: UInt64, amount: UInt64? = nil) {
      self.amount = amount
      self.slot = slot
      self.value = value
      self.count = count
    }
  }

  /// The length of a slot in ns, at least 1.
  package let slotNanoseconds: UInt64
  /// By slot, then by value; at most one for each pair of both, none without samples.
  package let entries: [Entry]

  package init(slotNanoseconds: UInt64, entries: [Entry]) {
    self.slotNanoseconds = slotNanoseconds
    self.entries = entries
  }

  /// The timeline of the same samples over other values.
  ///
  /// - Parameter index: where a value lies now; nil leaves its samples out.
  package func mapped(_ index: (Int) -> Int?) -> Timeline {
    let hasAmounts = entries.contains { $0.amount != nil }
    var sums: [Int64: Weight] = [:]
    for entry in entries {
      guard let value = index(Int(entry.value)) else { continue }
      sums[Int64(entry.slot) << 32 | Int64(value), default: .zero] += Weight(
        count: entry.count, nanoseconds: entry.amount ?? 0)
    }
    return Timeline(
      slotNanoseconds: slotNanoseconds,
      entries: sums.sorted { $0.key < $1.key }.map { key, sum in
        Entry(
          slot: Int32(key >> 32), value: Int32(truncatingIfNeeded: key), count: sum.count,
          amount: hasAmounts ? sum.nanoseconds : nil)
      })
  }

  /// The number of slots up to the last one that has samples.
  package var slotCount: Int { Int((entries.last?.slot ?? -1) + 1) }

  /// The slots that lie in a span of time or touch it.
  ///
  /// - Parameter span: ns since the start of the capture.
  package func slots(touching span: Range<UInt64>) -> Range<Int> {
    guard !span.isEmpty else { return 0..<0 }
    let first = Int(clamping: span.lowerBound / slotNanoseconds)
    let last = Int(clamping: (span.upperBound - 1) / slotNanoseconds)
    let end = slotCount
    return min(first, end)..<min(last < end ? last + 1 : end, end)
  }
}

extension Profile {
  /// Whether no value has more samples in its slots than in all.
  package var hasConsistentTimeline: Bool {
    var left = values.map(\.weight.count)
    for entry in timeline?.entries ?? [] {
      let (rest, overflow) = left[Int(entry.value)].subtractingReportingOverflow(entry.count)
      guard !overflow else { return false }
      left[Int(entry.value)] = rest
    }
    return true
  }

  /// The part of the profile that was recorded in some slots of its timeline; nil where only sums are known.
  ///
  /// Modules, frames, threads and stacks stay, also those that have no value left.
  package func during(_ slots: Range<Int>) -> Profile? {
    guard let timeline else { return nil }
    let kept = timeline.entries.filter { slots.contains(Int($0.slot)) }
    var counts = [UInt64](repeating: 0, count: values.count)
    var amounts = counts
    for entry in kept {
      counts[Int(entry.value)] += entry.count
      amounts[Int(entry.value)] += entry.amount ?? 0
    }
    let hasAmounts = kept.contains { $0.amount != nil }
    var part = self
    part.values = []
    var places = [Int?](repeating: nil, count: values.count)
    for (index, value) in values.enumerated() where counts[index] > 0 {
      places[index] = part.values.count
      let each = value.weight.count == 0 ? 0 : value.weight.nanoseconds / value.weight.count
      let (time, isTooLong) =
        hasAmounts ? (amounts[index], false) : counts[index].multipliedReportingOverflow(by: each)
      part.values.append(
        value.weighing(Weight(count: counts[index], nanoseconds: isTooLong ? value.weight.nanoseconds : time)))
    }
    part.timeline = Timeline(slotNanoseconds: timeline.slotNanoseconds, entries: kept).mapped { places[$0] }
    return part
  }
}
