/// Which lines of the kernel side's array are in use.
///
/// Freed lines rest for a while before they are given away again: the kernel side may be reading them.
struct LineAllocator {
  private struct Resting {
    let first: UInt32
    let count: UInt32
    let until: UInt64
  }

  let capacity: UInt32
  /// The first line that was never given away.
  private(set) var end: UInt32
  /// Lines to give away, by the size of their piece.
  private var free: [UInt32: [UInt32]] = [:]
  private var resting: [Resting] = []

  /// A walk takes microseconds.
  private static let restNanoseconds: UInt64 = 1_000_000_000

  /// - Parameter reserved: lines at the start that are never given away.
  init(capacity: UInt32, reserved: UInt32) {
    self.capacity = capacity
    self.end = reserved
  }

  /// The first of `count` consecutive lines, or nil when there is no room.
  mutating func allocate(_ count: UInt32, now: UInt64) -> UInt32? {
    let awake = resting.prefix { $0.until <= now }
    for piece in awake { free[piece.count, default: []].append(piece.first) }
    resting.removeFirst(awake.count)
    if let first = free[count]?.popLast() { return first }
    guard count <= capacity - end else { return nil }
    defer { end += count }
    return end
  }

  /// Takes lines back; `now` must not be earlier than that of the last call.
  mutating func release(_ first: UInt32, count: UInt32, now: UInt64) {
    resting.append(Resting(first: first, count: count, until: now + Self.restNanoseconds))
  }
}
