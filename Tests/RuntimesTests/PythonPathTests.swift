import Testing

@testable import Runtimes

/// Threads of glibc, laid out as its headers do (nptl/descr.h, sysdeps/x86_64/nptl/tls.h).
struct PythonPathTests {
  /// Zeros but for some words, in pages that are there.
  private struct Words: TargetMemory {
    var pages: Set<UInt64> = []
    var words: [UInt64: UInt64] = [:]

    mutating func put(_ value: UInt64, at address: UInt64) {
      words[address] = value
      pages.insert(address >> 12)
      pages.insert((address + 4095) >> 12)
    }

    func bytes(at address: UInt64, count: Int) -> [UInt8]? {
      guard count >= 0, (address >> 12...(address + UInt64(count)) >> 12).allSatisfy(pages.contains) else { return nil }
      return (0..<count).map { index in
        let place = address + UInt64(index)
        return UInt8(truncatingIfNeeded: (words[place & ~7] ?? 0) >> (8 * (place & 7)))
      }
    }
  }

  private static let pointers: [UInt64] = [0x7000_0000_1000, 0x7000_0010_1000, 0x7000_0020_1000]
  private static let threads = pointers.enumerated().map { index, pointer in
    PythonThread(state: 0x5500_0000_0000 + UInt64(index) << 16, threadPointer: pointer, nativeID: nil, interpreter: 1)
  }

  /// Threads without any way to their states.
  private func bareMemory() -> Words {
    var memory = Words()
    for pointer in Self.pointers { memory.put(pointer, at: pointer + 16) }
    return memory
  }

  private func search(_ memory: Words, minor: Int, threadLocalSize: Int = 32) -> PythonPathSearch {
    PythonPathSearch(Self.threads, minor: minor, threadLocalSize: threadLocalSize, in: memory)
  }

  @Test func `a slot for a value of a thread is found`() {
    var memory = bareMemory()
    for thread in Self.threads { memory.put(thread.state, at: thread.threadPointer + 808) }

    #expect(search(memory, minor: 13).persistent == PythonPath(kind: .threadSpecific, steps: [808]))
  }

  @Test func `a slot from the thirty-third on is behind a pointer`() {
    var memory = bareMemory()
    for thread in Self.threads {
      let block = thread.threadPointer + 0x10000
      memory.put(block, at: thread.threadPointer + 0x510 + 8)
      memory.put(thread.state, at: block + 24)
      memory.put(0, at: block + 1024)
    }

    let path = search(memory, minor: 11).persistent
    #expect(path == PythonPath(kind: .threadSpecific, steps: [0x518, 24]))
    #expect(path?.value(from: Self.pointers[2], in: memory) == Self.threads[2].state)
  }

  /// Each thread has blocks of two modules; those of the second are near to the descriptors, or anywhere.
  private func memoryWithBlocks(isStatic: Bool) -> (memory: Words, blocks: [UInt64]) {
    var memory = bareMemory()
    var blocks: [UInt64] = []
    for (index, pointer) in Self.pointers.enumerated() {
      let table = pointer + 0x20000
      let block = isStatic ? pointer - 0x40 : pointer + 0x30000 + UInt64(index) * 0x100
      memory.put(table, at: pointer + 8)
      memory.put(pointer - 0x80, at: table + 16)
      memory.put(block, at: table + 32)
      memory.put(0, at: table + 1056)
      memory.put(0, at: block)
      memory.put(0, at: pointer - 0x80)
      blocks.append(block)
    }
    return (memory, blocks)
  }

  @Test func `a thread-local variable at a fixed distance is found, and the one of the holder of the lock`() {
    var (memory, blocks) = memoryWithBlocks(isStatic: true)
    for (thread, block) in zip(Self.threads, blocks) { memory.put(thread.state, at: block + 8) }
    memory.put(Self.threads[1].state, at: blocks[1] + 16)

    let found = search(memory, minor: 15)

    #expect(found.persistent == PythonPath(kind: .staticThreadLocal, steps: [-0x38]))
    #expect(found.attached == PythonPath(kind: .staticThreadLocal, steps: [-0x30]))
  }

  @Test func `a variable of a library that was loaded late is found by the table of blocks`() {
    var (memory, blocks) = memoryWithBlocks(isStatic: false)
    for (thread, block) in zip(Self.threads, blocks) { memory.put(thread.state, at: block + 24) }

    let found = search(memory, minor: 15)

    #expect(found.persistent == PythonPath(kind: .dynamicThreadLocal, steps: [8, 32, 24]))
    #expect(found.attached == nil)
    #expect(found.persistent?.value(from: Self.pointers[1], in: memory) == Self.threads[1].state)
  }

  @Test func `more threads than can hold the lock are none of its holders`() {
    var (memory, blocks) = memoryWithBlocks(isStatic: false)
    for thread in Self.threads { memory.put(thread.state, at: thread.threadPointer + 808) }
    for (thread, block) in zip(Self.threads, blocks).prefix(2) { memory.put(thread.state, at: block + 24) }

    #expect(search(memory, minor: 13).attached == nil)
    memory.put(0, at: blocks[1] + 24)
    #expect(search(memory, minor: 13).attached == PythonPath(kind: .dynamicThreadLocal, steps: [8, 32, 24]))
  }

  @Test func `no variable is looked for outside of the module's own`() {
    var (memory, blocks) = memoryWithBlocks(isStatic: true)
    for (thread, block) in zip(Self.threads, blocks) { memory.put(thread.state, at: block + 24) }

    #expect(search(memory, minor: 15, threadLocalSize: 24).persistent == nil)
  }

  @Test func `a thread that has just begun does not hide the others`() {
    var memory = bareMemory()
    for thread in Self.threads.dropFirst() { memory.put(thread.state, at: thread.threadPointer + 792) }

    #expect(search(memory, minor: 12).persistent == PythonPath(kind: .threadSpecific, steps: [792]))
  }
}
