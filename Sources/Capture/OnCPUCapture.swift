import BPF
import CProbes
import Glibc
import LinuxSystem
package import ProfileModel

/// On-CPU profiling of a set of processes.
package struct OnCPUCapture: ~Copyable, ArmedCapture {
  private var session: ProbeSession<SampleAggregator>
  /// Kept open while they tick.
  private var events: [TickingCPU]
  private let hertz: Int
  private var aggregator: SampleAggregator
  private let period: UInt64
  /// What ticks.
  private let clock: PerfEvent.Clock
  /// From when on ticks are recorded.
  package let armedAt: MonotonicTime

  /// Begins to read the programs, in a thread of its own, for a capture that will probably be asked for.
  package static func prepare() { ProgramImage.oncpu.openAhead() }

  /// Loads and attaches everything; from the return on, ticks are recorded.
  ///
  /// - Parameter hertz: ticks a second and CPU.
  package static func arm(
    _ request: CaptureRequest, frequencyHertz hertz: Int,
    openPerfMap: @escaping (ProcessID) -> ProcessTracker.PerfMapOpening
  ) throws(CaptureError) -> OnCPUCapture {
    // The first sample need not wait for a whole period where CPUs tick before there is someone to listen. What keeps
    // them from it is told when they are opened again.
    let ticks = try? Ticks(hertz: hertz)
    return try PreparedOnCPU.load(request, frequencyHertz: hertz).arm(ticks, openPerfMap: openPerfMap)
  }

  /// The events of all CPUs. They tick from the beginning, whether a program is attached or not.
  fileprivate struct Ticks {
    let clock: PerfEvent.Clock
    let events: [TickingCPU]

    init(hertz: Int) throws(CaptureError) {
      (clock, events) = try CaptureError.translating {
        let cpus = try Host.onlineCPUs()
        let clock = Self.bestClock(cpu: cpus.first ?? 0, hertz: hertz)
        let events = try cpus.map { try TickingCPU(clock, cpu: $0, hertz: hertz) }
        for event in events { try event.event.enable() }
        return (clock, events)
      }
    }

    /// Hardware cycles where the machine counts them, else the CPU clock.
    private static func bestClock(cpu: Int32, hertz: Int) -> PerfEvent.Clock {
      (try? PerfEvent.ticking(.cycles, cpu: cpu, hertz: hertz)) == nil ? .cpuClock : .cycles
    }
  }

  fileprivate init(
    _ session: consuming ProbeSession<SampleAggregator>, _ ticks: Ticks, frequencyHertz hertz: Int
  ) throws(CaptureError) {
    var session = session
    let armedAt = Clock.monotonic
    do { for event in ticks.events { try session.attach("on_cpu_tick", to: event.event) } } catch {
      throw CaptureError(error)
    }
    self.init(
      session: session, events: ticks.events, hertz: hertz, clock: ticks.clock, armedAt: armedAt)
  }

  private init(
    session: consuming ProbeSession<SampleAggregator>, events: [TickingCPU], hertz: Int, clock: PerfEvent.Clock,
    armedAt: MonotonicTime
  ) {
    self.session = session
    self.events = events
    self.hertz = hertz
    period = UInt64(1_000_000_000 / hertz)
    self.clock = clock
    self.armedAt = armedAt
    aggregator = SampleAggregator(startedAt: armedAt)
  }

  package var unwind: String { session.unwind }
  package var event: String { clock.rawValue }
  package var tableCost: (nanoseconds: UInt64, bytes: Int) { session.tableCost }
  package var firstRecordAt: MonotonicTime? { aggregator.firstSampleAt }
  package var progress: String { "\(aggregator.account.taken) samples" }
  package var descriptors: [Int32] { session.descriptors }
  package var hasPending: Bool { session.hasPending }
  package var hasNoTargetLeft: Bool { session.hasNoTargetLeft }

  /// Called with each sample as it is read; for tests that look at the sampled thread itself.
  package var observe: ((SampleRecord) -> Void)? {
    get { aggregator.observe }
    set { aggregator.observe = newValue }
  }

  /// What the verifier has followed of the sampling program, in instructions; nil where the kernel does not tell.
  package var verifiedInstructions: UInt32? {
    (try? session.object.verifiedInstructions(of: "on_cpu_tick")).flatMap(\.self)
  }

  package mutating func followRunningProcesses() { session.followRunningProcesses() }

  package mutating func drain() throws(CaptureError) {
    try session.drain(into: &aggregator)
    for cpu in session.takeNewCPUs() { sample(cpu) }
  }

  /// Samples a CPU that came online.
  private mutating func sample(_ cpu: Int32) {
    do {
      let ticking = try TickingCPU(clock, cpu: cpu, hertz: hertz)
      try session.attach("on_cpu_tick", to: ticking.event)
      try ticking.event.enable()
      events.append(ticking)
    } catch { session.noteUnsampledCPU() }
  }

  package mutating func detach() { session.detach() }

  package mutating func finish() throws(CaptureError) -> RawProfile {
    session.detachFromEvents()
    session.noteThrottling(events.reduce(0) { $0 + $1.pauses() })
    try session.drainAll(into: &aggregator)
    var profile = aggregator.rawProfile(sources: session.tracker.sources, periodNanoseconds: period)
    let (ticks, full) = try CaptureError.translating {
      (try session.counter(SWPROF_COUNTER_TICKS), try session.counter(SWPROF_COUNTER_RING_BUFFER_FULL))
    }
    profile.account.ticks = ticks
    profile.account.losses[.ringBufferFull] = full > 0 ? full : nil
    try session.complete(&profile)
    return profile
  }
}

/// The programs of an on-CPU capture, loaded ahead of the moment when they are needed.
package struct PreparedOnCPU: ~Copyable {
  private var probes: LoadedProbes
  private let hertz: Int

  /// - Parameter tables: what it shares with other captures; nil for tables of its own.
  package static func load(
    _ request: CaptureRequest, frequencyHertz hertz: Int, tables: SharedTables? = nil
  ) throws(CaptureError) -> PreparedOnCPU {
    let probes = ProbeSet(
      image: .oncpu, ringBuffer: "samples", programs: [], optional: [], configure: { _ in })
    return PreparedOnCPU(
      probes: try ProbeSession<SampleAggregator>.load(request, probes: probes, shared: tables), hertz: hertz)
  }

  private init(probes: consuming LoadedProbes, hertz: Int) {
    self.probes = probes
    self.hertz = hertz
  }

  /// Lists the processes to look at, where the programs were loaded for listed ones.
  package mutating func aim(at processes: [ProcessID]) throws(CaptureError) { try probes.aim(at: processes) }

  /// Attaches everything; from the return on, ticks are recorded.
  package consuming func arm(
    openPerfMap: @escaping (ProcessID) -> ProcessTracker.PerfMapOpening
  ) throws(CaptureError) -> OnCPUCapture {
    try arm(nil, openPerfMap: openPerfMap)
  }

  /// - Parameter ticks: what is open already.
  fileprivate consuming func arm(
    _ ticks: OnCPUCapture.Ticks?, openPerfMap: @escaping (ProcessID) -> ProcessTracker.PerfMapOpening
  ) throws(CaptureError) -> OnCPUCapture {
    let hertz = hertz
    let session = try ProbeSession<SampleAggregator>.open(probes, openPerfMap: openPerfMap)
    let opened = if let ticks { ticks } else { try OnCPUCapture.Ticks(hertz: hertz) }
    return try OnCPUCapture(session, opened, frequencyHertz: hertz)
  }
}
