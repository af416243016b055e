import Foundation
import GRDB
import Pprof
import ProfileModel
import SeededRandom
import Testing

@testable import Storage

@Suite struct LabelCodingTests {
  private func entry(_ stack: Int32, _ labels: Int32) -> WeightCoding.Entry {
    WeightCoding.Entry(stack: stack, labels: labels, weight: Weight(count: 2, nanoseconds: 20))
  }

  @Test func `weights without labels have the bytes of before, and none for labels`() {
    let entries = [entry(3, 0), entry(1, 0)]
    #expect(WeightCoding.encode(entries) == [10, 1, 2, 0, 2, 2, 0])
    #expect(LabelCoding.encode(entries) == nil)
  }

  @Test func `a stack with several label sets comes back once for each`() throws {
    let entries = [entry(3, 2), entry(1, 0), entry(3, 0), entry(3, 1)]
    let bytes = try #require(LabelCoding.encode(entries))
    #expect(bytes == [0, 0, 1, 2])
    var read = try WeightCoding.decode(WeightCoding.encode(entries), nodeCount: 4)
    try LabelCoding.decode(bytes, setCount: 2, into: &read)
    #expect(read == entries.sorted(by: WeightCoding.Entry.precedes))
  }

  @Test(arguments: [[], [0], [0, 3], [0, 1, 1], [0, 0x80], [0, 0xFF, 0xFF, 0xFF, 0xFF, 0x7F]] as [[UInt8]])
  func `labels of another form are refused`(bytes: [UInt8]) {
    var entries = [entry(1, 0), entry(2, 0)]
    #expect(throws: VarintReader.Malformed.self) { try LabelCoding.decode(bytes, setCount: 2, into: &entries) }
  }
}

@Suite struct LabelStoreTests {
  private let directory: TemporaryDirectory

  init() throws { directory = try TemporaryDirectory() }

  /// Values of the same threads and stacks under random labels, among them keys that pprof gives to threads.
  private static func randomProfile(_ draw: inout SplitMix) -> Profile {
    let texts = ["pid", "run", "label.pid", "request", "label.", "é", "a b", "", "x\0y", "7"]
    var profile = Sample.profile
    profile.values = []
    profile.timeline = nil
    var isUsed: Set<[Int32]> = []
    for _ in 0..<Int.random(in: 1...60, using: &draw) {
      let labels = (0..<Int.random(in: 0...3, using: &draw)).map { _ in
        Label(key: texts.randomElement(using: &draw) ?? "", value: texts.randomElement(using: &draw) ?? "")
      }
      let number = profile.labels.number(of: LabelSet(labels))
      let thread = Int.random(in: 0..<3, using: &draw)
      let stack = Int32.random(in: 0..<Int32(profile.stacks.nodes.count), using: &draw)
      guard isUsed.insert([Int32(thread), stack, number]).inserted else { continue }
      let count = UInt64.random(in: 1...1000, using: &draw)
      profile.values.append(
        Profile.Value(
          thread: thread, stack: stack, labels: number, weight: Weight(count: count, nanoseconds: count * 7)))
    }
    profile.values.sort { ($0.thread, $0.stack, $0.labels) < ($1.thread, $1.stack, $1.labels) }
    profile.timeline = Timeline(
      slotNanoseconds: 100, entries: profile.values.indices.map { .init(slot: 3, value: Int32($0), count: 1) })
    return profile
  }

  /// How much each label set of each thread weighs, by the functions of its stack.
  private func weights(_ profile: Profile) -> [String: Weight] {
    profile.values.reduce(into: [:]) { sums, value in
      let functions = profile.stacks.path(to: value.stack).map { profile.frames[$0].function }
      let thread = profile.threads[value.thread].thread
      sums["\(thread) \(functions) \(profile.labels[value.labels].labels)", default: .zero] += value.weight
    }
  }

  @Test func `labels survive the store, a merge and a pprof file`() throws {
    var draw = SplitMix(state: 5)
    let store = try TaskStore.open(path: directory.database)
    for _ in 0..<20 {
      let profiles = (0..<2).map { _ in Self.randomProfile(&draw) }
      let loaded = try profiles.map { try store.profile(of: store.add(profile: $0)) }
      #expect(loaded == profiles)
      let merged = Profile.merged(loaded)
      let read = try PprofReader.read(PprofWriter.render(Sample.task(), merged)).profile
      #expect(weights(read) == weights(merged))
      #expect(merged.total.count == profiles.reduce(0) { $0 + $1.total.count })
    }
  }

  @Test func `a profile without labels has no rows and no bytes for them`() throws {
    let id = try TaskStore.open(path: directory.database).add()
    let queue = try DatabaseQueue(path: directory.database)
    let counts = try queue.read { database in
      try [
        Int.fetchOne(database, sql: "SELECT count(*) FROM label_set"),
        Int.fetchOne(database, sql: "SELECT count(labels) FROM thread WHERE task = ?", arguments: [id.rawValue]),
      ]
    }
    #expect(counts == [0, 0])
  }

  @Test func `the label sets of a removed task go with it`() throws {
    var draw = SplitMix(state: 6)
    let store = try TaskStore.open(path: directory.database)
    let id = try store.add(profile: Self.randomProfile(&draw))
    try store.remove([id])
    let queue = try DatabaseQueue(path: directory.database)
    #expect(try queue.read { try Int.fetchOne($0, sql: "SELECT count(*) FROM label_set") } == 0)
  }

  @Test(arguments: [
    ("UPDATE label_set SET number = 9 WHERE number = 1", "its labels are damaged, column 'number'"),
    ("UPDATE label_set SET number = -1 WHERE number = 1", "its labels are damaged, column 'number'"),
    ("DELETE FROM label_set", "its threads are damaged at byte"),
    ("UPDATE thread SET labels = x'ff'", "its threads are damaged at byte"),
    ("UPDATE thread SET labels = x''", "its threads are damaged at byte"),
  ])
  func `damaged labels are reported`(change: String, detail: String) throws {
    var draw = SplitMix(state: 7)
    let id = try TaskStore.open(path: directory.database).add(profile: Self.randomProfile(&draw))
    let queue = try DatabaseQueue(path: directory.database)
    try queue.write { try $0.execute(sql: change) }
    try queue.close()
    let error = #expect(throws: StoreError.self) {
      try TaskStore.openReadOnly(path: directory.database).profile(of: id)
    }
    #expect(error?.description.contains(detail) == true)
  }

  @Test func `sets that damage has made equal are one`() throws {
    let labels = ["1", "2"].map { LabelSet([Label(key: "request", value: $0)]) }
    var profile = Sample.profile
    profile.timeline = nil
    profile.values = labels.map {
      Profile.Value(
        thread: 0, stack: 0, labels: profile.labels.number(of: $0), weight: Weight(count: 1, nanoseconds: 1))
    }
    let id = try TaskStore.open(path: directory.database).add(profile: profile)
    let queue = try DatabaseQueue(path: directory.database)
    try queue.write { try $0.execute(sql: "UPDATE label_set SET value = '1'") }
    try queue.close()
    let read = try TaskStore.openReadOnly(path: directory.database).profile(of: id)
    #expect(read.labels.sets == [labels[0]])
    #expect(read.values.map(\.labels) == [1, 1])
  }
}
