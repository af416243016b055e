import CLinux
import Glibc

/// A perf event of one CPU (perf_event_open(2)), closed with its last reference.
package final class PerfEvent: Sendable {
  package enum Clock: String, Sendable {
    case cycles
    case cpuClock = "cpu-clock"

    /// What the kernel wants to know: of cycles the ticks a second, since it finds out their period itself.
    fileprivate func periodOrRate(_ nanoseconds: UInt64) -> UInt64 {
      switch self {
      case .cycles: max(1, (1_000_000_000 + nanoseconds / 2) / max(1, nanoseconds))
      case .cpuClock: max(1, nanoseconds)
      }
    }
  }

  package let descriptor: Int32

  private init(adopting descriptor: Int32) { self.descriptor = descriptor }

  deinit { close(descriptor) }

  /// A disabled event that ticks each time that a period has passed: exactly by the CPU clock, on average by cycles.
  package static func ticking(_ clock: Clock, cpu: Int32, periodNanoseconds period: UInt64) throws(Errno) -> PerfEvent {
    let value = clock.periodOrRate(period)
    return PerfEvent(
      adopting: try retryingOnInterrupt {
        switch clock {
        case .cycles: swprof_open_cycles(cpu, value)
        case .cpuClock: swprof_open_cpu_clock(cpu, value)
        }
      })
  }

  /// Changes the period of an event that ticks. The new period begins at once; what had passed of the old one is lost.
  package func setPeriod(_ clock: Clock, nanoseconds period: UInt64) throws(Errno) {
    guard swprof_set_event_period(descriptor, clock.periodOrRate(period)) == 0 else { throw Errno.last }
  }

  /// Lets a disabled event tick.
  package func enable() throws(Errno) {
    guard swprof_enable_event(descriptor) == 0 else { throw Errno.last }
  }

  /// An event that records mappings, names, forks and exits of every process on the CPU.
  package static func sideband(cpu: Int32) throws(Errno) -> PerfEvent {
    PerfEvent(adopting: try retryingOnInterrupt { swprof_open_sideband(cpu) })
  }

  /// An event that records names, forks and exits of every process on the CPU, but no mappings.
  ///
  /// - Parameter wakeupBytes: how many bytes of records make the descriptor readable.
  package static func lifecycle(cpu: Int32, wakeupBytes: UInt32) throws(Errno) -> PerfEvent {
    PerfEvent(adopting: try retryingOnInterrupt { swprof_open_lifecycle(cpu, wakeupBytes) })
  }
}

/// The memory-mapped ring of a perf event.
@safe package struct PerfRing: ~Copyable {
  private let event: PerfEvent
  private var ring: swprof_perf_ring
  private var buffer = [UInt8](repeating: 0, count: 1 << 16)

  /// - Parameter dataPages: a power of two.
  package init(_ event: PerfEvent, dataPages: Int) throws(Errno) {
    var ring = unsafe swprof_perf_ring()
    guard unsafe swprof_perf_ring_map(&ring, event.descriptor, dataPages) == 0 else { throw Errno.last }
    self.event = event
    unsafe self.ring = ring
  }

  deinit {
    var ring = unsafe ring
    unsafe swprof_perf_ring_unmap(&ring)
  }

  package var descriptor: Int32 { event.descriptor }

  /// Takes all records that are there; each is passed as its bytes, header included.
  package mutating func drain(_ consume: (RawSpan) -> Void) {
    while true {
      let capacity = buffer.count
      let size = unsafe buffer.withUnsafeMutableBytes { unsafe swprof_perf_ring_next(&ring, $0.baseAddress, capacity) }
      if size == 0 { return }
      consume(unsafe buffer.span.bytes.extracting(first: size))
    }
  }
}
