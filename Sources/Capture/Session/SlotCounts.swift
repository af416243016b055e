import ProfileModel

/// Counts samples by the slot of time that they fall into. Slots become longer where there would be too many counts.
struct SlotCounts<Value: Hashable> {
  private struct Key: Hashable {
    let slot: Int32
    let value: Value
  }

  private var counts: [Key: UInt64] = [:]
  private var slotNanoseconds: UInt64
  private let limit: Int

  /// - Parameters:
  ///   - slotNanoseconds: the length of a slot, at the start.
  ///   - limit: the number of counts, of some 40 bytes each, at which slots become twice as long.
  init(slotNanoseconds: UInt64 = 100_000_000, limit: Int = 1 << 20) {
    self.slotNanoseconds = slotNanoseconds
    self.limit = limit
  }

  /// Counts a sample.
  ///
  /// - Parameter elapsed: the time since the start of the capture in ns.
  mutating func add(_ value: Value, elapsedNanoseconds elapsed: UInt64) {
    counts[Key(slot: Int32(clamping: elapsed / slotNanoseconds), value: value), default: 0] += 1
    if counts.count > limit { lengthen() }
  }

  private mutating func lengthen() {
    slotNanoseconds *= 2
    counts = counts.reduce(into: [:]) { $0[Key(slot: $1.key.slot / 2, value: $1.key.value), default: 0] += $1.value }
  }

  /// - Parameter index: where a value lies in the profile; nil leaves it out.
  func timeline(index: (Value) -> Int?) -> Timeline {
    let entries = counts.compactMap { key, count in
      index(key.value).map { Timeline.Entry(slot: key.slot, value: Int32($0), count: count) }
    }
    return Timeline(
      slotNanoseconds: slotNanoseconds, entries: entries.sorted { ($0.slot, $0.value) < ($1.slot, $1.value) })
  }
}
