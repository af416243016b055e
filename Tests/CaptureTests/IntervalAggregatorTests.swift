import CProbes
import LinuxSystem
import ProfileModel
import Testing
import Unwinding

@testable import Capture

/// The sums of the kernel side and the stacks that they name, put together without a kernel.
struct IntervalAggregatorTests {
  /// A process that cannot exist, so that nothing is read from /proc.
  private let process = ProcessID(rawValue: Int32.max - 1)
  private let wakeUp: Range<UInt64> = 0xff00..<0xff10

  private func tracker() -> ProcessTracker {
    ProcessTracker(scope: .listed, includesChildren: true) { _ in .none }
  }

  private func stack(_ id: UInt64, _ addresses: [UInt64], isKernel: Bool = true, end: StackEnd = .complete)
    -> OffCPURecord
  {
    .stack(
      OffCPURecord.Stack(
        id: id, time: MonotonicTime(nanoseconds: 1), process: process, processName: "waker", isKernel: isKernel,
        end: end, addresses: addresses))
  }

  private func key(
    user: UInt64 = 0, kernel: UInt64 = 0, phase: swprof_phase = SWPROF_PHASE_BLOCKED, state: Character = "S",
    flags: Int32 = 0
  ) -> swprof_interval_key {
    var key = swprof_interval_key()
    key.user_stack = user
    key.kernel_stack = kernel
    key.tgid = UInt32(process.rawValue)
    key.tid = 5
    key.phase = UInt8(phase.rawValue)
    key.state = state.asciiValue ?? 0
    key.flags = UInt8(flags)
    return key
  }

  private func sum(_ count: UInt64, _ total: UInt64, _ range: ClosedRange<UInt64>) -> swprof_interval_sum {
    swprof_interval_sum(count: count, total_ns: total, min_ns: range.lowerBound, max_ns: range.upperBound)
  }

  private func paths(_ aggregator: IntervalAggregator, _ tracker: ProcessTracker) -> [[Location]] {
    let raw = aggregator.rawProfile(sources: tracker.sources)
    return raw.values.map { value in raw.stacks.path(to: value.stack).map { raw.locations[$0] } }
  }

  private func kernel(_ address: UInt64) -> Location { .code(source: CodeSources.kernel, address: address) }

  @Test func `waits are told apart by the state of the lock, and have the Python frames of their stack`() {
    var tracker = tracker()
    var aggregator = IntervalAggregator(wakeUpCode: wakeUp)
    for (id, gil) in [(9, GILState.held), (10, .none), (11, .unknown)] {
      let python: [UInt64] = [0x7000, 4, UInt64(SWPROF_PYTHON_BOUNDARY.rawValue), 1]
      let stack = OffCPURecord.Stack(
        id: UInt64(id), time: MonotonicTime(nanoseconds: 1), process: process, processName: "p", isKernel: false,
        end: .complete, addresses: [0x20], python: python, gil: gil)
      _ = aggregator.add(.stack(stack), tracker: &tracker)
      aggregator.add(key(user: UInt64(id)), sum(1, 5, 5...5))
    }

    let raw = aggregator.rawProfile(sources: tracker.sources)

    #expect(Set(raw.values.map { raw.labels[$0.labels] }) == Set([GILState.held, .none, .unknown].map(\.labels)))
    #expect(Set(raw.values.map(\.stack)).count == 1)
    #expect(raw.runtimeFrames == [RuntimeFrame(runtime: .python, process: process, object: 0x7000, position: 4)])
  }

  @Test func `a wait stands on its stacks, under the mark of its phase`() {
    var tracker = tracker()
    var aggregator = IntervalAggregator(wakeUpCode: wakeUp)
    _ = aggregator.add(stack(9, [0x20, 0x10]), tracker: &tracker)
    aggregator.add(key(kernel: 9), sum(3, 60, 10...30))

    #expect(
      paths(aggregator, tracker) == [
        [kernel(0xf), kernel(0x1f), .marker(.phase(.blocked, .interruptible, isOpen: false))]
      ])
    let value = aggregator.rawProfile(sources: []).values[0]
    #expect(value.weight == Weight(count: 3, nanoseconds: 60))
    #expect(value.extremes == 10...30)
    #expect(aggregator.account.taken == 3)
  }

  @Test func `sums of one stack add up, with the shortest and the longest of all`() {
    var aggregator = IntervalAggregator(wakeUpCode: wakeUp)
    // Two numbers may stand for stacks that look the same.
    var tracker = tracker()
    _ = aggregator.add(stack(9, [0x20]), tracker: &tracker)
    _ = aggregator.add(stack(10, [0x20]), tracker: &tracker)
    aggregator.add(key(kernel: 9), sum(1, 10, 10...10))
    aggregator.add(key(kernel: 10), sum(2, 50, 20...30))

    let values = aggregator.rawProfile(sources: []).values
    #expect(values.count == 1)
    #expect(values[0].weight == Weight(count: 3, nanoseconds: 60))
    #expect(values[0].extremes == 10...30)
  }

  @Test func `phases, states and open ends are kept apart`() {
    var aggregator = IntervalAggregator(wakeUpCode: wakeUp)
    aggregator.add(key(state: "D"), sum(1, 1, 1...1))
    aggregator.add(key(phase: SWPROF_PHASE_RUN_QUEUE), sum(1, 1, 1...1))
    aggregator.add(key(flags: SWPROF_INTERVAL_OPEN), sum(1, 1, 1...1))
    aggregator.add(key(phase: SWPROF_PHASE_THROTTLED), sum(1, 1, 1...1))

    let names = paths(aggregator, tracker()).compactMap { path -> String? in
      guard case .marker(let marker) = path.last else { return nil }
      return marker.frame.function
    }
    #expect(Set(names) == ["[blocked: uninterruptible]", "[run queue]", "[blocked, open]", "[throttled]"])
  }

  @Test func `each phase has a number of its own, and the place of what is left out is within the sums`() {
    let numbers = Phase.allCases.map(\.number)
    #expect(Set(numbers.map(\.rawValue)).count == Int(SWPROF_PHASE_MAX.rawValue))
    #expect(Phase.allCases.map { Phase(UInt8($0.number.rawValue)) } == Phase.allCases)
    #expect(SWPROF_SUM_LEFT_OUT.rawValue + SWPROF_PHASE_MAX.rawValue == SWPROF_SUM_MAX.rawValue)
  }

  @Test func `a stack that never came has a mark and is counted`() {
    var aggregator = IntervalAggregator(wakeUpCode: wakeUp)
    aggregator.add(key(kernel: 1234), sum(7, 70, 10...10))

    #expect(paths(aggregator, tracker())[0].first == .marker(.stackLost))
    #expect(aggregator.account.defects[.stackLost] == 7)
    #expect(aggregator.account.taken == 7)
  }

  @Test func `a waker stands above the sleeper, its root on top, without our own frames`() {
    var tracker = tracker()
    var aggregator = IntervalAggregator(wakeUpCode: wakeUp)
    _ = aggregator.add(stack(9, [0x20]), tracker: &tracker)
    _ = aggregator.add(stack(8, [0xaaaa, 0xbbbb, 0xff08, 0x40]), tracker: &tracker)
    _ = aggregator.add(stack(7, [0x5000], isKernel: false, end: .noFramePointer), tracker: &tracker)
    var key = key(kernel: 9)
    key.waker_kernel_stack = 8
    key.waker_user_stack = 7
    key.waker_tgid = 42
    aggregator.add(key, sum(1, 10, 10...10))

    let path = paths(aggregator, tracker)[0]
    #expect(path[2...4] == [.marker(.wokenBy), kernel(0xff07), kernel(0x3f)])
    #expect(path.last == .marker(.waker("waker")))
    #expect(path.contains(.marker(.truncated(.noFramePointer))))
  }

  @Test func `an interrupt that ends a wait has no process`() {
    var aggregator = IntervalAggregator(wakeUpCode: wakeUp)
    aggregator.add(key(flags: SWPROF_INTERVAL_INTERRUPT), sum(1, 10, 10...10))

    #expect(paths(aggregator, tracker())[0].suffix(2) == [.marker(.wokenBy), .marker(.interrupt)])
  }

  @Test func `the account closes with what was lost and what was left out`() {
    var aggregator = IntervalAggregator(wakeUpCode: wakeUp)
    aggregator.add(key(), sum(5, 50, 10...10))
    var counts = [swprof_sum](repeating: swprof_sum(), count: Int(SWPROF_SUM_MAX.rawValue))
    counts[Int(SWPROF_SUM_WANTED.rawValue)] = swprof_sum(count: 7, ns: 70)
    counts[Int(SWPROF_SUM_TABLE_FULL.rawValue)] = swprof_sum(count: 2, ns: 20)
    counts[Int(SWPROF_SUM_LEFT_OUT.rawValue + SWPROF_PHASE_PREEMPTED.rawValue)] = swprof_sum(count: 4, ns: 44)
    aggregator.close(counts, missedWakeUps: 1, missedSwitches: 2, threadsNotFollowed: 3, threadNamesLost: 4)

    let account = aggregator.account
    #expect(account.isBalanced)
    #expect(account.losses == [.intervalTableFull: 2])
    #expect(account.lostNanoseconds == 20)
    #expect(account.leftOut == [.preempted: Weight(count: 4, nanoseconds: 44)])
    #expect(
      account.defects == [.wakeupMissed: 1, .switchMissed: 2, .threadTableFull: 3, .threadNameLost: 4])
  }

  @Test func `the last name of a thread is its name, and one that never told has its number`() {
    func thread(_ name: String) -> OffCPURecord.Thread {
      OffCPURecord.Thread(
        time: MonotonicTime(nanoseconds: 1), process: process, thread: ThreadID(rawValue: 5), name: name,
        processName: "p")
    }
    var aggregator = IntervalAggregator(wakeUpCode: wakeUp)
    aggregator.add(key(), sum(1, 1, 1...1))
    #expect(aggregator.rawProfile(sources: []).threads[0].name == "thread 5")
    aggregator.note(thread("old"))
    aggregator.note(thread("new"))
    #expect(aggregator.rawProfile(sources: []).threads[0].name == "new")
  }
}
