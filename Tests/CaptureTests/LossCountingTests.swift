import CProbes
import LinuxSystem
import ProfileModel
import Testing
import Unwinding

@testable import Capture

/// Losses that no kernel can be made to have: each counter under its own name, and none under two.
struct LossCountingTests {
  @Test func `each counter of the network programs is one loss, but for those that count no loss`() {
    let harmless = [SWPROF_NETWORK_CONNECTIONS, SWPROF_NETWORK_TLS_BYSTANDERS]
    var named: [NetworkLoss] = []
    for number in 0..<SWPROF_NETWORK_COUNTER_MAX.rawValue {
      let counter = swprof_network_counter(number)
      let losses = NetworkCounters.losses([counter: 3], targetsMissed: 0)
      if harmless.contains(counter) {
        #expect(losses == [:])
      } else {
        #expect(losses.count == 1 && losses.values.first == 3, "counter \(number)")
        named += losses.keys
      }
    }
    #expect(Set(named).count == named.count)
    #expect(
      Set(named).isSuperset(of: [
        .payloadSkipped, .threadTableFull, .payloadUnreadable, .tlsUnbound, .messageLost, .responseUnmatched,
      ]))
    #expect(NetworkCounters.losses([:], targetsMissed: 4) == [.targetTableFull: 4])
    #expect(NetworkCounters.losses([:], targetsMissed: 0) == [:])
  }

  @Test func `what following has missed is in the account, each under its name`() {
    let expected: [(WritableKeyPath<TrackingLosses, UInt64>, DefectCause)] = [
      (\.targets, .targetTableFull), (\.records, .mappingRecordsLost), (\.malformed, .mappingRecordMalformed),
      (\.tables, .unwindTableFull), (\.lateCPUs, .cpuCameLate), (\.deafCPUs, .cpuNotSampled),
      (\.throttled, .samplingThrottled),
    ]
    for (place, cause) in expected {
      var losses = TrackingLosses()
      losses[keyPath: place] = 2
      var account = SampleAccount()
      losses.note(in: &account)
      #expect(account.defects == [cause: 2])
    }
  }

  @Test(
    arguments: [
      (.tooDeep, .stackTooDeep), (.unreadable, .stackUnreadable), (.noFramePointer, .stackBroken),
      (.unmapped, .stackUnmapped), (.unsupported, .stackUnsupported), (.corrupt, .stackCorrupt),
      (.notReady, .stackNotReady), (.doubted, .callerDoubted), (.compat, .stackCompat),
    ] as [(StackEnd, DefectCause)])
  func `each way in which a user stack is not whole is counted`(end: StackEnd, cause: DefectCause) {
    var aggregator = SampleAggregator()
    var tracker = ProcessTracker(scope: .listed, includesChildren: false) { _ in .none }
    aggregator.add(sample(userEnd: end, kernelEnd: .none), tracker: &tracker)
    #expect(aggregator.account.defects == [cause: 1])
  }

  @Test(
    arguments: [(.tooDeep, .kernelStackTooDeep), (.unreadable, .kernelStackUnreadable)] as [(StackEnd, DefectCause)])
  func `each way in which a kernel stack is not whole is counted`(end: StackEnd, cause: DefectCause) {
    var aggregator = SampleAggregator()
    var tracker = ProcessTracker(scope: .listed, includesChildren: false) { _ in .none }
    aggregator.add(sample(userEnd: .complete, kernelEnd: end), tracker: &tracker)
    #expect(aggregator.account.defects == [cause: 1])
  }

  private func sample(userEnd: StackEnd, kernelEnd: StackEnd) -> SampleRecord {
    SampleRecord(
      time: MonotonicTime(nanoseconds: 2), process: ProcessID(rawValue: Int32.max - 1), thread: ThreadID(rawValue: 7),
      cpu: 0, threadName: "t", processName: "p", userEnd: userEnd, kernelEnd: kernelEnd, userStack: [0x10],
      kernelStack: [])
  }

  @Test func `records that cannot be decoded are counted`() {
    #expect(throws: (any Error).self) { try SampleRecord(decoding: [1, 2, 3]) }
    #expect(throws: (any Error).self) { try OffCPURecord(decoding: [9, 9, 9, 9]) }
    var samples = SampleAggregator()
    samples.countMalformed()
    var intervals = IntervalAggregator(wakeUpCode: 0..<0)
    intervals.countMalformed()
    #expect(samples.account.losses == [.recordMalformed: 1])
    #expect(intervals.account.losses == [.recordMalformed: 1])
  }

  @Test func `records that the kernel dropped are counted by the tracker`() {
    var tracker = ProcessTracker(scope: .all, includesChildren: false) { _ in .none }
    for count in [3, 4] as [UInt64] { tracker.apply(lost(count)) }
    #expect(tracker.recordsLost == 7)
  }

  private func lost(_ count: UInt64) -> SidebandRecord {
    SidebandRecord(
      time: MonotonicTime(nanoseconds: 1), process: ProcessID(rawValue: 0), thread: ThreadID(rawValue: 0),
      event: .lost(count))
  }

  @Test func `dropped records are those of others where no process that is followed has changed`() throws {
    var tracker = ProcessTracker(scope: .listed, includesChildren: true) { _ in .none }
    tracker.apply(lost(3))
    #expect((tracker.recordsLost, tracker.otherRecordsLost) == (0, 3))

    tracker.follow(ProcessTable.own)
    let mapping = MemoryMapping(start: 0x1000, end: 0x2000, fileOffset: 0, device: 0, inode: 0, path: "")
    tracker.apply(
      SidebandRecord(
        time: MonotonicTime(nanoseconds: 1), process: ProcessTable.own, thread: ThreadID(rawValue: 1),
        event: .mapping(mapping)))
    // What it has mapped now is not what the records have said.
    tracker.apply(lost(4))
    #expect((tracker.recordsLost, tracker.otherRecordsLost) == (4, 3))

    let gone = ProcessID(rawValue: Int32.max - 1)
    tracker.apply(
      SidebandRecord(
        time: MonotonicTime(nanoseconds: 2), process: gone, thread: ThreadID(rawValue: 1),
        event: .fork(parent: ProcessTable.own)))
    #expect(tracker.forksSeen == 1)
    tracker.apply(lost(5))
    #expect((tracker.recordsLost, tracker.otherRecordsLost) == (9, 3))
  }
}
