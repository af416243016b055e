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

  @Test func `a piece is given away whole or not at all`() {
    var allocator = LineAllocator(capacity: 11, reserved: 1)
    _ = allocator.allocate(10, now: 0)
    allocator.release(1, count: 10, now: 0)

    #expect(allocator.allocate(5, now: 2 * second) == nil)
    #expect(allocator.allocate(10, now: 2 * second) == 1)
  }
}
