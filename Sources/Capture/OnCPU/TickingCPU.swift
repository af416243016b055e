import LinuxSystem
import ProfileModel

/// A CPU that ticks, and what the kernel says of that.
final class TickingCPU {
  /// They share the rate.
  let events: [PerfEvent]
  private let clock: PerfEvent.Clock
  private var periods: TickPeriods
  /// Where the kernel notes that it paused the ticks; none where it lends no memory for that.
  private let rings: [Ring]

  /// A ring in an array: those hold no noncopyable values.
  private final class Ring {
    var ring: PerfRing
    init(_ ring: consuming PerfRing) { self.ring = ring }
  }

  /// - Parameters:
  ///   - random: nil for ticks at a fixed rate.
  ///   - notesPauses: whether `pauses()` is to tell anything.
  init(
    _ clock: PerfEvent.Clock, cpu: Int32, hertz: Int, _ random: inout TickRandom?, notesPauses: Bool
  ) throws(Errno) {
    self.clock = clock
    periods = TickPeriods(clock, hertz: hertz, at: Clock.monotonic, &random)
    var events: [PerfEvent] = []
    for period in periods.current {
      events.append(try PerfEvent.ticking(clock, cpu: cpu, periodNanoseconds: period))
    }
    self.events = events
    rings = notesPauses ? events.compactMap { try? Ring(PerfRing($0, dataPages: 1)) } : []
  }

  /// Lets the events tick.
  func enable() throws(Errno) {
    for event in events { try event.enable() }
  }

  /// Draws periods anew where they have held for long enough.
  ///
  /// - Returns: how many events have another one now.
  func redraw(_ random: inout TickRandom) -> Int {
    let changed = periods.draw(at: Clock.monotonic, &random)
    let current = periods.current
    var count = 0
    for index in changed {
      // Of a CPU that went offline, it does not matter.
      do throws(Errno) { try events[index].setPeriod(clock, nanoseconds: current[index]) } catch { continue }
      count += 1
    }
    return count
  }

  /// How often the ticks were paused since the last call.
  func pauses() -> UInt64 {
    var count: UInt64 = 0
    for ring in rings { ring.ring.drain { if TickRecord(decoding: $0) == .paused { count += 1 } } }
    return count
  }
}
