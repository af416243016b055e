import Glibc
package import ProfileModel

/// The clocks of a capture.
package enum Clock {
  package static var monotonic: MonotonicTime {
    var time = timespec()
    unsafe clock_gettime(CLOCK_MONOTONIC, &time)
    return MonotonicTime(nanoseconds: UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec))
  }

  /// The time since boot, suspension included: what /proc counts the starts of processes by.
  package static var boot: BootTime {
    var time = timespec()
    unsafe clock_gettime(CLOCK_BOOTTIME, &time)
    return BootTime(nanoseconds: UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec))
  }

  package static var wall: WallTime {
    var time = timespec()
    unsafe clock_gettime(CLOCK_REALTIME, &time)
    return WallTime(nanoseconds: Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec))
  }

  /// The length of the kernel's tick (a jiffy) in ns, which is what its coarse clocks are exact to.
  package static var tickNanoseconds: UInt32 {
    var resolution = timespec()
    unsafe clock_getres(CLOCK_MONOTONIC_COARSE, &resolution)
    return UInt32(clamping: resolution.tv_nsec)
  }

  /// A point of the monotonic clock on the wall, as the clocks stand now.
  package static func wall(at time: MonotonicTime) -> WallTime {
    WallTime(nanoseconds: wall.nanoseconds - Int64(bitPattern: monotonic.nanoseconds &- time.nanoseconds))
  }

  /// The CPU time that the calling thread has used, in ns.
  package static var threadCPUNanoseconds: UInt64 {
    var time = timespec()
    unsafe clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
    return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
  }

  /// The CPU time that all threads of a process have used, those that have ended included, in ns.
  ///
  /// The scheduler's own count, one call for all threads and to a tick of the kernel's clock. The number of the clock is
  /// that of clock_getcpuclockid(3): any process's may be read.
  ///
  /// - Returns: nil where there is no such process.
  package static func cpuNanoseconds(of process: ProcessID) -> UInt64? {
    var time = timespec()
    // CPUCLOCK_SCHED is 2, and a process's number is kept inverted (include/linux/posix-timers_types.h).
    let clock = ~clockid_t(process.rawValue) << 3 | 2
    guard unsafe clock_gettime(clock, &time) == 0 else { return nil }
    return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
  }
}
