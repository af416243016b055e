/// When the samples of a profile were taken: how many fell into each slot of time.
package struct Timeline: Equatable, Sendable {
  /// The samples of one value of the profile in one slot.
  package struct Entry: Hashable, Sendable {
    /// Counted from 0, the start of the capture.
    package let slot: Int32
    /// An index into `Profile.values`.
    package let value: Int32
    package let count: UInt64

    package init(slot: Int32, value: Int32, count: UInt64) {
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

  /// The number of slots up to the last one that has samples.
  package var slotCount: Int { Int((entries.last?.slot ?? -1) + 1) }
}
