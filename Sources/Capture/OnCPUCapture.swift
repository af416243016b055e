import BPF
import CProbes
import Glibc
import LinuxSystem
package import ProfileModel

/// On-CPU profiling of a set of processes.
package struct OnCPUCapture: ~Copyable, ArmedCapture {
  private var session: ProbeSession<SampleAggregator>
  private var ticks: SamplingTicks
  private var aggregator: SampleAggregator
  /// From when on ticks are recorded.
  package let armedAt: MonotonicTime

  /// Begins to read the programs, in a thread of its own, for a capture that will probably be asked for.
  package static func prepare() { ProgramImage.oncpu.openAhead() }

  /// Loads and attaches everything; from the return on, ticks are recorded.
  ///
  /// - Parameters:
  ///   - hertz: ticks a second and CPU, on average.
  ///   - jitterSeed: what the times of ticks are drawn by; nil for ticks at a fixed rate.
  package static func arm(
    _ request: CaptureRequest, frequencyHertz hertz: Int, jitterSeed: UInt32?,
    openPerfMap: @escaping (ProcessID) -> ProcessTracker.PerfMapOpening
  ) throws(CaptureError) -> OnCPUCapture {
    // The first sample need not wait for a whole period where CPUs tick before there is someone to listen. What keeps
    // them from it is told when they are opened again.
    let ticks = try? Self.ticks(hertz: hertz, jitterSeed: jitterSeed)
    return try PreparedOnCPU.load(request, frequencyHertz: hertz, jitterSeed: jitterSeed)
      .arm(ticks, openPerfMap: openPerfMap)
  }

  /// The events of all CPUs. They tick from the beginning, whether a program is attached or not.
  fileprivate static func ticks(hertz: Int, jitterSeed: UInt32?) throws(CaptureError) -> SamplingTicks {
    let ticks = try SamplingTicks(hertz: hertz, jitterSeed: jitterSeed)
    return try CaptureError.translating {
      for cpu in ticks.cpus { try cpu.enable() }
      return ticks
    }
  }

  fileprivate init(
    _ session: consuming ProbeSession<SampleAggregator>, _ ticks: SamplingTicks
  ) throws(CaptureError) {
    var session = session
    let armedAt = Clock.monotonic
    do { for cpu in ticks.cpus { try session.attach(OnCPUProgram.onCPUTick, to: cpu) } } catch {
      throw CaptureError(error)
    }
    self.init(session: session, ticks: ticks, armedAt: armedAt)
  }

  private init(session: consuming ProbeSession<SampleAggregator>, ticks: SamplingTicks, armedAt: MonotonicTime) {
    self.session = session
    self.ticks = ticks
    self.armedAt = armedAt
    aggregator = SampleAggregator(startedAt: armedAt)
  }

  package var unwind: String { session.unwind }
  package var event: String { ticks.clock.rawValue }
  package var jitterSeed: UInt32? { ticks.jitterSeed }
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
    (try? session.object.verifiedInstructions(of: OnCPUProgram.onCPUTick)).flatMap(\.self)
  }

  package mutating func followRunningProcesses() { session.followRunningProcesses() }

  package mutating func drain() throws(CaptureError) {
    try session.drain(into: &aggregator)
    for cpu in session.takeNewCPUs() { sample(cpu) }
    ticks.redraw()
  }

  /// Samples a CPU that came online.
  private mutating func sample(_ cpu: Int32) {
    do {
      let ticking = try ticks.add(cpu)
      try session.attach(OnCPUProgram.onCPUTick, to: ticking)
      try ticking.enable()
    } catch { session.noteUnsampledCPU() }
  }

  package mutating func detach() { session.detach() }

  /// For how long stacks are walked that had to wait for a table, when the capture ends.
  private static var walkNanoseconds: UInt64 { 2_000_000_000 }

  package mutating func finish() throws(CaptureError) -> RawProfile {
    session.detachFromEvents()
    session.noteThrottling(ticks.pauses())
    try session.drainAll(into: &aggregator)
    let deadline = Clock.monotonic + Self.walkNanoseconds
    aggregator.addUnwalked(&session.tracker) { Clock.monotonic < deadline }
    var profile = aggregator.rawProfile(
      sources: session.tracker.sources, periodNanoseconds: UInt64(1_000_000_000 / ticks.hertz))
    let (seen, full) = try CaptureError.translating {
      (try session.counter(SWPROF_COUNTER_TICKS), try session.counter(SWPROF_COUNTER_RING_BUFFER_FULL))
    }
    profile.account.ticks = seen
    profile.account.losses[.ringBufferFull] = full > 0 ? full : nil
    try session.complete(&profile)
    return profile
  }
}

/// The programs of an on-CPU capture, loaded ahead of the moment when they are needed.
package struct PreparedOnCPU: ~Copyable {
  private var probes: LoadedProbes
  private let hertz: Int
  private let jitterSeed: UInt32?

  /// - Parameters:
  ///   - jitterSeed: what the times of ticks are drawn by; nil for ticks at a fixed rate.
  ///   - tables: what it shares with other captures; nil for tables of its own.
  package static func load(
    _ request: CaptureRequest, frequencyHertz hertz: Int, jitterSeed: UInt32?, tables: SharedTables? = nil
  ) throws(CaptureError) -> PreparedOnCPU {
    let probes = ProbeSet(
      image: .oncpu, ringBuffer: OnCPUMap.samples, programs: [], optional: [], configure: { _ in })
    return PreparedOnCPU(
      probes: try ProbeSession<SampleAggregator>.load(request, probes: probes, shared: tables), hertz: hertz,
      jitterSeed: jitterSeed)
  }

  private init(probes: consuming LoadedProbes, hertz: Int, jitterSeed: UInt32?) {
    self.probes = probes
    self.hertz = hertz
    self.jitterSeed = jitterSeed
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
    _ ticks: SamplingTicks?, openPerfMap: @escaping (ProcessID) -> ProcessTracker.PerfMapOpening
  ) throws(CaptureError) -> OnCPUCapture {
    let (hertz, jitterSeed) = (hertz, jitterSeed)
    let session = try ProbeSession<SampleAggregator>.open(probes, openPerfMap: openPerfMap)
    let opened = if let ticks { ticks } else { try OnCPUCapture.ticks(hertz: hertz, jitterSeed: jitterSeed) }
    return try OnCPUCapture(session, opened)
  }
}
