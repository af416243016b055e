import LinuxSystem
import ProfileModel

/// Where the time of a run went, in ms since the process started; printed when `SWPROF_TIMINGS` is set.
struct Timings {
  private let origin: MonotonicTime
  private var marks: [(name: String, time: MonotonicTime)] = []

  init(origin: MonotonicTime) { self.origin = origin }

  mutating func mark(_ name: String, at time: MonotonicTime = Clock.monotonic) {
    marks.append((name, time))
  }

  var line: String {
    "timings: " + marks.map { "\($0.name)_ms=\($0.time.nanoseconds(since: origin) / 1_000_000)" }.joined(separator: " ")
  }
}
