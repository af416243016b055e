import CProbes
import Testing

@testable import Unwinding

/// The asyncio tasks that the walk of Python frames records, over made-up memory in the layout of 3.14.
struct PythonTaskWalkTests {
  private static let codeType: UInt64 = 0x5000
  private static let textType: UInt64 = 0x5100
  private static let coroutineType: UInt64 = 0x5200
  private static let threadPointer: UInt64 = 0x60000
  private static let state: UInt64 = 0x61000
  /// On the native stack, within its first frame.
  private static let shim: UInt64 = 0x8010

  private static func code(_ number: UInt64) -> UInt64 { 0x70000 + 0x1000 * number }
  private static func task(_ number: UInt64) -> UInt64 { 0x300_0000 + 0x1000 * number }
  private static func coroutine(_ number: UInt64) -> UInt64 { 0x400_0000 + 0x1000 * number }
  private static func frame(_ number: UInt64) -> UInt64 { coroutine(number) + 72 }
  private static let name: UInt64 = 0x500_0000

  private static func record(_ number: UInt64) -> [UInt64] { [code(number), number << 32 | number] }
  private static let boundary = [UInt64(SWPROF_PYTHON_BOUNDARY.rawValue), shim << 16 | 1]
  private static let cut = [UInt64(SWPROF_PYTHON_TASKS_CUT.rawValue), 0]
  private static func named(_ words: [UInt64] = [], length: UInt64 = 0, width: UInt64 = 0) -> [UInt64] {
    words.flatMap { [UInt64(SWPROF_PYTHON_NAME_WORD.rawValue), $0] }
      + [UInt64(SWPROF_PYTHON_TASK.rawValue), width << 32 | length]
  }

  private static let target = {
    var target = swprof_python()
    target.code_type = codeType
    target.path.0 = 0x310
    target.path_length = 1
    target.anchor = UInt8(SWPROF_PYTHON_ANCHOR_SHIM.rawValue)
    target.position = UInt8(SWPROF_PYTHON_POSITION_POINTER.rawValue)
    target.tag_mask = 7
    (target.shim_owner, target.other_shim_owner) = (3, 3)
    (target.state_thread, target.state_frame, target.state_task) = (8, 16, 40)
    (target.frame_code, target.frame_previous, target.frame_position, target.frame_owner) = (0, 8, 56, 70)
    target.frame_size = 80
    (target.code_object_type, target.code_bytecode, target.code_size) = (8, 200, 64)
    (target.code_flags, target.code_argument_count, target.code_keyword_count) = (48, 52, 56)
    target.code_first_line = 60
    target.tasks.text_type = textType
    (target.tasks.name, target.tasks.awaited_by, target.tasks.coroutine) = (136, 96, 128)
    (target.tasks.is_task, target.tasks.is_set, target.tasks.task_size) = (108, 109, 144)
    (target.tasks.frame, target.tasks.frame_state, target.tasks.coroutine_size) = (72, 67, 152)
    (target.tasks.stack_pointer, target.tasks.awaited, target.tasks.suspended) = (64, 8, 0xFF)
    target.tasks.set_count = 24
    (target.tasks.text_length, target.tasks.text_state, target.tasks.text_kind_shift) = (16, 32, 2)
    (target.tasks.text_ascii, target.tasks.text_other) = (40, 56)
    return target
  }()

  private struct Memory {
    var words: [UInt64: UInt64] = [threadPointer + 0x310: state, 0x8038: 0x1900]

    init() {
      clear(state, 256)
      words[state + 8] = threadPointer
    }

    mutating func clear(_ address: UInt64, _ size: UInt64) {
      for offset in stride(from: 0, to: size, by: 8) { words[address + offset] = 0 }
    }

    /// A task whose coroutine has the same number.
    mutating func addTask(_ number: UInt64, awaitedBy: UInt64 = 0, isSet: Bool = false, isTask: Bool = true) {
      let task = task(number)
      clear(task, 144)
      words[task + 96] = awaitedBy
      words[task + 104] = (isTask ? 1 : 0) << 32 | (isSet ? 1 : 0) << 40
      words[task + 128] = coroutine(number)
    }

    /// A coroutine in the unit of its code of the same number.
    mutating func addCoroutine(_ number: UInt64, awaits: UInt64 = 0, state: UInt64 = 0xFF) {
      let (code, coroutine) = (code(number), coroutine(number))
      clear(code, 64)
      words[code + 8] = codeType
      words[code + 56] = number << 32
      clear(coroutine, 160)
      words[coroutine + 8] = coroutineType
      words[coroutine + 64] = state << 24
      words[coroutine + 72] = code | 1
      words[coroutine + 128] = code + 200 + 2 * number
      words[coroutine + 136] = coroutine + 160
      words[coroutine + 152] = awaits
    }

    /// The thread runs a coroutine within one of a task, which its event loop runs.
    mutating func run(_ leaf: UInt64, in number: UInt64) {
      addCoroutine(leaf, state: 0)
      addCoroutine(number, state: 0)
      words[state + 16] = frame(leaf)
      words[state + 40] = task(number)
      words[frame(leaf) + 8] = frame(number)
      words[frame(number) + 8] = shim
      clear(shim, 80)
      words[shim + 64] = 3 << 48
    }
  }

  private func walk(_ memory: Memory) -> [UInt64] {
    var builder = UnwindTableBuilder(from: 0x1000)
    builder.add(builder.number(of: UnwindRule(frameAddress: .stackPointer(offset: 0x40))), at: 0x1000)
    builder.add(builder.number(of: UnwindRule(frameAddress: .outermost)), at: 0x1800)
    let range = StackWalk.CodeRange(addresses: 0x1000..<0x2000, bias: 0, table: builder.table(damagedEntries: 0))
    var words = memory.words
    words[0x8038] = 0x1900
    let sparse = SparseMemory(words: words, code: [:])
    return StackWalk.walk(
      from: .init(rip: 0x1010, rsp: 0x8000, rbp: 0), through: [range],
      python: .thread(Self.target, threadPointer: Self.threadPointer)
    ) { sparse.bytes(at: $0, count: $1) }.python
  }

  /// Task 2 runs, with the function 1; task 3 awaits it in the coroutine 4, and task 5 awaits task 3.
  private func chain() -> Memory {
    var memory = Memory()
    memory.run(1, in: 2)
    memory.addTask(2, awaitedBy: Self.task(3))
    memory.addTask(3, awaitedBy: Self.task(5))
    memory.addTask(5)
    memory.addCoroutine(3, awaits: Self.coroutine(4) | 1)
    memory.addCoroutine(4, awaits: 0x600_0000)
    memory.addCoroutine(5)
    return memory
  }

  private static let running = record(1) + record(2)

  private static func all(_ parts: [UInt64]...) -> [UInt64] { Array(parts.joined()) }

  @Test func `the tasks that await the running one follow its outermost frame, from root to leaf each`() {
    #expect(
      walk(chain())
        == Self.all(
          Self.running, Self.named(), Self.record(3), Self.record(4), Self.named(), Self.record(5), Self.named(),
          Self.boundary))
  }

  @Test func `a task whose coroutine is not among the frames of the thread is not recorded`() {
    var memory = chain()
    memory.words[Self.task(2) + 128] = Self.coroutine(7)
    #expect(walk(memory) == Self.running + Self.boundary)
    memory.words[Self.state + 40] = 0x700_0000
    #expect(walk(memory) == Self.running + Self.boundary)
    memory.words[Self.state + 40] = 0
    #expect(walk(memory) == Self.running + Self.boundary)
  }

  @Test func `of several tasks that await one there is the number`() {
    var memory = chain()
    memory.addTask(2, awaitedBy: 0x610_0000, isSet: true)
    memory.words[0x610_0018] = 3
    let waiters = [UInt64(SWPROF_PYTHON_WAITERS.rawValue), 3]
    #expect(walk(memory) == Self.all(Self.running, Self.named(), waiters, Self.boundary))
  }

  @Test func `a future between tasks has no frames and no name`() {
    var memory = chain()
    memory.addTask(2, awaitedBy: Self.task(6))
    memory.addTask(6, awaitedBy: Self.task(5), isTask: false)
    #expect(walk(memory) == Self.all(Self.running, Self.named(), Self.record(5), Self.named(), Self.boundary))
  }

  @Test func `tasks that await each other in a circle are cut`() {
    var memory = chain()
    memory.addTask(5, awaitedBy: Self.task(3))
    let records = walk(memory)
    #expect(Array(records.suffix(4)) == Self.cut + Self.boundary)
    let tasks = stride(from: 0, to: records.count, by: 2).count { records[$0] == UInt64(SWPROF_PYTHON_TASK.rawValue) }
    #expect(tasks == Int(SWPROF_PYTHON_TASKS_MAX))
  }

  @Test func `coroutines that await each other in a circle are cut`() {
    var memory = chain()
    memory.addCoroutine(4, awaits: Self.coroutine(3))
    let records = walk(memory)
    #expect(Array(records.suffix(4)) == Self.cut + Self.boundary)
    #expect(records.count < 2 * (Int(SWPROF_PYTHON_TASK_STEPS_MAX) + 6))
  }

  @Test func `a coroutine that does not wait, cannot be read or is another object ends the tasks`() {
    let known = Self.running + Self.named()
    var memory = chain()
    memory.addCoroutine(3, state: 0)
    #expect(walk(memory) == Self.all(known, Self.cut, Self.boundary))
    memory = chain()
    memory.words[Self.coroutine(3) + 144] = nil
    #expect(walk(memory) == Self.all(known, Self.cut, Self.boundary))
    memory = chain()
    memory.words[Self.coroutine(3) + 8] = Self.codeType
    #expect(walk(memory) == Self.all(known, Self.cut, Self.boundary))
    memory = chain()
    memory.words[Self.code(4) + 8] = Self.coroutineType
    #expect(walk(memory) == Self.all(known, Self.record(3), Self.cut, Self.boundary))
    memory = chain()
    memory.words[Self.task(3) + 96] = nil
    #expect(walk(memory) == Self.all(known, Self.cut, Self.boundary))
  }

  @Test func `deep frames of a task leave room for the tasks that await it`() {
    var memory = chain()
    // 200 frames within the leaf's coroutine.
    for number: UInt64 in 100..<300 {
      memory.addCoroutine(number, state: 0)
      memory.words[Self.frame(number) + 8] = number < 299 ? Self.frame(number + 1) : Self.frame(1)
    }
    memory.words[Self.state + 16] = Self.frame(100)
    let records = walk(memory)
    let truncated = [UInt64(SWPROF_PYTHON_TRUNCATED.rawValue), 0]
    let expected = Self.all(
      truncated, Self.named(), Self.record(3), Self.record(4), Self.named(), Self.record(5), Self.named(),
      Self.boundary)
    #expect(Array(records.dropFirst(2 * Int(SWPROF_PYTHON_FRAMES_MAX))) == expected)
  }

  private func name(_ state: UInt64, length: UInt64, at offset: UInt64, _ data: [UInt64], type: UInt64 = textType)
    -> [UInt64]
  {
    var memory = chain()
    memory.addTask(2)
    memory.words[Self.task(2) + 136] = Self.name
    memory.clear(Self.name, 40)
    memory.words[Self.name + 8] = type
    memory.words[Self.name + 16] = length
    memory.words[Self.name + 32] = state
    for (index, word) in data.enumerated() { memory.words[Self.name + offset + 8 * UInt64(index)] = word }
    return Array(walk(memory).dropFirst(Self.running.count).dropLast(2))
  }

  @Test func `a name is recorded with its length and the width of its characters`() {
    let (ascii, latin, ucs2): (UInt64, UInt64, UInt64) = (1 << 2 | 1 << 5 | 1 << 6, 1 << 2 | 1 << 5, 2 << 2 | 1 << 5)
    #expect(name(ascii, length: 2, at: 40, [0x4443_4241]) == Self.named([0x4241], length: 2, width: 1))
    #expect(name(latin, length: 9, at: 56, [1, 2]) == Self.named([1, 2], length: 9, width: 1))
    #expect(name(ucs2, length: 5, at: 56, [1, 0x7_0002]) == Self.named([1, 2], length: 5, width: 2))
    #expect(
      name(ascii, length: 1 << 40, at: 40, [1, 2, 3, 4, 5]) == Self.named([1, 2, 3, 4], length: 0xFFFF_FFFF, width: 1))
    // Numbers, and what is no string that is laid out so.
    #expect(name(ascii, length: 2, at: 40, [1], type: Self.codeType) == Self.named())
    #expect(name(3 << 2, length: 2, at: 56, [1]) == Self.named())
    #expect(name(ascii, length: 20, at: 40, []) == Self.named())
  }
}
