import ProfileModel

/// When something is tried again that has come to nothing: ever more seldom.
struct RetryTime {
  private var next = MonotonicTime(nanoseconds: 0)
  private var wait: UInt64
  private let shortest: UInt64
  private let longest: UInt64

  /// - Parameters:
  ///   - shortest: the first wait, in ns; unless given, it is tried ten times a second at most.
  ///   - longest: the longest wait, in ns.
  init(shortest: UInt64 = 100_000_000, longest: UInt64 = 1_000_000_000) {
    wait = shortest
    self.shortest = shortest
    self.longest = longest
  }

  /// Whether it may be tried now.
  func isReached(_ now: MonotonicTime) -> Bool { now >= next }

  /// Whether it is to be tried now; if so, it is not again for a while.
  mutating func isDue(_ now: MonotonicTime) -> Bool {
    guard now >= next else { return false }
    next = now + wait
    wait = min(2 * wait, longest)
    return true
  }

  /// It has come to something: it may do so again soon.
  mutating func succeeded() { wait = shortest }
}
