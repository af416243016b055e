import LinuxSystem
import ProfileModel

/// Where the time of a run went, in ms since the process started, and what unwind tables have cost.
struct Timings {
  private let origin: MonotonicTime
  private var marks: [(name: String, time: MonotonicTime)] = []

  /// The time to build the tables in ns, and their bytes.
  var tables: (nanoseconds: UInt64, bytes: Int) = (0, 0)

  init(origin: MonotonicTime) { self.origin = origin }

  mutating func mark(_ name: String, at time: MonotonicTime = Clock.monotonic) {
    marks.append((name, time))
  }

  var line: String {
    "timings: " + marks.map { "\($0.name)_ms=\($0.time.nanoseconds(since: origin) / 1_000_000)" }.joined(separator: " ")
      + " tables_ms=\(tables.nanoseconds / 1_000_000) tables_kb=\(tables.bytes / 1024)"
  }
}
