import ProfileModel

/// The form in which a timeline is stored: about three bytes an entry.
///
/// Entries come by slot, then by value. All numbers are varints (see `VarintWriter`):
///
///     timeline = slot length in ns, entry*   until the end of the bytes
///     entry    = step value count
///     step     = the slot minus that of the entry before, which is 0 at the start
///     value    = when step is 0, the value's number minus that of the entry before, which is 0 at the start; else the
///                value's number. Values are numbered as they are read: thread by thread, in the order of their weights.
enum TimelineCoding {
  static func encode(_ timeline: Timeline) -> [UInt8] {
    var writer = VarintWriter(capacity: 10 + timeline.entries.count * 4)
    writer.append(timeline.slotNanoseconds)
    var slot: Int32 = 0
    var value: Int32 = 0
    for entry in timeline.entries {
      writer.append(UInt64(entry.slot - slot))
      writer.append(UInt64(entry.slot == slot ? entry.value - value : entry.value))
      writer.append(entry.count)
      (slot, value) = (entry.slot, entry.value)
    }
    return writer.bytes
  }

  /// - Parameter valueCount: the number of the task's values, which every value is below.
  static func decode(_ bytes: [UInt8], valueCount: Int) throws(VarintReader.Malformed) -> Timeline {
    var reader = VarintReader(bytes)
    let length = try reader.next()
    guard length > 0 else { throw reader.malformed }
    var entries: [Timeline.Entry] = []
    var slot = 0
    var value = 0
    var total: UInt64 = 0
    while !reader.isAtEnd {
      let step = try reader.next(atMost: Int(Int32.max) - 1 - slot)
      slot += step
      if step > 0 { value = 0 }
      value += try reader.next(atMost: valueCount - 1 - value)
      guard value < valueCount else { throw reader.malformed }
      let count = try reader.next()
      // Readers rely on sums and times that fit.
      let sum = total.addingReportingOverflow(count)
      guard !sum.overflow, !UInt64(slot + 1).multipliedReportingOverflow(by: length).overflow else {
        throw reader.malformed
      }
      total = sum.partialValue
      entries.append(Timeline.Entry(slot: Int32(slot), value: Int32(value), count: count))
    }
    return Timeline(slotNanoseconds: length, entries: entries)
  }
}
