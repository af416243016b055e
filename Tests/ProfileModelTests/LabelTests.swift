import ProfileModel
import Testing

@Suite struct LabelTests {
  private let request = Label(key: "request", value: "7")
  private let span = Label(key: "span", value: "cart")

  @Test func `the order of labels does not matter, and each counts once`() {
    #expect(LabelSet([request, span]) == LabelSet([span, request, span]))
    #expect(LabelSet([span, request]).labels == [request, span])
    #expect(LabelSet([request]) != LabelSet([span]))
  }

  @Test func `a key may have several values`() {
    let set = LabelSet([request, Label(key: "request", value: "8")])
    #expect(set.labels.map(\.value) == ["7", "8"])
    #expect(set.contains(request))
    #expect(!set.contains(span))
  }

  @Test func `a zero byte becomes a character that stores keep`() {
    #expect(Label(key: "a\0", value: "\0b") == Label(key: "a\u{FFFD}", value: "\u{FFFD}b"))
  }

  @Test func `equal sets have one number, and the empty set is 0`() {
    var table = LabelTable()
    #expect(table.number(of: .empty) == 0)
    #expect(table.isEmpty)
    #expect(table.number(of: LabelSet([request, span])) == 1)
    #expect(table.number(of: LabelSet([span])) == 2)
    #expect(table.number(of: LabelSet([span, request])) == 1)
    #expect(table[0].isEmpty)
    #expect(table[2] == LabelSet([span]))
  }

  @Test func `a full table knows its sets and the empty one`() {
    var table = LabelTable()
    #expect(table.number(of: LabelSet([request]), limit: 1) == 1)
    #expect(table.number(of: LabelSet([span]), limit: 1) == nil)
    #expect(table.number(of: LabelSet([request]), limit: 1) == 1)
    #expect(table.number(of: .empty, limit: 1) == 0)
  }

  @Test func `sets of another table get numbers of this one`() {
    var table = LabelTable()
    var other = LabelTable()
    _ = table.number(of: LabelSet([span]))
    _ = other.number(of: LabelSet([request]))
    _ = other.number(of: LabelSet([span]))
    #expect(table.add(other) == [0, 2, 1])
  }

  @Test func `a value takes no more memory for its labels`() {
    struct Unlabeled {
      let thread: Int
      let stack: Int32
      let weight: Weight
      let extremes: ClosedRange<UInt64>?
    }
    #expect(MemoryLayout<Profile.Value>.size == MemoryLayout<Unlabeled>.size)
  }
}

@Suite struct LabeledProfileTests {
  private func profile(_ values: [(labels: [Label], count: UInt64)], timeline: Timeline? = nil) -> Profile {
    let thread = ProfiledThread(
      process: ProcessID(rawValue: 1), thread: ThreadID(rawValue: 1), processName: "p", name: "p")
    var stacks = StackTreeBuilder()
    let stack = stacks.insert([0]) ?? -1
    var profile = Profile(frames: [Frame(function: "main")], threads: [thread], stacks: stacks.tree)
    profile.values = values.map { labels, count in
      Profile.Value(
        thread: 0, stack: stack, labels: profile.labels.number(of: LabelSet(labels)),
        weight: Weight(count: count, nanoseconds: count * 10), extremes: count...count)
    }
    profile.timeline = timeline
    return profile
  }

  private let a = Label(key: "request", value: "a")
  private let b = Label(key: "request", value: "b")
  private let timeline = Timeline(
    slotNanoseconds: 100,
    entries: [
      .init(slot: 0, value: 0, count: 2), .init(slot: 0, value: 1, count: 1), .init(slot: 1, value: 2, count: 4),
    ])

  @Test func `values of equal labels are merged, those of others stay apart`() {
    let merged = Profile.merged([profile([([a], 1), ([], 2)]), profile([([b], 4), ([a, a], 8), ([], 16)])])
    let counts = Dictionary(uniqueKeysWithValues: merged.values.map { (merged.labels[$0.labels], $0.weight.count) })
    #expect(counts == [LabelSet([a]): 9, .empty: 18, LabelSet([b]): 4])
    #expect(merged.stacks.nodes.count == 1)
  }

  @Test func `without labels there is one value for each stack, with all times`() {
    let plain = profile([([a], 2), ([b], 1), ([], 4)], timeline: timeline).withoutLabels
    #expect(plain.values.map(\.weight.count) == [7])
    #expect(plain.values[0].extremes == 1...4)
    #expect(plain.labels.isEmpty)
    #expect(plain.timeline?.entries == [.init(slot: 0, value: 0, count: 3), .init(slot: 1, value: 0, count: 4)])
  }

  @Test func `a profile without labels stays as it is`() {
    let one = profile([([], 3)])
    #expect(one.withoutLabels == one)
  }

  @Test func `a span of time keeps the labels of its values`() throws {
    let part = try #require(profile([([a], 2), ([b], 1), ([], 4)], timeline: timeline).during(0..<1))
    #expect(part.values.map { part.labels[$0.labels] } == [LabelSet([a]), LabelSet([b])])
  }

  @Test func `amounts keep the labels of their values`() {
    let labeled = profile([([a], 2), ([b], 1)])
    #expect(labeled.weighedByAmount.values.map(\.labels) == [1, 2])
    #expect(labeled.withoutAmounts.values.map(\.labels) == [1, 2])
  }
}
