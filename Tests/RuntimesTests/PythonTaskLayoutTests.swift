import CProbes
import ELF
import SeededRandom
import Testing

@testable import Runtimes

struct PythonTaskLayoutTests {
  /// `.AsyncioDebug` of a 3.14 of Linux on x86-64.
  private static let words: [UInt64] = [168, 136, 96, 108, 109, 128, 152, 225_864, 10_880, 936, 864, 872, 880]

  private static func layout(_ words: [UInt64]) -> PythonTaskLayout {
    PythonTaskLayout(words.flatMap { word in withUnsafeBytes(of: word) { Array($0) } })
  }

  private static func offsets(_ change: (inout swprof_python_tasks) -> Void = { _ in }) -> PythonOffsets {
    var offsets = PythonOffsets(minor: 14, objectHeader: 16)
    (offsets.kernel.frame_code, offsets.kernel.frame_position) = (0, 56)
    (offsets.kernel.tasks.frame, offsets.kernel.tasks.frame_state) = (72, 67)
    offsets.kernel.tasks.stack_pointer = 64
    change(&offsets.kernel.tasks)
    return offsets
  }

  @Test func `the fields are those of the section, and all of them are read`() {
    var offsets = Self.offsets()
    offsets.adopt(Self.layout(Self.words))

    let tasks = offsets.kernel.tasks
    #expect(offsets.kernel.state_task == 872)
    #expect([tasks.name, tasks.awaited_by, tasks.is_task, tasks.is_set, tasks.coroutine] == [136, 96, 108, 109, 128])
    #expect(tasks.task_size == 144)
    #expect(tasks.coroutine_size == 144)
  }

  @Test func `offsets that cannot be are not taken`() {
    for index in [1, 2, 3, 4, 5, 11] {
      for value: UInt64 in [0, 4096, .max] {
        var words = Self.words
        words[index] = value
        var offsets = Self.offsets()
        offsets.adopt(Self.layout(words))
        #expect(offsets.kernel.state_task == 0)
      }
    }
    var large = Self.offsets { $0.frame = .max }
    large.adopt(Self.layout(Self.words))
    #expect(large.kernel.state_task == 0)
    var old = PythonOffsets(minor: 13, objectHeader: 16)
    old.adopt(Self.layout(Self.words))
    #expect(old.kernel.state_task == 0)
  }

  @Test func `any words are read without a trap`() {
    var random = SplitMix(state: 14)
    var adopted = 0
    for _ in 0..<5000 {
      // Most are what they can be.
      let words = (0..<13).map { _ -> UInt64 in
        Int.random(in: 0..<16, using: &random) == 0
          ? .random(in: 0...(.max), using: &random) : .random(in: 0..<300, using: &random)
      }
      var offsets = Self.offsets {
        $0.frame = .random(in: 0..<300, using: &random)
        $0.frame_state = .random(in: 0..<300, using: &random)
        $0.stack_pointer = .random(in: 0..<300, using: &random)
        if Int.random(in: 0..<16, using: &random) == 0 { $0.frame = .random(in: 0...(.max), using: &random) }
      }
      offsets.adopt(Self.layout(words))
      #expect(offsets.kernel.tasks.task_size <= 256 && offsets.kernel.tasks.coroutine_size <= 256)
      if offsets.kernel.state_task != 0 { adopted += 1 }
    }
    #expect((100..<4900).contains(adopted))
  }

  @Test(arguments: [14, 15])
  func `any table of a runtime's offsets is read without a trap`(minor: Int) {
    var generator = SplitMix(state: UInt64(minor))
    var count = 0
    for _ in 0..<5000 {
      var table = PythonImage.debugCookie + [UInt8](repeating: 0, count: PythonOffsets.debugTableSize - 8)
      for place in stride(from: 24, to: table.count, by: 8) {
        let bits: UInt64 = Int.random(in: 0..<200, using: &generator) == 0 ? .random(in: 0...63, using: &generator) : 6
        table[place] = UInt8(truncatingIfNeeded: UInt64.random(in: 0..<1 << bits, using: &generator))
        table[place + 1] = bits > 8 ? .random(in: 0...255, using: &generator) : 0
        table[place + 7] = bits > 56 ? .random(in: 0...255, using: &generator) : 0
      }
      guard var offsets = PythonOffsets(debugOffsets: table, minor: minor) else { continue }
      offsets.adopt(Self.layout(Self.words))
      count += 1
    }
    #expect(count > 500)
  }

  @Test func `a file without the section tells nothing`() throws {
    let python = FakePython(minor: 13)
    #expect(try PythonTaskLayout(ELFFile(.memory(python.file))) == nil)
  }
}
