/// Which lines of the kernel side's array are in use.
///
/// Freed lines rest for a while before they are given away again: the kernel side may be reading them. Free lines that lie
/// side by side are one piece, so that a watch of weeks does not end up with many pieces too small for anything.
struct LineAllocator {
  private struct Piece {
    var first: UInt32
    var count: UInt32
    var end: UInt32 { first + count }
  }

  let capacity: UInt32
  /// The first line behind all that are in use or rest.
  private(set) var end: UInt32
  /// Lines to give away, in order, no two of them side by side.
  private var free: [Piece] = []
  private var resting: [(piece: Piece, until: UInt64)] = []

  /// A walk takes microseconds.
  private static let restNanoseconds: UInt64 = 1_000_000_000

  /// - Parameter reserved: lines at the start that are never given away.
  init(capacity: UInt32, reserved: UInt32) {
    self.capacity = capacity
    self.end = reserved
  }

  /// The first of `count` consecutive lines, or nil when there is no room.
  ///
  /// - Complexity: O(free pieces).
  mutating func allocate(_ count: UInt32, now: UInt64) -> UInt32? {
    let awake = resting.prefix { $0.until <= now }.map(\.piece)
    resting.removeFirst(awake.count)
    for piece in awake { insert(piece) }
    // The smallest piece that is large enough: large ones stay whole.
    let fitting = free.indices.filter { free[$0].count >= count }.min { free[$0].count < free[$1].count }
    if let index = fitting {
      let first = free[index].first
      free[index].first += count
      free[index].count -= count
      if free[index].count == 0 { free.remove(at: index) }
      return first
    }
    guard count <= capacity - end else { return nil }
    defer { end += count }
    return end
  }

  /// Takes lines back; `now` must not be earlier than that of the last call.
  mutating func release(_ first: UInt32, count: UInt32, now: UInt64) {
    resting.append((Piece(first: first, count: count), now + Self.restNanoseconds))
  }

  private mutating func insert(_ piece: Piece) {
    var index = free.partitioningIndex { $0.first > piece.first }
    if index > 0, free[index - 1].end == piece.first {
      index -= 1
      free[index].count += piece.count
    } else {
      free.insert(piece, at: index)
    }
    if index + 1 < free.count, free[index].end == free[index + 1].first {
      free[index].count += free.remove(at: index + 1).count
    }
    if let last = free.last, last.end == end {
      end = last.first
      free.removeLast()
    }
  }
}
