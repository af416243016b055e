import BPF
import CProbes
import Glibc
import LinuxSystem
package import ProfileModel

/// From which minimum of a wait on the kernel is asked to call us in the thread: it takes some microseconds each time,
/// which are few where such waits are.
private let taskWorkPays: UInt64 = 100_000

/// Off-CPU profiling of a set of processes: what their threads wait in, how often and for how long.
package final class OffCPUCapture: CaptureLifecycle {
  /// Until it is armed.
  private var probes: LoadedProbes?
  private let target: TaskSpec.Target
  /// Whether the targets are processes that wait for us to start them: that wait is none of theirs.
  private let isHeld: Bool
  private let programs: [OffCPUProgram]
  private let openPerfMap: (ProcessID) -> ProcessTracker.PerfMapOpening
  private var session: ProbeSession<IntervalAggregator>?
  private var aggregator: IntervalAggregator
  /// When the first switch was looked at.
  private var armedAt = MonotonicTime(nanoseconds: 0)

  /// Loads the programs.
  ///
  /// - Parameters:
  ///   - tableCapacity: the number of stacks and threads that waits are summed up by.
  ///   - tables: what it shares with other captures; nil for tables of its own.
  package init(
    _ request: ResolvedTask, _ parameters: OffCPUOptions, tableCapacity: UInt32, tables: SharedTables? = nil,
    openPerfMap: @escaping (ProcessID) -> ProcessTracker.PerfMapOpening
  ) throws(CaptureError) {
    target = request.target
    isHeld = request.awaitedCommand != nil
    self.openPerfMap = openPerfMap
    let code = parameters.wakers ? WakeUpCode.find() : WakeUpCode()
    var config = Self.configuration(parameters, code)
    let missing = request.missingFeatures
    let types = KernelTypes()
    let hasQueueTimes =
      !missing.contains(.queueTimes) && types.hasMember("last_queued", of: "sched_info")
      && types.hasMember("rq", of: "cfs_rq")
    let hasTaskWork =
      !missing.contains(.taskWork) && hasQueueTimes && parameters.minimumNanoseconds >= taskWorkPays
      && types.hasFunction("bpf_task_work_schedule_resume_impl")
    let hasSwitchExit = !hasTaskWork && !missing.contains(.switchExit) && types.hasTracepoint("sched_exit_tp")
    config.switch_state = missing.contains(.switchState) ? 0 : 1
    config.task_work = hasTaskWork ? 1 : 0
    config.switch_exit = hasSwitchExit ? 1 : 0
    config.queue_times = hasQueueTimes ? 1 : 0
    let programs: [OffCPUProgram] =
      (parameters.wakers ? [.noteWaker] : []) + (hasQueueTimes ? [] : [.wakeUp]) + [.wakeUpNew, .switchTasks]
      + (hasTaskWork ? [] : [hasSwitchExit ? .endSwitch : .leaveSystemCall]) + [.replaceProgram, .endThread]
    let set = ProbeSet(
      image: .offcpu, ringBuffer: OffCPUMap.records, programs: programs,
      optional: [OffCPUProgram.noteWaker, .wakeUp, .endSwitch, .leaveSystemCall],
      configure: { object in
        try object.setConstants(OffCPUConstants.offCPU, unsafe withUnsafeBytes(of: config) { unsafe Array($0) })
        try object.setCapacity(ofMap: OffCPUMap.intervals, tableCapacity)
        if hasTaskWork { try object.setCapacity(ofMap: OffCPUMap.works, tableCapacity) }
      })
    self.programs = programs
    aggregator = IntervalAggregator(wakeUpCode: code.wakeUp)
    probes = try ProbeSession<IntervalAggregator>.load(request, probes: set, shared: tables)
  }

  private static func configuration(_ parameters: OffCPUOptions, _ code: WakeUpCode) -> swprof_off_cpu_config {
    var config = swprof_off_cpu_config()
    config.min_ns = parameters.minimumNanoseconds
    config.max_ns = parameters.maximumNanoseconds ?? .max
    config.phases = parameters.phases.reduce(0) { $0 | 1 << $1.number.rawValue }
    config.states =
      parameters.states.map { letters in
        letters.reduce(0) { mask, letter in mask | letter.utf8.reduce(0) { $0 | 1 << UInt64($1 - UInt8(ascii: "A")) } }
      } ?? .max
    config.wakers = parameters.wakers ? 1 : 0
    config.kernel_threads = parameters.kernelThreads ? 1 : 0
    config.interrupts_start = code.interrupts.lowerBound
    config.interrupts_size = UInt64(code.interrupts.count)
    return config
  }

  package func aim(at processes: [ProcessID]) throws(CaptureError) { try probes?.aim(at: processes) }

  package func arm() throws(CaptureError) -> CaptureStart {
    guard let probes = probes.take() else { preconditionFailure("a capture is armed once") }
    var session = try ProbeSession<IntervalAggregator>.open(probes, openPerfMap: openPerfMap)
    armedAt = try CaptureError.translating {
      if case .cgroup(let path) = target {
        // The threads that wait now cannot be asked for their control group: their processes are listed.
        let targets = try session.object.map(named: OffCPUMap.targets)
        for process in (try? ProcessTable.members(ofCgroup: path)) ?? [] {
          try targets.update(key: UInt32(process.rawValue), value: UInt8(1))
        }
      }
      let start = Clock.monotonic
      var window = swprof_window()
      window.start_ns = start.nanoseconds
      try session.object.map(named: OffCPUMap.window).update(key: UInt32(0), value: window)
      for program in programs { try session.attach(program) }
      if !isHeld { _ = try session.object.iterate(OffCPUProgram.adoptThreads) }
      return start
    }
    let start = CaptureStart(armedAt: armedAt, event: "sched_switch", unwind: session.unwind)
    self.session = consume session
    return start
  }

  package var tableCost: (nanoseconds: UInt64, bytes: Int) { session?.tableCost ?? (0, 0) }
  package var firstRecordAt: MonotonicTime? { aggregator.firstRecordAt }
  package var progress: String { "\(aggregator.stackCount) stacks" }
  package var descriptors: [Int32] { session?.descriptors ?? [] }
  package var hasPending: Bool { session?.hasPending ?? false }
  package var hasNoTargetLeft: Bool { session?.hasNoTargetLeft ?? false }

  /// What the verifier has followed of the largest program, in instructions; nil where the kernel does not tell.
  package var verifiedInstructions: UInt32? {
    (try? session?.object.verifiedInstructions(of: OffCPUProgram.switchTasks)).flatMap(\.self)
  }

  package func followRunningProcesses() { session?.followRunningProcesses() }

  package func drain() throws(CaptureError) {
    try session?.drain(into: &aggregator)
    // Switches are seen on every CPU.
    _ = session?.takeNewCPUs()
  }

  package func detach() { session?.detach() }

  package func finish() throws(CaptureError) -> CaptureOutcome {
    guard var session = session.take() else { preconditionFailure("a capture is armed before it is finished") }
    do { try stop(&session) } catch let error as CaptureError { throw error } catch let error as BPFError {
      throw CaptureError(error)
    } catch { throw .missingFeature("threads cannot be read as the capture ends: \(error)") }
    var profile = aggregator.rawProfile(sources: session.tracker.sources)
    try session.complete(&profile)
    self.session = consume session
    return .profile(profile)
  }

  /// Ends all waits at one moment, and takes what was recorded up to then.
  private func stop(_ session: inout ProbeSession<IntervalAggregator>) throws {
    var window = swprof_window()
    window.start_ns = armedAt.nanoseconds
    window.end_ns = Clock.monotonic.nanoseconds
    try session.object.map(named: OffCPUMap.window).update(key: UInt32(0), value: window)
    // Threads that are woken from here on settle their own waits, cut off at that moment. The others are asked twice,
    // with the walk of their stacks between: who is found in the same wait again was in it all the time.
    try session.drain(into: &aggregator)
    let walk = WaitingThreadWalk(usesTables: session.unwind == UnwindChoice.dwarf.rawValue)
    let pythons = try session.object.map(named: SharedMap.pythons)
    func python(_ row: ThreadAtEnd) -> swprof_python? {
      pythons.value(forKey: UInt32(row.thread.process.rawValue), initial: swprof_python())
    }
    var stacks: [ThreadAtEnd.Wait: WaitingThreadWalk.Stack] = [:]
    for thread in try Self.threadsNow(session) {
      guard let wait = thread.wait else { continue }
      session.tracker.follow(thread.thread.process)
      stacks[wait] = walk.walk(thread, python: python(thread), session.tracker)
    }
    window.claims = 1
    try session.object.map(named: OffCPUMap.window).update(key: UInt32(0), value: window)
    var open: [(ThreadAtEnd, WaitingThreadWalk.Stack?)] = []
    for thread in try Self.threadsNow(session) {
      guard let wait = thread.wait else {
        aggregator.note(thread.thread)
        continue
      }
      open.append((thread, stacks[wait] ?? walk.walk(thread, python: python(thread), session.tracker)))
    }
    session.detach()
    try session.drainAll(into: &aggregator)
    for (thread, stack) in open {
      aggregator.note(thread.thread)
      aggregator.add(thread, userStack: stack, &session.tracker)
    }
    let intervals = try session.object.map(named: OffCPUMap.intervals)
    for (key, sum) in try intervals.entries(startingWith: swprof_interval_key(), swprof_interval_sum()) {
      aggregator.add(key, sum)
    }
    try closeAccount(session)
  }

  private static func threadsNow(_ session: borrowing ProbeSession<IntervalAggregator>) throws -> [ThreadAtEnd] {
    try ThreadAtEnd.decode(try session.object.iterate(OffCPUProgram.collectThreads))
  }

  private func closeAccount(_ session: borrowing ProbeSession<IntervalAggregator>) throws(BPFError) {
    let sums: [[swprof_sum]] = try session.object.perCPUValues(map: OffCPUMap.sums, count: Int(SWPROF_SUM_MAX.rawValue))
    let totals = sums.map { $0.reduce(swprof_sum()) { swprof_sum(count: $0.count + $1.count, ns: $0.ns + $1.ns) } }
    try aggregator.close(
      totals, missedWakeUps: session.counter(SWPROF_COUNTER_WAKEUP_MISSED),
      missedSwitches: session.counter(SWPROF_COUNTER_SWITCH_MISSED),
      threadsNotFollowed: session.counter(SWPROF_COUNTER_THREAD_TABLE_FULL),
      threadNamesLost: session.counter(SWPROF_COUNTER_THREAD_RECORD_LOST))
  }
}

/// Where the kernel wakes threads up, and where interrupts enter it.
struct WakeUpCode {
  var wakeUp: Range<UInt64> = 0..<0
  var interrupts: Range<UInt64> = 0..<0

  init() {}

  /// Reads them from /proc/kallsyms; empty ranges where it does not tell.
  static func find() -> WakeUpCode {
    var code = WakeUpCode()
    guard let text = try? OpenFile.contents(of: "/proc/kallsyms") else { return code }
    var starts: [UInt64] = []
    var wakeUp: UInt64?
    var entry: UInt64?
    var end: UInt64?
    for line in text.split(separator: UInt8(ascii: "\n")) {
      let fields = line.split(separator: UInt8(ascii: " "), maxSplits: 2)
      guard fields.count == 3, fields[1].first.map({ [UInt8(ascii: "t"), UInt8(ascii: "T")].contains($0) }) ?? false,
        let address = UInt64(String(decoding: fields[0], as: UTF8.self), radix: 16), address != 0
      else { continue }
      starts.append(address)
      switch fields[2] {
      case _ where fields[2].elementsEqual("try_to_wake_up".utf8): wakeUp = address
      case _ where fields[2].elementsEqual("__irqentry_text_end".utf8): end = address
      case _
      where fields[2].starts(with: "asm_sysvec_".utf8) || fields[2].elementsEqual("asm_common_interrupt".utf8):
        entry = min(entry ?? .max, address)
      default: break
      }
    }
    if let wakeUp, let next = starts.filter({ $0 > wakeUp }).min() { code.wakeUp = wakeUp..<next }
    if let entry, let end, entry < end { code.interrupts = entry..<end }
    return code
  }
}
