import BPF
import CProbes
import Glibc
import LinuxSystem
import ProfileModel

/// A record of a capture's ring buffer, which has its place in the order of time.
protocol CaptureRecord {
  var time: MonotonicTime { get }
  init(decoding bytes: [UInt8]) throws
}

/// Code that a walk came to before its table was there.
struct MissingTable {
  let process: ProcessID
  let address: UInt64
}

/// Sums up the records of a capture.
protocol RecordConsumer {
  associatedtype Record: CaptureRecord

  /// Takes note of a record as it is read.
  mutating func willRead(_ record: Record)
  /// Adds a record in its turn: what processes have mapped is as it was then.
  mutating func add(_ record: Record, tracker: inout ProcessTracker) -> MissingTable?
  mutating func countMalformed()
}

/// Which programs a capture needs, and how they are set up.
struct ProbeSet {
  let image: ProgramImage
  /// The map that records come through.
  let ringBuffer: any MapName
  /// The programs that are attached when the capture begins; those of `optional` are left out unless named here.
  let programs: [any ProgramName]
  let optional: [any ProgramName]
  /// Sets further constants and sizes, before loading.
  let configure: (borrowing BPFObject) throws -> Void
}

/// How user stacks are walked, and why not as it was asked for.
struct UnwindMode {
  var walk: swprof_unwind
  var warning: String?

  var name: String { walk == SWPROF_UNWIND_TABLES ? "dwarf" : "fp" }
}

/// Programs that the kernel has loaded and verified, and that look at nothing yet.
struct LoadedProbes: ~Copyable {
  fileprivate let object: BPFObject
  fileprivate(set) var request: ResolvedTask
  fileprivate var scope: CaptureScope
  fileprivate let probes: ProbeSet
  fileprivate let mode: UnwindMode
  /// Those that were built meanwhile; nil where stacks are walked by frame pointers alone.
  fileprivate let tables: UnwindTables?

  /// Puts listed processes in the place of those that the programs were loaded for.
  mutating func aim(at processes: [ProcessID]) throws(CaptureError) {
    try ProbeTargets.check(.processes(processes))
    request.target = .processes(processes)
    scope = try CaptureScope(request.target)
  }
}

/// What every capture is made of: its programs, its records, the mappings of processes and their unwind tables.
struct ProbeSession<Consumer: RecordConsumer>: ~Copyable {
  private(set) var object: BPFObject
  private let ring: RingBuffer
  private let pythonCodes: RingBuffer
  private var sideband: [PerfRingBox]
  private let sidebandPages: Int
  private var cpus: OnlineCPUs
  private var nextLookAtCPUs: MonotonicTime
  /// What following processes has missed so far.
  private var missed = TrackingLosses()
  var tracker: ProcessTracker
  /// Nil where stacks are walked by frame pointers alone.
  private var publisher: UnwindPublisher?
  private var pythons: PythonPublisher
  private var pythonReaders = PythonReaders()
  private var threadNames = ThreadNames()
  private var pendingRecords: [Consumer.Record] = []
  private var pendingEvents = PendingEvents()
  private let isAllProcesses: Bool
  /// Whether targets are found by name, also those that take it later.
  private let isNamed: Bool
  private let scopeWarnings: [String]
  /// How user stacks are walked: `dwarf` or `fp`.
  let unwind: String

  /// What `ResolvedTask.capacities` has beside the kernel's maps.
  private static var sidebandRings: String { "sideband" }
  private static var unwindLines: String { "unwind_lines" }
  private static var defaultSidebandPages: UInt32 { 64 }
  /// How often CPUs are looked for that came online, in ns.
  private static var cpuInterval: UInt64 { 100_000_000 }

  /// For how long tables are built between two looks at the records.
  private static var buildTime: UInt64 { 5_000_000 }
  /// For how long Python is looked for between two looks at the records.
  private static var searchTime: UInt64 { 3_000_000 }

  /// For how long names of Python functions are read between two looks at the records, and when the capture ends, in ns.
  private static var nameTime: UInt64 { 2_000_000 }
  private static var lastNameTime: UInt64 { 500_000_000 }

  /// Checks what was asked for and loads the programs.
  ///
  /// - Parameter shared: the tables of other captures, to be used and added to; nil for tables of its own.
  static func load(
    _ request: ResolvedTask, probes: ProbeSet, shared: SharedTables? = nil
  ) throws(CaptureError) -> LoadedProbes {
    try Privileges.check()
    try ProbeTargets.check(request.target)
    let scope = try CaptureScope(request.target)
    return try CaptureError.translating {
      var mode = UnwindMode(walk: SWPROF_UNWIND_TABLES, warning: nil)
      var tables: UnwindTables?
      let object = try loadedObject(
        for: request, scope: scope, probes: probes, mode: &mode, tables: &tables, shared: shared)
      if let cgroup = scope.cgroup {
        try object.map(named: SharedMap.cgroups).update(key: UInt32(0), value: cgroup.descriptor)
      }
      return LoadedProbes(object: object, request: request, scope: scope, probes: probes, mode: mode, tables: tables)
    }
  }

  /// Looks for the targets of loaded programs.
  ///
  /// Targets are known to the kernel side from the return on, their mappings are followed, and their tables are built.
  static func open(
    _ loaded: consuming LoadedProbes, openPerfMap: @escaping (ProcessID) -> ProcessTracker.PerfMapOpening
  ) throws(CaptureError) -> ProbeSession {
    let tracker = ProcessTracker(
      scope: loaded.scope.trackerScope, includesChildren: loaded.request.includesChildren,
      processName: loaded.scope.name, openPerfMap: openPerfMap)
    do { return try opened(loaded, tracker: tracker) } catch { throw CaptureError.translated(error) }
  }

  private static func opened(_ loaded: consuming LoadedProbes, tracker: ProcessTracker) throws -> ProbeSession {
    let (request, scope, probes, mode) = (loaded.request, loaded.scope, loaded.probes, loaded.mode)
    var object = loaded.object
    for program in lifecycle(scope: scope, walk: mode.walk) { try object.attach(program) }
    var tracker = tracker
    var publisher: UnwindPublisher?
    if let tables = loaded.tables {
      publisher = UnwindPublisher(
        codeMaps: try object.map(named: SharedMap.codeMaps), codeFiles: try object.map(named: SharedMap.codeFiles),
        edition: try object.map(named: SharedMap.codeMapEdition), tables: tables,
        isEager: scope.trackerScope == .listed, publishesMappings: request.publishesMappings)
      let starts = try object.map(named: SharedMap.programStarts)
      tracker.programStart = { Self.programStart(of: $0, in: starts) }
      tracker.isRunningProgram = { process, start in
        let known = starts.value(forKey: UInt32(process.rawValue), initial: swprof_program_start())
        return known.map { start > $0.previous_ns } ?? true
      }
    }
    let ring = try RingBuffer(object.map(named: probes.ringBuffer))
    let pythonCodes = try RingBuffer(object.map(named: SharedMap.pythonCodes))
    // Mappings are listened to before they are read.
    let cpus = try OnlineCPUs()
    let pages = Int(request.capacities[sidebandRings] ?? defaultSidebandPages)
    let sideband = try cpus.all.map { try PerfRingBox(PerfRing(PerfEvent.sideband(cpu: $0), dataPages: pages)) }
    for target in try scope.fill(try object.map(named: SharedMap.targets), for: request) {
      if request.awaitedCommand != nil { tracker.awaitExec(of: target) } else { tracker.follow(target) }
    }
    var pythons = PythonPublisher(
      pythons: try object.map(named: SharedMap.pythons), isOn: try object.map(named: SharedMap.pythonSwitch))
    let changed = tracker.takeChanged()
    publisher?.update(tracker, changed: changed, until: Clock.monotonic + request.initialBuildNanoseconds)
    pythons.update(tracker, changed: changed, until: Clock.monotonic + request.initialBuildNanoseconds)
    return ProbeSession(
      object: object, ring: ring, pythonCodes: pythonCodes, sideband: sideband, sidebandPages: pages, cpus: cpus,
      tracker: tracker, publisher: publisher, pythons: pythons, isAllProcesses: scope.trackerScope == .all,
      isNamed: scope.name != nil, scopeWarnings: scope.warnings + [mode.warning].compactMap(\.self),
      unwind: mode.name)
  }

  private init(
    object: consuming BPFObject, ring: consuming RingBuffer, pythonCodes: consuming RingBuffer,
    sideband: [PerfRingBox], sidebandPages: Int, cpus: OnlineCPUs, tracker: ProcessTracker,
    publisher: UnwindPublisher?, pythons: PythonPublisher, isAllProcesses: Bool, isNamed: Bool,
    scopeWarnings: [String], unwind: String
  ) {
    self.object = object
    self.ring = ring
    self.pythonCodes = pythonCodes
    self.sideband = sideband
    self.sidebandPages = sidebandPages
    self.cpus = cpus
    nextLookAtCPUs = Clock.monotonic + Self.cpuInterval
    self.tracker = tracker
    self.publisher = publisher
    self.pythons = pythons
    self.isAllProcesses = isAllProcesses
    self.isNamed = isNamed
    self.scopeWarnings = scopeWarnings
    self.unwind = unwind
  }

  /// When a process began the program that it runs, or some later moment before the next one.
  private static func programStart(of process: ProcessID, in starts: BPFMap) -> UInt64 {
    let key = UInt32(process.rawValue)
    let now = swprof_program_start(last_ns: Clock.monotonic.nanoseconds, previous_ns: 0)
    if (try? starts.insert(key: key, value: now)) != nil { return now.last_ns }
    return starts.value(forKey: key, initial: now)?.last_ns ?? 0
  }

  /// A ring in an array: arrays hold no noncopyable values.
  private final class PerfRingBox {
    var ring: PerfRing
    init(_ ring: consuming PerfRing) { self.ring = ring }
  }

  /// Loads the programs, with frame pointers alone where the walk by tables is not wanted or not loaded.
  private static func loadedObject(
    for request: ResolvedTask, scope: CaptureScope, probes: ProbeSet, mode: inout UnwindMode,
    tables: inout UnwindTables?, shared: SharedTables?
  ) throws -> BPFObject {
    if request.spec.options.unwind != .fp {
      do {
        guard !request.missingFeatures.contains(.unwindTables) else {
          throw BPFError(operation: .load(object: probes.image.name), cause: .notSupported)
        }
        let object = try openObject(for: request, scope: scope, probes: probes, walk: SWPROF_UNWIND_TABLES)
        let sharing = shared ?? SharedTables()
        if let lines = sharing.tables?.lines { try lines.share(with: object) }
        let built =
          try sharing.tables
          ?? UnwindTables(
            lines: UnwindLines(of: object, capacity: request.capacities[unwindLines]),
            idleLineLimit: sharing.idleLineLimit)
        let targets = (try? scope.initialTargets()) ?? []
        // Stacks are to be whole from a command's first instruction on. What waits to become it has the libraries
        // mapped that most programs have.
        let command = request.awaitedCommand
        let deadline = Clock.monotonic + (command == nil ? 0 : request.initialBuildNanoseconds)
        try object.load { isLoading in
          built.buildAhead(for: targets, command?.program) { isLoading() || Clock.monotonic < deadline }
        }
        tables = built
        sharing.tables = built
        return object
      } catch let error as BPFError where request.spec.options.unwind == .auto {
        mode.warning =
          "stacks were walked by frame pointers, as the walk by unwind tables does not load: \(error.cause)"
      }
    }
    mode.walk = SWPROF_UNWIND_FRAME_POINTERS
    let object = try openObject(for: request, scope: scope, probes: probes, walk: SWPROF_UNWIND_FRAME_POINTERS)
    try object.load()
    return object
  }

  /// Opens the programs and sets them up, to be loaded.
  private static func openObject(
    for request: ResolvedTask, scope: CaptureScope, probes: ProbeSet, walk: swprof_unwind
  ) throws -> BPFObject {
    let object = try probes.image.open()
    try object.setConstants(SharedConstants.config, try scope.configuration(for: request, unwind: walk))
    try object.setCapacity(ofMap: probes.ringBuffer, request.ringBufferBytes)
    try probes.configure(object)
    for (map, count) in request.capacities where map != sidebandRings && map != unwindLines {
      try object.setCapacity(ofMapCalled: map, count)
    }
    for program in probes.optional where !probes.programs.contains(where: { $0.rawValue == program.rawValue }) {
      try object.leaveOut(program)
    }
    let lifecycle = lifecycle(scope: scope, walk: walk)
    for program in SharedProgram.lifecycle where !lifecycle.contains(program) { try object.leaveOut(program) }
    return object
  }

  /// The programs that follow processes as they begin and end.
  private static func lifecycle(scope: CaptureScope, walk: swprof_unwind) -> [SharedProgram] {
    guard scope.kernelScope == SWPROF_SCOPE_TARGETS || walk == SWPROF_UNWIND_TABLES else { return [] }
    return SharedProgram.lifecycle.filter { scope.name != nil || $0 != .processRename }
  }

  // MARK: - While it runs

  mutating func attach(_ program: some ProgramName) throws(BPFError) { try object.attach(program) }

  mutating func attach(_ program: some ProgramName, to cpu: TickingCPU) throws(BPFError) {
    for event in cpu.events { try object.attach(program, to: event) }
  }

  mutating func detach() { object.detach() }

  mutating func detachFromEvents() { object.detachFromEvents() }

  /// Reads the mappings of everything that runs, where everything may be seen. Records wait meanwhile.
  mutating func followRunningProcesses() {
    guard isAllProcesses, let processes = try? ProcessTable.processes() else { return }
    for process in processes { tracker.follow(process) }
    publish()
  }

  /// Tells the kernel side what has changed, and builds for a while.
  private mutating func publish() {
    let changed = tracker.takeChanged()
    // All stacks need tables; what runs Python comes second.
    publisher?.update(tracker, changed: changed, until: Clock.monotonic + Self.buildTime)
    pythons.update(tracker, changed: changed, until: Clock.monotonic + Self.searchTime)
    readPythonNames(until: Clock.monotonic + Self.nameTime)
    threadNames.update(pythons, until: Clock.monotonic + Self.nameTime)
  }

  /// What to poll; any of them readable means `drain()` has work.
  var descriptors: [Int32] { [ring.descriptor, pythonCodes.descriptor] + sideband.map { $0.ring.descriptor } }

  /// Whether records wait for their turn, so that `drain()` should be called again within milliseconds.
  var hasPending: Bool {
    !pendingEvents.isEmpty || publisher?.hasWork ?? false || pythons.hasWork(Clock.monotonic)
      || tracker.pythonNames.hasWork
  }

  /// What unwind tables have cost so far: the time to build them in ns, and their bytes.
  var tableCost: (nanoseconds: UInt64, bytes: Int) {
    guard let publisher else { return (0, 0) }
    return (publisher.buildNanoseconds, Int(publisher.linesInUse) * UnwindLines.lineSize)
  }

  /// Whether none of the listed processes, nor of their followed children, is left, and none can come.
  var hasNoTargetLeft: Bool {
    !isAllProcesses && !isNamed && ((try? object.isEmpty(map: SharedMap.targets)) ?? false)
  }

  /// Takes what the kernel has recorded and applies it in the order of time.
  ///
  /// A record of one CPU may become visible after a later one of another CPU. What is younger than a moment therefore
  /// waits for the next call.
  mutating func drain(into consumer: inout Consumer) throws(CaptureError) {
    try drain(
      until: MonotonicTime(nanoseconds: Clock.monotonic.nanoseconds - Self.settlingTime), into: &consumer)
    publish()
  }

  /// Takes and applies everything that is left.
  mutating func drainAll(into consumer: inout Consumer) throws(CaptureError) {
    try drain(until: MonotonicTime(nanoseconds: .max), into: &consumer)
    pythons.update(tracker, changed: tracker.takeChanged(), until: Clock.monotonic + Self.searchTime)
    readPythonNames(until: Clock.monotonic + Self.lastNameTime)
  }

  private mutating func readPythonNames(until deadline: MonotonicTime) {
    guard tracker.pythonNames.hasWork else { return }
    tracker.pythonNames.read(while: { Clock.monotonic < deadline }) { process, start, code, cookie in
      pythons.runtime(of: process, programStart: start).flatMap {
        pythonReaders.read(process, start: start, code: code, cookie: cookie, of: $0)
      }
    }
  }

  /// A time stamp is taken microseconds before its record becomes visible.
  private static var settlingTime: UInt64 { 1_000_000 }

  private mutating func drain(until limit: MonotonicTime, into consumer: inout Consumer) throws(CaptureError) {
    let records = try CaptureError.translating { try ring.drain() }
    for bytes in records {
      do {
        let record = try Consumer.Record(decoding: bytes)
        pendingRecords.append(record)
        consumer.willRead(record)
      } catch {
        consumer.countMalformed()
      }
    }
    for box in sideband {
      box.ring.drain { bytes in
        do throws(SidebandRecord.Malformed) {
          guard let record = try SidebandRecord.decode(bytes) else { return }
          tracker.prepare(record)
          pendingEvents.append(record)
        } catch {
          missed.malformed += 1
        }
      }
    }
    // Of all records that were drained, the code objects are there by now.
    for bytes in try CaptureError.translating({ try pythonCodes.drain() }) {
      do throws(PythonCodeCopy.Malformed) {
        pendingEvents.append(try PythonCodeCopy(decoding: bytes))
      } catch {
        missed.malformed += 1
      }
    }
    applyPending(until: limit, into: &consumer)
  }

  private mutating func applyPending(until limit: MonotonicTime, into consumer: inout Consumer) {
    pendingEvents.sort()
    pendingRecords.sort { $0.time < $1.time }
    var nextRecord = 0
    while nextRecord < pendingRecords.count, pendingRecords[nextRecord].time < limit {
      let record = pendingRecords[nextRecord]
      pendingEvents.apply(through: record.time, pythons, to: &tracker)
      if let missing = consumer.add(record, tracker: &tracker) {
        publisher?.need(tableAt: missing.address, of: missing.process, tracker)
      }
      nextRecord += 1
    }
    pendingEvents.apply(through: MonotonicTime(nanoseconds: limit.nanoseconds - 1), pythons, to: &tracker)
    pendingEvents.removeApplied()
    pendingRecords.removeFirst(nextRecord)
    if pendingRecords.isEmpty { tracker.forgetExited() }
  }

  // MARK: - CPUs

  /// Listens to the CPUs that came online since the last look, and returns them; looks a few times a second at most.
  mutating func takeNewCPUs() -> [Int32] {
    let now = Clock.monotonic
    guard now >= nextLookAtCPUs else { return [] }
    nextLookAtCPUs = now + Self.cpuInterval
    let newcomers: [Int32]
    do throws(Errno) { newcomers = try cpus.newcomers() } catch { return [] }
    for cpu in newcomers {
      do throws(Errno) {
        sideband.append(PerfRingBox(try PerfRing(try PerfEvent.sideband(cpu: cpu), dataPages: sidebandPages)))
        missed.lateCPUs += 1
      } catch { missed.deafCPUs += 1 }
    }
    return newcomers
  }

  /// A CPU that came online cannot be sampled.
  mutating func noteUnsampledCPU() { missed.deafCPUs += 1 }

  /// The kernel has paused the sampling of a CPU so often.
  mutating func noteThrottling(_ count: UInt64) { missed.throttled += count }

  /// Lets go of the files of processes that are gone, with their tables.
  ///
  /// - Parameter kept: the sources that samples lie in.
  mutating func forgetUnusedSources(except kept: Set<SourceIndex>) {
    let gone = tracker.forgetUnusedSources(except: kept)
    publisher?.forget(gone)
    pythons.forget(gone)
  }

  // MARK: - At its end

  /// The sum of a counter over all CPUs.
  func counter(_ counter: swprof_counter) throws(BPFError) -> UInt64 {
    try object.sum(map: SharedMap.counters, index: counter.rawValue)
  }

  /// Adds to a profile what is known of its code and threads.
  func name(_ profile: inout RawProfile) {
    profile.codeRegions = tracker.codeRegions
    profile.runtimeNames = tracker.pythonNames.names(of: profile.runtimeFrames)
    threadNames.apply(to: &profile.threads)
  }

  /// Adds to a profile what following processes has cost it.
  mutating func complete(_ profile: inout RawProfile) throws(CaptureError) {
    // Stacks may have come since the last records.
    readPythonNames(until: Clock.monotonic + Self.lastNameTime)
    threadNames.update(pythons, until: Clock.monotonic + Self.lastNameTime, isLast: true)
    var missed = missed
    missed.targets = try CaptureError.translating { try counter(SWPROF_COUNTER_TARGET_TABLE_FULL) }
    missed.records = tracker.recordsLost
    // A child whose fork was missed is not followed before it is sampled.
    let children = try CaptureError.translating { try counter(SWPROF_COUNTER_CHILDREN) }
    if children > tracker.forksSeen { missed.records += tracker.otherRecordsLost }
    missed.tables = publisher?.shortages ?? 0
    missed.note(in: &profile.account)
    name(&profile)
    profile.warnings += scopeWarnings + (publisher?.warnings ?? []) + pythons.warnings + tracker.warnings
  }
}
