import LinuxSystem

/// A CPU that ticks, and what the kernel says of that.
final class TickingCPU {
  let event: PerfEvent
  /// Where the kernel notes that it paused the ticks; nil where it lends no memory for that.
  private var ring: Ring?

  /// A ring in an optional: those hold no noncopyable values that are changed in place.
  private final class Ring {
    var ring: PerfRing
    init(_ ring: consuming PerfRing) { self.ring = ring }
  }

  init(_ clock: PerfEvent.Clock, cpu: Int32, hertz: Int) throws(Errno) {
    event = try PerfEvent.ticking(clock, cpu: cpu, hertz: hertz)
    do throws(Errno) { ring = Ring(try PerfRing(event, dataPages: 1)) } catch { ring = nil }
  }

  /// How often the ticks were paused since the last call.
  func pauses() -> UInt64 {
    var count: UInt64 = 0
    ring?.ring.drain { if TickRecord(decoding: $0) == .paused { count += 1 } }
    return count
  }
}
