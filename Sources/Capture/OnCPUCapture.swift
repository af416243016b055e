import BPF
import CProbes
import Glibc
package import LinuxSystem
package import ProfileModel

/// On-CPU profiling of a set of processes: armed, drained again and again, and finished.
package struct OnCPUCapture: ~Copyable {
  private var object: BPFObject
  private let samples: RingBuffer
  private var sideband: [PerfRingBox]
  /// Kept open while they tick.
  private let events: [PerfEvent]
  private var tracker: ProcessTracker
  /// Nil where stacks are walked by frame pointers alone.
  private var publisher: UnwindPublisher?
  private var aggregator = SampleAggregator()
  private var pendingSamples: [SampleRecord] = []
  private var pendingRecords: [SidebandRecord] = []
  private let period: UInt64
  private let isAllProcesses: Bool
  private var warnings: [String]
  /// Called with each sample as it is read; for tests that look at the sampled thread itself.
  package var observe: ((SampleRecord) -> Void)?
  /// How user stacks are walked: `dwarf` or `fp`.
  package let unwind: String
  /// What ticks.
  package let clock: PerfEvent.Clock
  /// When the first CPU began to tick.
  package let armedAt: MonotonicTime
  /// The time of the earliest sample, once there is one.
  package private(set) var firstSampleAt: MonotonicTime?

  /// A ring in an array: arrays hold no noncopyable values.
  private final class PerfRingBox {
    var ring: PerfRing
    init(_ ring: consuming PerfRing) { self.ring = ring }
  }

  /// Loads and attaches everything; from the return on, ticks are recorded.
  package static func arm(
    _ request: CaptureRequest, openPerfMap: @escaping (ProcessID) -> ProcessTracker.PerfMapOpening
  ) throws(CaptureError) -> OnCPUCapture {
    try Privileges.check()
    if case .processes(let processes) = request.target {
      for process in processes {
        guard ProcessTable.exists(process) else { throw .noSuchProcess(process) }
        let thread = ThreadID(rawValue: process.rawValue)
        // One that has just ended is told by its own error soon enough.
        let owner = (try? ProcessTable.process(ofThread: thread)) ?? process
        if owner != process { throw .isThread(thread, of: owner) }
      }
    }
    let scope = try CaptureScope(request.target)
    let tracker = ProcessTracker(
      scope: scope.trackerScope, includesChildren: request.includesChildren, processName: scope.name,
      openPerfMap: openPerfMap)
    return try CaptureError.translating { try armed(request, scope: scope, tracker: tracker) }
  }

  private static func armed(
    _ request: CaptureRequest, scope: CaptureScope, tracker: ProcessTracker
  ) throws -> OnCPUCapture {
    var mode = UnwindMode(walk: SWPROF_UNWIND_TABLES, warning: nil)
    var object = try loadedObject(for: request, scope: scope, mode: &mode)
    var tracker = tracker
    var publisher: UnwindPublisher?
    if mode.walk == SWPROF_UNWIND_TABLES {
      publisher = UnwindPublisher(
        codeMaps: try object.map(named: "code_maps"), chunkTable: try object.map(named: "unwind_chunks"),
        isEager: scope.trackerScope == .listed)
    }
    let samples = try RingBuffer(map: object.map(named: "samples").descriptor)
    let cpus = try Host.onlineCPUs()
    let clock = bestClock(cpu: cpus.first ?? 0, hertz: request.frequencyHertz)
    // Mappings are listened to before they are read, and read before the first tick.
    let sideband = try cpus.map { try PerfRingBox(PerfRing(PerfEvent.sideband(cpu: $0), dataPages: 64)) }
    let events = try cpus.map { try PerfEvent.ticking(clock, cpu: $0, hertz: request.frequencyHertz) }
    let targets = try object.map(named: "targets")
    for target in try scope.initialTargets() {
      try targets.update(key: UInt32(target.rawValue), value: UInt8(1))
      // The end of a process is seen from here on; one that had ended before would stay in the table.
      if ProcessDescriptor.hasEnded(target) { targets.remove(key: UInt32(target.rawValue)) }
      tracker.follow(target)
    }
    publisher?.update(&tracker, until: Clock.monotonic + Self.initialBuildTime)
    let armedAt = Clock.monotonic
    for event in events { try object.attach("on_cpu_tick", to: event) }
    return OnCPUCapture(
      object: object, samples: samples, sideband: sideband, events: events, tracker: tracker, publisher: publisher,
      mode: mode, period: UInt64(1_000_000_000 / request.frequencyHertz), scope: scope, clock: clock, armedAt: armedAt)
  }

  private init(
    object: consuming BPFObject, samples: consuming RingBuffer, sideband: [PerfRingBox], events: [PerfEvent],
    tracker: ProcessTracker, publisher: UnwindPublisher?, mode: UnwindMode, period: UInt64, scope: CaptureScope,
    clock: PerfEvent.Clock, armedAt: MonotonicTime
  ) {
    self.object = object
    self.samples = samples
    self.sideband = sideband
    self.events = events
    self.tracker = tracker
    self.publisher = publisher
    self.unwind = mode.name
    self.period = period
    self.isAllProcesses = scope.trackerScope == .all
    self.warnings = scope.warnings + [mode.warning].compactMap(\.self)
    self.clock = clock
    self.armedAt = armedAt
  }

  /// How user stacks are walked, and why not as it was asked for.
  private struct UnwindMode {
    var walk: swprof_unwind
    var warning: String?

    var name: String { walk == SWPROF_UNWIND_TABLES ? "dwarf" : "fp" }
  }

  /// For how long tables are built before the first tick; what is left is built while the capture runs.
  private static let initialBuildTime: UInt64 = 3_000_000_000
  /// For how long tables are built between two looks at the records.
  private static let buildTime: UInt64 = 5_000_000

  /// Loads the programs, with frame pointers alone where the walk by tables is not wanted or not loaded.
  private static func loadedObject(
    for request: CaptureRequest, scope: CaptureScope, mode: inout UnwindMode
  ) throws -> BPFObject {
    if request.unwind != .fp {
      do {
        guard !request.missingFeatures.contains(.unwindTables) else {
          throw BPFError(operation: .load(object: ProgramImage.oncpu.name), cause: .notSupported)
        }
        return try loadedObject(for: request, scope: scope, walk: SWPROF_UNWIND_TABLES)
      } catch let error as BPFError where request.unwind == .auto {
        mode.warning =
          "stacks were walked by frame pointers, as the walk by unwind tables does not load: \(error.cause)"
      }
    }
    mode.walk = SWPROF_UNWIND_FRAME_POINTERS
    return try loadedObject(for: request, scope: scope, walk: SWPROF_UNWIND_FRAME_POINTERS)
  }

  private static func loadedObject(
    for request: CaptureRequest, scope: CaptureScope, walk: swprof_unwind
  ) throws -> BPFObject {
    var object = try BPFObject.open(ProgramImage.oncpu.decoded(), name: ProgramImage.oncpu.name)
    try object.setConstants(section: ".rodata.config", try scope.configuration(for: request, unwind: walk))
    try object.setCapacity(ofMap: "samples", request.ringBufferBytes)
    var lifecycle: [String] = []
    if scope.kernelScope == SWPROF_SCOPE_TARGETS { lifecycle += ["process_fork", "process_exec", "process_exit"] }
    if walk == SWPROF_UNWIND_TABLES { lifecycle += ["inherit_code_map", "drop_code_map", "forget_code_map"] }
    for program in Self.lifecyclePrograms where !lifecycle.contains(program) { try object.leaveOut(program) }
    try object.load()
    if let cgroup = scope.cgroup { try object.map(named: "cgroups").update(key: UInt32(0), value: cgroup.descriptor) }
    for program in lifecycle { try object.attach(program) }
    return object
  }

  private static let lifecyclePrograms = [
    "process_fork", "process_exec", "process_exit", "inherit_code_map", "drop_code_map", "forget_code_map",
  ]

  /// Reads the mappings of everything that runs, where everything may be sampled. Samples wait meanwhile.
  package mutating func followRunningProcesses() {
    guard isAllProcesses, let processes = try? ProcessTable.processes() else { return }
    for process in processes { tracker.follow(process) }
    publisher?.update(&tracker, until: Clock.monotonic + Self.buildTime)
  }

  /// What to poll; any of them readable means `drain()` has work.
  package var descriptors: [Int32] {
    [samples.descriptor] + sideband.map { $0.ring.descriptor }
  }

  /// Whether records wait for their turn, so that `drain()` should be called again within milliseconds.
  package var hasPending: Bool { !pendingRecords.isEmpty || publisher?.hasWork ?? false }

  /// What unwind tables have cost so far: the time to build them in ns, and their bytes.
  package var tableCost: (nanoseconds: UInt64, bytes: Int) {
    guard let publisher else { return (0, 0) }
    return (publisher.buildNanoseconds, Int(publisher.linesInUse) * UnwindLines.lineSize)
  }

  /// What the verifier has followed of the sampling program, in instructions; nil where the kernel does not tell.
  package var verifiedInstructions: UInt32? { (try? object.verifiedInstructions(of: "on_cpu_tick")).flatMap(\.self) }

  /// Samples in the profile so far.
  package var samplesTaken: UInt64 { aggregator.account.taken }

  /// Whether none of the listed processes, nor of their followed children, is left.
  package var hasNoTargetLeft: Bool {
    !isAllProcesses && ((try? object.isEmpty(map: "targets")) ?? false)
  }

  /// Takes what the kernel has recorded and applies it in the order of time.
  ///
  /// A record of one CPU may become visible after a later one of another CPU. What is younger than a moment therefore
  /// waits for the next call.
  package mutating func drain() throws(CaptureError) {
    try drain(until: MonotonicTime(nanoseconds: Clock.monotonic.nanoseconds - Self.settlingTime))
    publisher?.update(&tracker, until: Clock.monotonic + Self.buildTime)
  }

  /// A time stamp is taken microseconds before its record becomes visible.
  private static let settlingTime: UInt64 = 1_000_000

  private mutating func drain(until limit: MonotonicTime) throws(CaptureError) {
    let records = try CaptureError.translating { try samples.drain() }
    for bytes in records {
      do {
        let sample = try SampleRecord(decoding: bytes)
        if firstSampleAt.map({ sample.time < $0 }) ?? true { firstSampleAt = sample.time }
        pendingSamples.append(sample)
        observe?(sample)
      } catch {
        aggregator.countMalformed()
      }
    }
    for box in sideband {
      box.ring.drain { bytes in
        guard let record = SidebandRecord(decoding: bytes) else { return }
        tracker.prepare(record)
        pendingRecords.append(record)
      }
    }
    applyPending(until: limit)
  }

  private mutating func applyPending(until limit: MonotonicTime) {
    pendingRecords.sort { $0.time < $1.time }
    pendingSamples.sort { $0.time < $1.time }
    var nextRecord = 0
    var nextSample = 0
    while nextSample < pendingSamples.count, pendingSamples[nextSample].time < limit {
      while nextRecord < pendingRecords.count, pendingRecords[nextRecord].time <= pendingSamples[nextSample].time {
        tracker.apply(pendingRecords[nextRecord])
        nextRecord += 1
      }
      let sample = pendingSamples[nextSample]
      aggregator.add(sample, tracker: &tracker)
      if sample.userEnd == .notReady, let last = sample.userStack.last {
        publisher?.need(tableAt: sample.userStack.count == 1 ? last : last &- 1, of: sample.process, tracker)
      }
      nextSample += 1
    }
    while nextRecord < pendingRecords.count, pendingRecords[nextRecord].time < limit {
      tracker.apply(pendingRecords[nextRecord])
      nextRecord += 1
    }
    pendingRecords.removeFirst(nextRecord)
    pendingSamples.removeFirst(nextSample)
    if pendingSamples.isEmpty { tracker.forgetExited() }
  }

  /// Stops ticking, takes the rest, and closes the account.
  package mutating func finish() throws(CaptureError) -> RawProfile {
    object.detach()
    try drain(until: MonotonicTime(nanoseconds: .max))
    var profile = aggregator.rawProfile(sources: tracker.sources, periodNanoseconds: period)
    let counters = try CaptureError.translating {
      let all = [SWPROF_COUNTER_TICKS, SWPROF_COUNTER_RING_BUFFER_FULL, SWPROF_COUNTER_TARGET_TABLE_FULL]
      var sums: [UInt64] = []
      for counter in all { sums.append(try object.sum(map: "counters", index: counter.rawValue)) }
      return sums
    }
    profile.account.ticks = counters[0]
    profile.account.losses[.ringBufferFull] = counters[1] > 0 ? counters[1] : nil
    profile.account.defects[.targetTableFull] = counters[2] > 0 ? counters[2] : nil
    profile.account.defects[.mappingRecordsLost] = tracker.recordsLost > 0 ? tracker.recordsLost : nil
    if let publisher {
      profile.account.defects[.unwindTableFull] = publisher.shortages > 0 ? publisher.shortages : nil
      warnings += publisher.warnings
    }
    profile.warnings = warnings + tracker.warnings
    return profile
  }

  /// Hardware cycles where the machine counts them, else the CPU clock.
  private static func bestClock(cpu: Int32, hertz: Int) -> PerfEvent.Clock {
    (try? PerfEvent.ticking(.cycles, cpu: cpu, hertz: hertz)) == nil ? .cpuClock : .cycles
  }
}
