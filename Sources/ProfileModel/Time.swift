/// A point of `CLOCK_MONOTONIC`, the clock that the kernel side stamps every record with.
package struct MonotonicTime: Hashable, Comparable, Sendable {
  package let nanoseconds: UInt64

  package init(nanoseconds: UInt64) { self.nanoseconds = nanoseconds }

  package static func < (left: Self, right: Self) -> Bool { left.nanoseconds < right.nanoseconds }

  /// The point a number of ns later.
  package static func + (time: Self, nanoseconds: UInt64) -> Self {
    MonotonicTime(nanoseconds: time.nanoseconds + nanoseconds)
  }

  /// The time from `earlier` to this point in ns; zero when `earlier` is later.
  package func nanoseconds(since earlier: Self) -> UInt64 {
    nanoseconds > earlier.nanoseconds ? nanoseconds - earlier.nanoseconds : 0
  }
}

/// A point of `CLOCK_BOOTTIME`: it counts suspended time too, unlike `CLOCK_MONOTONIC`. Start times of processes are
/// points of this clock (proc_pid_stat(5), since Linux 2.6.24).
package struct BootTime: Hashable, Comparable, Sendable {
  package let nanoseconds: UInt64

  package init(nanoseconds: UInt64) { self.nanoseconds = nanoseconds }

  package static func < (left: Self, right: Self) -> Bool { left.nanoseconds < right.nanoseconds }
}

/// A point of the wall clock, in ns since the Unix epoch.
package struct WallTime: Hashable, Comparable, Sendable, Codable {
  package let nanoseconds: Int64

  package init(nanoseconds: Int64) { self.nanoseconds = nanoseconds }

  /// Whether it lies within a century or two, up to the year 2116: the difference of two such times is within 64 bits.
  package var isPlausible: Bool { nanoseconds.magnitude <= 1 << 62 }

  package static func < (left: Self, right: Self) -> Bool { left.nanoseconds < right.nanoseconds }
}
