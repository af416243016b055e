import ProfileModel
import Testing

@Suite struct TimelineTests {
  private let timeline = Timeline(
    slotNanoseconds: 100,
    entries: [
      .init(slot: 0, value: 0, count: 2), .init(slot: 0, value: 1, count: 1), .init(slot: 3, value: 0, count: 5),
    ])

  private var profile: Profile {
    var stacks = StackTreeBuilder()
    let main = stacks.insert([0]) ?? -1
    let leaf = stacks.insert([0, 1]) ?? -1
    let thread = ProfiledThread(
      process: ProcessID(rawValue: 1), thread: ThreadID(rawValue: 1), processName: "p", name: "p")
    return Profile(
      frames: [Frame(function: "main"), Frame(function: "leaf")], threads: [thread], stacks: stacks.tree,
      values: [
        Profile.Value(thread: 0, stack: leaf, weight: Weight(count: 7, nanoseconds: 70)),
        Profile.Value(thread: 0, stack: main, weight: Weight(count: 1, nanoseconds: 10)),
      ], timeline: timeline)
  }

  @Test(arguments: [(0, 100, 0..<1), (0, 101, 0..<2), (99, 100, 0..<1), (350, 10_000, 3..<4), (500, 600, 4..<4)])
  func `a span has the slots that it touches`(start: UInt64, end: UInt64, slots: Range<Int>) {
    #expect(timeline.slots(touching: start..<end) == slots)
  }

  @Test func `a span has every slot to the end where it has no end`() {
    #expect(timeline.slots(touching: 0..<UInt64.max) == 0..<4)
    #expect(timeline.slots(touching: UInt64.max - 1..<UInt64.max) == 4..<4)
  }

  @Test func `the part of a profile in some slots has their samples and their time`() throws {
    let part = try #require(profile.during(1..<4))

    #expect(part.values.map(\.weight) == [Weight(count: 5, nanoseconds: 50)])
    #expect(part.timeline?.entries == [.init(slot: 3, value: 0, count: 5)])
    #expect(profile.during(0..<4)?.total == profile.total)
  }

  @Test func `a profile of sums has no parts`() {
    var sums = profile
    sums.timeline = nil
    #expect(sums.during(0..<4) == nil)
  }

  @Test func `a part of the stacks keeps its times`() {
    var merge = ProfileMerge()
    merge.add(profile, thread: { _ in true }) { $0.count == 1 ? $0 : nil }

    #expect(merge.profile.timeline?.entries == [.init(slot: 0, value: 0, count: 1)])
  }

  @Test func `stacks that become one have one count in a slot`() {
    var merge = ProfileMerge()
    merge.add(profile, thread: { _ in true }) { [$0[0]] }

    #expect(
      merge.profile.timeline?.entries == [.init(slot: 0, value: 0, count: 3), .init(slot: 3, value: 0, count: 5)])
  }

  @Test func `profiles of different times have none together`() {
    #expect(Profile.merged([profile, profile]).timeline == nil)
    #expect(Profile.merged([profile]).timeline == timeline)
  }
}
