import LinuxSystem
import ProfileModel
import Testing
import Unwinding

@testable import Capture

/// Samples that are labeled as they are read.
struct SampleLabelTests {
  private func sample(thread: Int32 = 7, time: UInt64 = 2) -> SampleRecord {
    SampleRecord(
      time: MonotonicTime(nanoseconds: time), process: ProcessID(rawValue: Int32.max - 1),
      thread: ThreadID(rawValue: thread), cpu: 0, threadName: "t", processName: "p", userEnd: .none,
      kernelEnd: .complete, userStack: [], kernelStack: [5])
  }

  /// Sums samples, of which each has the label with its own time.
  private func sum(_ times: [UInt64], limit: Int = 100) -> RawProfile {
    var aggregator = SampleAggregator(labelSetLimit: limit)
    aggregator.label = { sample in
      let time = sample.time.nanoseconds
      return time == 0 ? .empty : LabelSet([Label(key: "time", value: "\(time)")])
    }
    var tracker = ProcessTracker(scope: .all, includesChildren: true) { _ in .none }
    for time in times { aggregator.add(sample(time: time), tracker: &tracker) }
    return aggregator.rawProfile(sources: tracker.sources, periodNanoseconds: 10)
  }

  private func counts(_ raw: RawProfile) -> [String: UInt64] {
    Dictionary(
      uniqueKeysWithValues: raw.values.map { (raw.labels[$0.labels].labels.first?.value ?? "", $0.weight.count) })
  }

  @Test func `samples of one stack are summed by their labels`() {
    let raw = sum([1, 2, 1, 0, 1])
    #expect(counts(raw) == ["1": 3, "2": 1, "": 1])
    #expect(raw.stacks.nodes.count == 1)
    #expect(raw.timeline?.entries.map(\.count).sorted() == [1, 1, 3])
    #expect(raw.account.taken == 5)
  }

  @Test func `label sets beyond the limit are left out and counted`() {
    let raw = sum([1, 2, 3, 3, 1, 0], limit: 2)
    #expect(counts(raw) == ["1": 2, "2": 1, "": 3])
    #expect(raw.warnings == ["2 samples lost their labels: there are more than 2 sets of labels"])
  }

  @Test func `a state of the lock is a label, unless nothing is known of it`() {
    #expect(
      GILState.allCases.map { $0.labels.labels.map { "\($0.key)=\($0.value)" } } == [
        [], ["gil=held"], ["gil=none"], ["gil=waiting"],
      ])
  }

  @Test func `without a labeler there are no labels`() {
    var aggregator = SampleAggregator()
    var tracker = ProcessTracker(scope: .all, includesChildren: true) { _ in .none }
    for _ in 0..<3 { aggregator.add(sample(), tracker: &tracker) }
    let raw = aggregator.rawProfile(sources: tracker.sources, periodNanoseconds: 10)
    #expect(raw.labels.isEmpty)
    #expect(raw.values.map(\.labels) == [0])
  }
}
