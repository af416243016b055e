import BPF
import CProbes
import Glibc
import LinuxSystem
package import ProfileModel
import Unwinding

/// Samples a changing set of processes at a low rate, and remembers the last while: what ran before somebody asked.
package struct FlightRecorder: ~Copyable {
  private var session: ProbeSession<RecentSamples>
  private var ticks: SamplingTicks
  private var samples: RecentSamples
  /// With the times of their start: a number may be given to another process between two looks.
  private var targets: Set<ProcessKey> = []
  private var nextForgetting = MonotonicTime(nanoseconds: 0)
  /// When the first CPU began to tick.
  package let armedAt: MonotonicTime

  private static let hertz = 19
  /// No more processes are followed: each has its mappings and tables.
  package static let processLimit = 1000
  /// How often files of processes that are gone are looked for, in ns.
  private static let forgettingInterval: UInt64 = 10_000_000_000

  /// - Parameters:
  ///   - span: for how long samples are remembered, in ns.
  ///   - tables: what it shares with other captures.
  package static func arm(
    spanNanoseconds span: UInt64, tables: SharedTables = SharedTables(),
    openPerfMap: @escaping (ProcessID) -> ProcessTracker.PerfMapOpening
  ) throws(CaptureError) -> FlightRecorder {
    var spec = TaskSpec(kind: .onCPU(OnCPUOptions(frequencyHertz: Self.hertz)))
    spec.options.includesChildren = false
    var request = ResolvedTask(spec, ringBufferBytes: 1 << 21)
    request.initialBuildNanoseconds = 0
    let probes = ProbeSet(
      image: .oncpu, ringBuffer: OnCPUMap.samples, programs: [], optional: [], configure: { _ in })
    let loaded = try ProbeSession<RecentSamples>.load(request, probes: probes, shared: tables)
    return try FlightRecorder(.open(loaded, openPerfMap: openPerfMap), spanNanoseconds: span)
  }

  private init(
    _ session: consuming ProbeSession<RecentSamples>, spanNanoseconds span: UInt64
  ) throws(CaptureError) {
    var session = session
    let ticks = try SamplingTicks(
      .cpuClock, hertz: Self.hertz, jitterSeed: .random(in: .min ... .max), notesPauses: false)
    let armedAt = Clock.monotonic
    do { for cpu in ticks.cpus { try session.attach(OnCPUProgram.onCPUTick, to: cpu) } } catch {
      throw CaptureError(error)
    }
    self.ticks = ticks
    self.armedAt = armedAt
    samples = RecentSamples(span: span)
    self.session = session
  }

  /// Changes which processes are sampled; those above the limit are left out.
  package mutating func look(at processes: Set<ProcessKey>) throws(CaptureError) {
    let wanted =
      processes.count > Self.processLimit
      ? Set(processes.sorted { $0.process < $1.process }.prefix(Self.processLimit)) : processes
    guard wanted != targets else { return }
    do {
      let map = try session.object.map(named: OnCPUMap.targets)
      for process in targets.subtracting(wanted).map(\.process) {
        map.remove(key: UInt32(process.rawValue))
        // Of one that has ended, samples may still come: it is forgotten behind them.
        if ProcessTable.exists(process) { session.tracker.forget(process) }
      }
      for process in wanted.subtracting(targets).map(\.process) {
        try map.update(key: UInt32(process.rawValue), value: UInt8(1))
        if ProcessDescriptor.hasEnded(process) { map.remove(key: UInt32(process.rawValue)) }
        session.tracker.follow(process)
      }
    } catch { throw CaptureError(error) }
    targets = wanted
  }

  package var descriptors: [Int32] { session.descriptors }
  package var hasPending: Bool { session.hasPending }

  package mutating func drain() throws(CaptureError) {
    try session.drain(into: &samples)
    for cpu in session.takeNewCPUs() { sample(cpu) }
    ticks.redraw()
    let now = Clock.monotonic
    guard now >= nextForgetting else { return }
    nextForgetting = now + Self.forgettingInterval
    forgetUnusedSources()
  }

  /// Samples a CPU that came online.
  private mutating func sample(_ cpu: Int32) {
    do { try session.attach(OnCPUProgram.onCPUTick, to: ticks.add(cpu)) } catch { session.noteUnsampledCPU() }
  }

  /// Lets go of the files and tables of processes that are gone and of which no sample is remembered.
  package mutating func forgetUnusedSources() {
    session.forgetUnusedSources(except: samples.sources(at: Clock.monotonic))
  }

  /// The files and other sources of code that are held.
  package var sourceCount: Int { session.tracker.sourceCount }

  /// What is remembered of some processes, from a time on. Every stack stands on a frame that says so.
  ///
  /// - Parameter start: the start of the timeline.
  package mutating func excerpt(
    of processes: Set<ProcessID>, from start: MonotonicTime
  ) throws(CaptureError) -> RawProfile {
    try session.drainAll(into: &samples)
    var excerpt = samples.excerpt(
      of: processes, from: start, sources: session.tracker.sources,
      periodNanoseconds: UInt64(1_000_000_000 / Self.hertz))
    session.name(&excerpt)
    return excerpt
  }
}

/// The samples of the last while, one by one.
struct RecentSamples: RecordConsumer {
  private struct Sample {
    let time: MonotonicTime
    let thread: Int32
    let stack: Int32
    let userEnd: StackEnd
    let kernelEnd: StackEnd
  }

  private let span: UInt64
  private let nodeLimit: Int
  private var table = LocationTable()
  private var builder = StackTreeBuilder()
  private var threads: [ProfiledThread] = []
  private var threadIndices: [ProfiledThread: Int32] = [:]
  private var samples: [Sample] = []

  /// - Parameter nodeLimit: how many nodes the tree of stacks may have before those that nothing needs are dropped.
  init(span: UInt64, nodeLimit: Int = 1 << 18) {
    self.span = span
    self.nodeLimit = nodeLimit
  }

  var count: Int { samples.count }

  /// The sources that remembered samples lie in; those that are too old are forgotten first.
  ///
  /// - Complexity: O(samples + nodes).
  mutating func sources(at now: MonotonicTime) -> Set<SourceIndex> {
    forget(now)
    var isSeen = [Bool](repeating: false, count: builder.tree.nodes.count)
    var sources: Set<SourceIndex> = []
    for sample in samples {
      var node = sample.stack
      while node >= 0, !isSeen[Int(node)] {
        isSeen[Int(node)] = true
        if case .code(let source, _) = table.locations[Int(builder.tree.nodes[Int(node)].frame)] {
          sources.insert(source)
        }
        node = builder.tree.nodes[Int(node)].parent
      }
    }
    return sources
  }

  mutating func willRead(_ record: SampleRecord) {}

  mutating func countMalformed() {}

  mutating func add(_ sample: SampleRecord, tracker: inout ProcessTracker) -> MissingTable? {
    // What nobody asks for any more goes, once in a while.
    if let first = samples.first, sample.time.nanoseconds(since: first.time) > span + span / 4 { forget(sample.time) }
    var path = [table.index(of: .marker(.beforeTrigger))]
    path += table.path(
      ofUserStack: sample.userStack, end: sample.userEnd, process: sample.process, tracker: &tracker)
    path += table.path(ofKernelStack: sample.kernelStack, end: sample.kernelEnd)
    if let stack = builder.insert(path) {
      samples.append(
        Sample(
          time: sample.time, thread: index(of: sample.profiledThread), stack: stack, userEnd: sample.userEnd,
          kernelEnd: sample.kernelEnd))
    }
    return sample.userEnd.missingTable(of: sample.process, stack: sample.nativeStack)
  }

  private mutating func index(of thread: ProfiledThread) -> Int32 {
    if let known = threadIndices[thread] { return known }
    threads.append(thread)
    threadIndices[thread] = Int32(threads.count - 1)
    return Int32(threads.count - 1)
  }

  private mutating func forget(_ now: MonotonicTime) {
    samples.removeAll { now.nanoseconds(since: $0.time) > span }
    // Threads come and go as stacks do.
    if builder.tree.nodes.count > nodeLimit || threads.count > nodeLimit { self = copy(of: samples) }
  }

  /// Starts over with the stacks and threads of some samples alone.
  private func copy(of wanted: [Sample]) -> RecentSamples {
    var copy = RecentSamples(span: span, nodeLimit: nodeLimit)
    for sample in wanted {
      let path = builder.tree.path(to: sample.stack).map { copy.table.index(of: $0, in: table) }
      guard let stack = copy.builder.insert(path) else { continue }
      let thread = copy.index(of: threads[Int(sample.thread)])
      copy.samples.append(
        Sample(
          time: sample.time, thread: thread, stack: stack, userEnd: sample.userEnd, kernelEnd: sample.kernelEnd))
    }
    return copy
  }

  func excerpt(
    of processes: Set<ProcessID>, from start: MonotonicTime, sources: [CodeSource], periodNanoseconds period: UInt64
  ) -> RawProfile {
    let wanted = samples.filter { $0.time >= start && processes.contains(threads[Int($0.thread)].process) }
    return copy(of: wanted).rawProfile(from: start, sources: sources, periodNanoseconds: period)
  }

  private func rawProfile(
    from start: MonotonicTime, sources: [CodeSource], periodNanoseconds period: UInt64
  ) -> RawProfile {
    struct Key: Hashable {
      let thread: Int32
      let stack: Int32
    }
    var counts: [Key: UInt64] = [:]
    var slots = SlotCounts<Key>()
    var account = SampleAccount()
    for sample in samples {
      let key = Key(thread: sample.thread, stack: sample.stack)
      counts[key, default: 0] += 1
      slots.add(key, elapsedNanoseconds: sample.time.nanoseconds(since: start))
      account.ticks += 1
      account.taken += 1
      account.note(userEnd: sample.userEnd, kernelEnd: sample.kernelEnd, count: 1)
    }
    let keys = counts.keys.sorted { ($0.thread, $0.stack) < ($1.thread, $1.stack) }
    let places = Dictionary(uniqueKeysWithValues: keys.enumerated().map { ($1, $0) })
    let values = keys.map { key in
      let count = counts[key] ?? 0
      return Profile.Value(
        thread: Int(key.thread), stack: key.stack, weight: Weight(count: count, nanoseconds: count * period))
    }
    return RawProfile(
      sources: sources, locations: table.locations, runtimeFrames: table.runtimeFrames, threads: threads,
      stacks: builder.tree, values: values,
      timeline: slots.timeline { places[$0] }, account: account, warnings: [])
  }
}
