import LinuxSystem
import ProfileModel
import Testing
import Unwinding

@testable import Capture

/// Samples and side-band records put together as a capture does it, without a kernel.
struct AggregationTests {
  /// A process that cannot exist, so that nothing is read from /proc.
  private let process = ProcessID(rawValue: Int32.max - 1)

  private func tracker(scope: ProcessTracker.Scope = .all) -> ProcessTracker {
    ProcessTracker(scope: scope, includesChildren: true) { _ in .none }
  }

  private func record(_ event: SidebandRecord.Event, _ process: ProcessID) -> SidebandRecord {
    SidebandRecord(
      time: MonotonicTime(nanoseconds: 1), process: process, thread: ThreadID(rawValue: process.rawValue), event: event)
  }

  private func file(_ path: String, start: UInt64, offset: UInt64 = 0) -> SidebandRecord.Event {
    .mapping(
      MemoryMapping(
        start: start, end: start + 0x1000, fileOffset: offset, device: 1, inode: UInt64(path.utf8.count), path: path))
  }

  private func sample(
    user: [UInt64] = [], kernel: [UInt64] = [], userEnd: StackEnd = .complete, kernelEnd: StackEnd = .none
  ) -> SampleRecord {
    SampleRecord(
      time: MonotonicTime(nanoseconds: 2), process: process, thread: ThreadID(rawValue: 7), cpu: 0, threadName: "t",
      processName: "p", userEnd: userEnd, kernelEnd: kernelEnd, userStack: user, kernelStack: kernel)
  }

  private func path(_ samples: [SampleRecord], _ tracker: inout ProcessTracker) -> [[Location]] {
    var aggregator = SampleAggregator()
    for sample in samples { aggregator.add(sample, tracker: &tracker) }
    let raw = aggregator.rawProfile(sources: tracker.sources, periodNanoseconds: 10)
    return raw.values.map { value in raw.stacks.path(to: value.stack).map { raw.locations[$0] } }
  }

  private func name(of address: UInt64, in process: ProcessID, _ tracker: inout ProcessTracker) -> String {
    let place = tracker.locate(address, in: process)
    return switch tracker.sources[Int(place.source)] {
    case .missing(let path), .file(_, let path): path
    case .kernel: "kernel"
    case .vdso: "vdso"
    case .anonymous: "anonymous"
    case .unmapped: "unmapped"
    }
  }

  @Test func `a leaf is looked up as it is and its callers inside the call`() {
    var tracker = tracker()
    tracker.apply(record(.name("x", isExec: true), process))
    tracker.apply(record(file("/nonexistent/a", start: 0x1000, offset: 0x400), process))

    let found = path([sample(user: [0x1010, 0x1020])], &tracker)

    #expect(found == [[.code(source: 2, address: 0x41f), .code(source: 2, address: 0x410)]])
  }

  @Test func `a stack cut short has a marker at its root`() {
    var tracker = tracker()

    let found = path([sample(user: [0x10], kernel: [0xffff], userEnd: .noFramePointer, kernelEnd: .complete)], &tracker)

    #expect(found.first?.first == .marker(.truncated(.noFramePointer)))
    #expect(found.first?.last == .code(source: CodeSources.kernel, address: 0xffff))
  }

  @Test func `a tick in user mode without user stacks is still a sample`() {
    var tracker = tracker()

    #expect(path([sample(userEnd: .none)], &tracker) == [[.marker(.userMode)]])
  }

  @Test func `equal stacks of a thread are one value with their sum and time`() {
    var tracker = tracker()
    var aggregator = SampleAggregator()
    for _ in 0..<3 { aggregator.add(sample(kernel: [5], userEnd: .none, kernelEnd: .complete), tracker: &tracker) }

    let raw = aggregator.rawProfile(sources: tracker.sources, periodNanoseconds: 10)

    #expect(raw.values.map(\.weight) == [Weight(count: 3, nanoseconds: 30)])
    #expect(raw.account.taken == 3)
  }

  @Test func `exec forgets the mappings of the program before`() {
    var tracker = tracker()
    tracker.apply(record(.name("a", isExec: true), process))
    tracker.apply(record(file("/nonexistent/a", start: 0x1000), process))
    tracker.apply(record(.name("b", isExec: true), process))
    tracker.apply(record(file("/nonexistent/bb", start: 0x1000), process))

    let found = name(of: 0x1004, in: process, &tracker)

    #expect(found == "/nonexistent/bb")
  }

  @Test func `a child has its parent's mappings until it runs another program`() {
    var tracker = tracker(scope: .listed)
    let child = ProcessID(rawValue: Int32.max - 2)
    var named = ProcessTracker(scope: .listed, includesChildren: true, processName: "x") { _ in .none }
    named.apply(record(.name("x", isExec: true), process))
    named.apply(record(file("/nonexistent/a", start: 0x1000), process))
    named.apply(record(.fork(parent: process), child))

    let followed = name(of: 0x1004, in: child, &named)
    let unknown = name(of: 0x1004, in: child, &tracker)

    #expect(followed == "/nonexistent/a")
    #expect(unknown == "unmapped")
  }

  @Test func `children are not followed where that was not asked for`() {
    let child = ProcessID(rawValue: Int32.max - 2)
    var tracker = ProcessTracker(scope: .listed, includesChildren: false, processName: "x") { _ in .none }
    tracker.apply(record(.name("x", isExec: true), process))
    tracker.apply(record(file("/nonexistent/a", start: 0x1000), process))
    tracker.apply(record(.fork(parent: process), child))

    let found = name(of: 0x1004, in: child, &tracker)

    #expect(found == "unmapped")
  }

  @Test func `dropped side-band records are counted`() {
    var tracker = tracker()
    tracker.apply(record(.lost(4), process))

    #expect(tracker.recordsLost == 4)
  }

  @Test func `the perf-map of a process is asked for once, and its refusal is told`() {
    var tracker = ProcessTracker(scope: .all, includesChildren: true) { _ in .refused("no") }
    tracker.apply(record(.name("x", isExec: true), process))
    tracker.apply(
      record(.mapping(MemoryMapping(start: 0, end: 9, fileOffset: 0, device: 0, inode: 0, path: "")), process))

    let first = tracker.locate(3, in: process)
    let second = tracker.locate(4, in: process)

    #expect(first.source == second.source)
    #expect(first.address == 3)
    #expect(tracker.warnings == ["no"])
  }
}
