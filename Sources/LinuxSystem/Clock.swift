import Glibc
package import ProfileModel

/// The clocks of a capture.
package enum Clock {
  /// The kernel's own, by which records are stamped, whatever the time namespace of this process.
  package static var monotonic: MonotonicTime {
    var time = timespec()
    unsafe clock_gettime(CLOCK_MONOTONIC, &time)
    let shown = UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
    return MonotonicTime(nanoseconds: shown &- UInt64(bitPattern: monotonicOffset))
  }

  /// What the time namespace of this process adds to the kernel's clock, in ns; it never changes while a process runs.
  private static let monotonicOffset: Int64 = {
    // The file is about the namespace of children, which is another one between unshare(2) and the next program.
    guard SymbolicLink.destination(of: "/proc/self/ns/time") == SymbolicLink.destination(of: namespaceOfChildren),
      let offsets = try? OpenFile.text(of: "/proc/self/timens_offsets")
    else { return 0 }
    return offset(of: "monotonic", in: offsets)
  }()

  private static let namespaceOfChildren = "/proc/self/ns/time_for_children"

  /// The offset of a clock in ns: `monotonic -3000 500` a line, seconds and nanoseconds (time_namespaces(7)).
  ///
  /// - Returns: 0 for a clock that is not there, and for what cannot be.
  static func offset(of clock: String, in offsets: String) -> Int64 {
    for line in offsets.split(separator: "\n") {
      let words = line.split(separator: " ", omittingEmptySubsequences: true)
      guard words.count == 3, words[0] == clock, let seconds = Int64(words[1]), let rest = Int64(words[2]) else {
        continue
      }
      let (whole, overflow) = seconds.multipliedReportingOverflow(by: 1_000_000_000)
      let (sum, isTooLarge) = whole.addingReportingOverflow(rest)
      return overflow || isTooLarge ? 0 : sum
    }
    return 0
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
