import Testing

@testable import Runtimes

struct BytesFrom: TargetMemory {
  let start: UInt64
  let content: [UInt8]

  func bytes(at address: UInt64, count: Int) -> [UInt8]? {
    guard address >= start, count >= 0, address - start <= UInt64(content.count),
      count <= content.count - Int(address - start)
    else { return nil }
    let first = Int(address - start)
    return Array(content[first..<first + count])
  }
}

struct TargetMemoryTests {
  @Test func `a number is read from memory, and none from beyond its end`() {
    let memory = BytesFrom(start: 0x1000, content: [1, 2, 3, 4, 5])
    #expect(memory.value(at: 0x1001, as: UInt32.self) == 0x0504_0302)
    #expect(memory.value(at: 0x1002, as: UInt32.self) == nil)
    #expect(memory.value(at: 0xfff, as: UInt8.self) == nil)
  }
}
