import BPF
import CProbes
import Glibc
import LinuxSystem
package import ProfileModel

/// On-CPU profiling of a set of processes.
package final class OnCPUCapture: CaptureLifecycle {
  /// Until it is armed.
  private var probes: LoadedProbes?
  private let hertz: Int
  private let jitterSeed: UInt32?
  private let openPerfMap: (ProcessID) -> ProcessTracker.PerfMapOpening
  private var session: ProbeSession<SampleAggregator>?
  private var ticks: SamplingTicks?
  private var aggregator = SampleAggregator(startedAt: MonotonicTime(nanoseconds: 0))

  /// The highest sampling rate that the kernel allows, in Hz; 100,000 where it does not say.
  package static var highestFrequency: Int {
    let text = (try? OpenFile.text(of: "/proc/sys/kernel/perf_event_max_sample_rate")) ?? ""
    return text.split(separator: "\n").first.flatMap { Int($0) } ?? 100_000
  }

  /// Begins to read the programs, in a thread of its own, for a capture that will probably be asked for.
  package static func prepare() { ProgramImage.oncpu.openAhead() }

  /// Loads the programs.
  ///
  /// - Parameters:
  ///   - hertz: ticks a second and CPU, on average.
  ///   - jitterSeed: what the times of ticks are drawn by; nil for ticks at a fixed rate.
  ///   - tables: what it shares with other captures; nil for tables of its own.
  package init(
    _ request: ResolvedTask, frequencyHertz hertz: Int, jitterSeed: UInt32?, tables: SharedTables? = nil,
    openPerfMap: @escaping (ProcessID) -> ProcessTracker.PerfMapOpening
  ) throws(CaptureError) {
    self.hertz = hertz
    self.jitterSeed = jitterSeed
    self.openPerfMap = openPerfMap
    // The first sample need not wait for a whole period where CPUs tick before there is someone to listen. What keeps
    // them from it is told when they are opened again.
    if !request.isPreparedAhead { ticks = try? Self.ticks(hertz: hertz, jitterSeed: jitterSeed) }
    let programs = ProbeSet(
      image: .oncpu, ringBuffer: OnCPUMap.samples, programs: [], optional: [], configure: { _ in })
    probes = try ProbeSession<SampleAggregator>.load(request, probes: programs, shared: tables)
  }

  /// The events of all CPUs. They tick from the beginning, whether a program is attached or not.
  private static func ticks(hertz: Int, jitterSeed: UInt32?) throws(CaptureError) -> SamplingTicks {
    let ticks = try SamplingTicks(hertz: hertz, jitterSeed: jitterSeed)
    return try CaptureError.translating {
      for cpu in ticks.cpus { try cpu.enable() }
      return ticks
    }
  }

  package func aim(at processes: [ProcessID]) throws(CaptureError) { try probes?.aim(at: processes) }

  package func arm() throws(CaptureError) -> CaptureStart {
    guard let probes = probes.take() else { preconditionFailure("a capture is armed once") }
    var session = try ProbeSession<SampleAggregator>.open(probes, openPerfMap: openPerfMap)
    let opened = if let ticks { ticks } else { try Self.ticks(hertz: hertz, jitterSeed: jitterSeed) }
    let armedAt = Clock.monotonic
    do { for cpu in opened.cpus { try session.attach(OnCPUProgram.onCPUTick, to: cpu) } } catch {
      throw CaptureError(error)
    }
    let start = CaptureStart(
      armedAt: armedAt, event: opened.clock.rawValue, unwind: session.unwind, jitterSeed: jitterSeed)
    ticks = opened
    aggregator = SampleAggregator(startedAt: armedAt)
    aggregator.label = { $0.gil.labels }
    self.session = consume session
    return start
  }

  package var tableCost: (nanoseconds: UInt64, bytes: Int) { session?.tableCost ?? (0, 0) }
  package var firstRecordAt: MonotonicTime? { aggregator.firstSampleAt }
  package var progress: String { "\(aggregator.account.taken) samples" }
  package var descriptors: [Int32] { session?.descriptors ?? [] }
  package var hasPending: Bool { session?.hasPending ?? false }
  package var hasNoTargetLeft: Bool { session?.hasNoTargetLeft ?? false }

  /// Called with each sample as it is read; for tests that look at the sampled thread itself.
  package var observe: ((SampleRecord) -> Void)? {
    get { aggregator.observe }
    set { aggregator.observe = newValue }
  }

  /// What the verifier has followed of the sampling program, in instructions; nil where the kernel does not tell.
  package var verifiedInstructions: UInt32? {
    (try? session?.object.verifiedInstructions(of: OnCPUProgram.onCPUTick)).flatMap(\.self)
  }

  package func followRunningProcesses() { session?.followRunningProcesses() }

  package func drain() throws(CaptureError) {
    try session?.drain(into: &aggregator)
    for cpu in session?.takeNewCPUs() ?? [] { sample(cpu) }
    ticks?.redraw()
  }

  /// Samples a CPU that came online.
  private func sample(_ cpu: Int32) {
    do {
      guard let ticking = try ticks?.add(cpu) else { return }
      try session?.attach(OnCPUProgram.onCPUTick, to: ticking)
      try ticking.enable()
    } catch { session?.noteUnsampledCPU() }
  }

  package func detach() { session?.detach() }

  /// For how long stacks are walked that had to wait for a table, when the capture ends.
  private static var walkNanoseconds: UInt64 { 2_000_000_000 }

  package func finish() throws(CaptureError) -> CaptureOutcome {
    guard var session = session.take() else { preconditionFailure("a capture is armed before it is finished") }
    session.detachFromEvents()
    session.noteThrottling(ticks?.pauses() ?? 0)
    try session.drainAll(into: &aggregator)
    let deadline = Clock.monotonic + Self.walkNanoseconds
    aggregator.addUnwalked(&session.tracker) { Clock.monotonic < deadline }
    var profile = aggregator.rawProfile(
      sources: session.tracker.sources, periodNanoseconds: UInt64(1_000_000_000 / hertz))
    let (seen, full) = try CaptureError.translating {
      (try session.counter(SWPROF_COUNTER_TICKS), try session.counter(SWPROF_COUNTER_RING_BUFFER_FULL))
    }
    profile.account.ticks = seen
    profile.account.losses[.ringBufferFull] = full > 0 ? full : nil
    try session.complete(&profile)
    self.session = consume session
    return .profile(profile)
  }
}
