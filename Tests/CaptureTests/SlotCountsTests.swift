import ProfileModel
import Testing

@testable import Capture

@Suite struct SlotCountsTests {
  @Test func `samples are counted by the slot that they fall into`() {
    var counts = SlotCounts<String>(slotNanoseconds: 100)
    for (value, time) in [("a", 0), ("a", 99), ("b", 99), ("a", 100), ("b", 950)] as [(String, UInt64)] {
      counts.add(value, elapsedNanoseconds: time)
    }

    let timeline = counts.timeline { $0 == "a" ? 4 : 2 }

    #expect(
      timeline
        == Timeline(
          slotNanoseconds: 100,
          entries: [
            .init(slot: 0, value: 2, count: 1), .init(slot: 0, value: 4, count: 2), .init(slot: 1, value: 4, count: 1),
            .init(slot: 9, value: 2, count: 1),
          ]))
    #expect(timeline.slotCount == 10)
  }

  @Test func `too many counts make slots longer, and none is lost`() {
    var counts = SlotCounts<Int>(slotNanoseconds: 10, limit: 8)
    for time in 0..<1000 { counts.add(time % 3, elapsedNanoseconds: UInt64(time)) }

    let timeline = counts.timeline { $0 }

    #expect(timeline.entries.count <= 8)
    #expect(timeline.slotNanoseconds == 640)
    #expect(timeline.entries.reduce(0) { $0 + $1.count } == 1000)
    // Of each value, what falls into the first slot of the final length.
    #expect(timeline.entries.filter { $0.slot == 0 }.map(\.count) == [214, 213, 213])
  }

  @Test func `a value that is not in the profile is left out`() {
    var counts = SlotCounts<Int>()
    counts.add(1, elapsedNanoseconds: 0)
    #expect(counts.timeline { _ in nil }.entries.isEmpty)
  }
}
