import LinuxSystem
import ProfileModel

/// The ticks of all CPUs that programs take samples at.
struct SamplingTicks {
  let clock: PerfEvent.Clock
  let hertz: Int
  /// What the periods are drawn by; nil for ticks at a fixed rate.
  let jitterSeed: UInt32?
  /// Kept open while they tick.
  private(set) var cpus: [TickingCPU] = []
  private var random: TickRandom?
  private let notesPauses: Bool
  private var nextDraw = MonotonicTime(nanoseconds: 0)

  /// A new period takes a call of the CPU that ticks, some microseconds: on a machine of many CPUs, periods hold longer.
  private static let nanosecondsPerDraw: UInt64 = 2_500_000

  /// Opens the events of all CPUs; they do not tick yet.
  ///
  /// - Parameters:
  ///   - clock: nil for the best one.
  ///   - hertz: ticks a second and CPU.
  init(
    _ clock: PerfEvent.Clock? = nil, hertz: Int, jitterSeed: UInt32?, notesPauses: Bool = true
  ) throws(CaptureError) {
    self.hertz = hertz
    self.jitterSeed = jitterSeed
    self.notesPauses = notesPauses
    random = jitterSeed.map { TickRandom(seed: $0) }
    let online = try CaptureError.translating { try Host.onlineCPUs() }
    self.clock = clock ?? Self.bestClock(cpu: online.first ?? 0)
    do throws(Errno) { for cpu in online { _ = try add(cpu) } } catch { throw CaptureError.translated(error) }
  }

  /// Hardware cycles where the machine counts them, else the CPU clock.
  private static func bestClock(cpu: Int32) -> PerfEvent.Clock {
    (try? PerfEvent.ticking(.cycles, cpu: cpu, periodNanoseconds: 1_000_000_000)) == nil ? .cpuClock : .cycles
  }

  /// Opens the events of one more CPU.
  mutating func add(_ cpu: Int32) throws(Errno) -> TickingCPU {
    let ticking = try TickingCPU(clock, cpu: cpu, hertz: hertz, &random, notesPauses: notesPauses)
    cpus.append(ticking)
    return ticking
  }

  /// Draws periods anew that have held for long enough. Call it a few times a second.
  mutating func redraw() {
    let now = Clock.monotonic
    guard var draws = random, now >= nextDraw else { return }
    let count = cpus.reduce(0) { $0 + $1.redraw(&draws) }
    random = draws
    nextDraw = now + UInt64(count) * Self.nanosecondsPerDraw
  }

  /// How often ticks were paused since the last call.
  func pauses() -> UInt64 { cpus.reduce(0) { $0 + $1.pauses() } }
}
