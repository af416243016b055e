import Testing

@testable import Capture

struct LineAllocatorTests {
  private let second: UInt64 = 1_000_000_000

  @Test func `pieces lie side by side behind the reserved lines`() {
    var allocator = LineAllocator(capacity: 100, reserved: 1)

    #expect(allocator.allocate(10, now: 0) == 1)
    #expect(allocator.allocate(20, now: 0) == 11)
    #expect(allocator.end == 31)
  }

  @Test func `there is no room beyond the capacity`() {
    var allocator = LineAllocator(capacity: 30, reserved: 1)

    #expect(allocator.allocate(30, now: 0) == nil)
    #expect(allocator.allocate(29, now: 0) == 1)
    #expect(allocator.allocate(1, now: 0) == nil)
  }

  @Test func `a piece that was given back rests before it is given away again`() {
    var allocator = LineAllocator(capacity: 100, reserved: 1)
    let first = allocator.allocate(10, now: 0)
    allocator.release(1, count: 10, now: 0)

    #expect(first == 1)
    #expect(allocator.allocate(10, now: second - 1) == 11)
    #expect(allocator.allocate(10, now: second) == 1)
  }

  @Test func `pieces that lie side by side become one, and what is left of one is kept`() {
    var allocator = LineAllocator(capacity: 31, reserved: 1)
    for _ in 0..<3 { _ = allocator.allocate(10, now: 0) }
    // The middle last.
    for first in [1, 21, 11] as [UInt32] { allocator.release(first, count: 10, now: 0) }

    #expect(allocator.allocate(25, now: 2 * second) == 1)
    #expect(allocator.allocate(5, now: 2 * second) == 26)
    #expect(allocator.allocate(1, now: 2 * second) == nil)
  }

  @Test func `the smallest piece that is large enough is given away`() {
    var allocator = LineAllocator(capacity: 100, reserved: 1)
    for count in [10, 1, 5, 1] as [UInt32] { _ = allocator.allocate(count, now: 0) }
    allocator.release(1, count: 10, now: 0)
    allocator.release(12, count: 5, now: 0)

    #expect(allocator.allocate(4, now: 2 * second) == 12)
    #expect(allocator.allocate(10, now: 2 * second) == 1)
  }

  @Test func `a hundred thousand pieces of all sizes that come and go take no more than those that are there`() {
    var allocator = LineAllocator(capacity: 1 << 22, reserved: 1)
    var held: [(first: UInt32, count: UInt32)] = []
    var state: UInt32 = 7
    var now: UInt64 = 0
    var most: UInt32 = 0
    for _ in 0..<100_000 {
      state = state &* 1_664_525 &+ 1_013_904_223
      let count = 1 + state >> 24
      now += 10_000_000
      guard let first = allocator.allocate(count, now: now) else { break }
      held.append((first, count))
      if held.count > 50 {
        let gone = held.remove(at: Int(state >> 8) % held.count)
        allocator.release(gone.first, count: gone.count, now: now)
      }
      most = max(most, allocator.end)
    }

    // 51 pieces of 128 lines on average, and those of the last second: 19,000 lines. Twice that for the gaps.
    #expect(most < 40_000, "\(most)")
  }
}
