import CProbes
import Testing

@testable import Unwinding

/// The walk of Python frames over made-up memory, beside a native walk of eval loops.
struct PythonWalkTests {
  private static let typeAddress: UInt64 = 0x5000
  private static let threadPointer: UInt64 = 0x60000
  private static let state: UInt64 = 0x61000
  private static let cframes: UInt64 = 0x62000
  private static let unread: UInt64 = 0xFFFF_FFFF
  /// Another one, of a subinterpreter.
  private static let innerState: UInt64 = 0x53000

  /// The thread has its state in a slot; the layout of frames and code objects is the same for all versions here.
  private static func target(_ change: (inout swprof_python) -> Void = { _ in }) -> swprof_python {
    var target = swprof_python()
    target.code_type = typeAddress
    target.path.0 = 0x310
    target.path_length = 1
    target.attached.0 = -8
    target.attached_length = 1
    target.anchor = UInt8(SWPROF_PYTHON_ANCHOR_SHIM.rawValue)
    target.position = UInt8(SWPROF_PYTHON_POSITION_POINTER.rawValue)
    target.shim_owner = 3
    target.other_shim_owner = 3
    target.state_thread = 8
    target.state_frame = 16
    target.state_interpreter = 24
    (target.frame_code, target.frame_previous, target.frame_position, target.frame_owner) = (0, 8, 56, 70)
    target.frame_size = 80
    target.code_object_type = 8
    (target.code_flags, target.code_argument_count, target.code_keyword_count, target.code_first_line) = (
      48, 52, 56, 60
    )
    target.code_size = 64
    target.code_bytecode = 200
    change(&target)
    return target
  }

  /// Memory of a thread that holds the lock, with frames and code objects.
  private struct Memory {
    var words: [UInt64: UInt64] = [threadPointer + 0x310: state, threadPointer - 8: state]

    init() {
      for state in [PythonWalkTests.state, innerState] {
        for offset in stride(from: 0 as UInt64, to: 256, by: 8) { words[state + offset] = 0 }
        words[state + 8] = threadPointer
      }
    }

    mutating func setFrame(
      _ frame: UInt64, code: UInt64, previous: UInt64, position: UInt64 = 0, owner: UInt64 = 0, isEntry: Bool = false
    ) {
      for offset: UInt64 in stride(from: 0, to: 80, by: 8) { words[frame + offset] = 0 }
      words[frame] = code
      words[frame + 8] = previous
      words[frame + 56] = position
      words[frame + 64] = owner << 48 | (isEntry ? 1 << 32 : 0)
    }

    /// The n-th code object has its first line in n.
    mutating func addCode(_ number: UInt64) {
      let code = PythonWalkTests.code(number)
      for offset: UInt64 in stride(from: 0, to: 64, by: 8) { words[code + offset] = 0 }
      words[code + 8] = typeAddress
      words[code + 56] = number << 32
    }
  }

  private static func code(_ number: UInt64) -> UInt64 { 0x70000 + 0x1000 * number }
  private static func frame(_ number: UInt64) -> UInt64 { 0x100_0000 + 0x1000 * number }
  /// What is recorded for a frame of the n-th code object in its bytecode's unit n.
  private static func record(_ number: UInt64) -> [UInt64] { [code(number), number << 32 | number] }
  private static func boundary(_ address: UInt64, _ natives: UInt64) -> [UInt64] {
    [UInt64(SWPROF_PYTHON_BOUNDARY.rawValue), address << 16 | natives]
  }
  private static func mark(_ mark: swprof_python_mark) -> [UInt64] { [UInt64(mark.rawValue), 0] }
  private static let detached = UInt64(SWPROF_PYTHON_DETACHED)

  /// Frames 1, 2, … from leaf to root, in the n-th unit of their code; entries at `shims` behind some of them.
  private func chain(_ count: UInt64, shims: [UInt64: UInt64]) -> Memory {
    var memory = Memory()
    memory.words[Self.state + 16] = Self.frame(1)
    for number in 1...count {
      let after = number < count ? Self.frame(number + 1) : 0
      memory.addCode(number)
      memory.setFrame(
        Self.frame(number), code: Self.code(number), previous: shims[number] ?? after,
        position: Self.code(number) + 200 + 2 * number)
      if let shim = shims[number] { memory.setFrame(shim, code: Self.unread, previous: after, owner: 3) }
    }
    return memory
  }

  /// Walks natively through functions of 0x40 bytes of stack each, the leaf at 0x8000, and its Python side.
  private func walk(_ memory: Memory, _ target: swprof_python = target(), natives: UInt64 = 5) -> StackWalk.Stack {
    var builder = UnwindTableBuilder(from: 0x1000)
    builder.add(builder.number(of: UnwindRule(frameAddress: .stackPointer(offset: 0x40))), at: 0x1000)
    builder.add(builder.number(of: UnwindRule(frameAddress: .outermost)), at: 0x1800)
    builder.add(UnwindTableBuilder.gap, at: 0x1F00)
    let range = StackWalk.CodeRange(addresses: 0x1000..<0x2000, bias: 0, table: builder.table(damagedEntries: 0))
    var words = memory.words
    for number in 1..<natives { words[0x8000 + number * 0x40 - 8] = number + 1 < natives ? 0x1100 + number : 0x1900 }
    let sparse = SparseMemory(words: words, code: [0x1000: [UInt8](repeating: 0x90, count: 0xF00)])
    return StackWalk.walk(
      from: .init(rip: 0x1010, rsp: 0x8000, rbp: 0), through: [range],
      python: .thread(target, threadPointer: Self.threadPointer)
    ) { sparse.bytes(at: $0, count: $1) }
  }

  @Test func `each run ends at the native frame that has its entry frame on its stack`() {
    // In the second native frame, and in the fourth one.
    let memory = chain(3, shims: [1: 0x8050, 3: 0x80C8])
    let stack = walk(memory)

    #expect(stack.frames.count == 5)
    #expect(stack.end == .complete)
    #expect(
      stack.python == Self.record(1) + Self.boundary(0x8050, 2) + Self.record(2) + Self.record(3)
        + Self.boundary(0x80C8, 4))
    #expect(stack.gil == UInt8(SWPROF_GIL_HELD.rawValue))
  }

  @Test(arguments: [0x7FE8 as UInt64, 0x8100, 0x9_9000])
  func `a run whose entry frame is on another stack, or beyond the last frame, is detached`(shim: UInt64) {
    #expect(walk(chain(1, shims: [1: shim])).python == Self.record(1) + Self.boundary(shim, Self.detached))
  }

  @Test func `runs are placed anew among the frames of another walk`() {
    let memory = chain(2, shims: [1: 0x8010, 2: 0x80C8])
    let range = StackWalk.CodeRange(addresses: 0x1000..<0x2000, bias: 0, table: nil)
    let records = Self.record(1) + Self.boundary(0x8010, 7) + Self.record(2) + Self.boundary(0x80C8, 9)
    let sparse = SparseMemory(words: [:], code: [:])

    let cut = StackWalk.walk(
      from: .init(rip: 0x1010, rsp: 0x8000, rbp: 0), through: [range], python: .records(records)
    ) { sparse.bytes(at: $0, count: $1) }

    #expect(
      cut.python == Self.record(1) + Self.boundary(0x8010, Self.detached) + Self.record(2)
        + Self.boundary(0x80C8, Self.detached))
    #expect(
      walk(memory).python == Self.record(1) + Self.boundary(0x8010, 1) + Self.record(2) + Self.boundary(0x80C8, 4))
  }

  @Test func `frames that lie side by side are read at once, and only within the page of each`() {
    var memory = Memory()
    let frames = (1...20 as ClosedRange<UInt64>).map { 0x20_0400 - 0x58 * $0 }
    memory.words[Self.state + 16] = frames[0]
    for (index, frame) in frames.enumerated() {
      let number = UInt64(index) + 1
      memory.addCode(number)
      let previous = index + 1 < frames.count ? frames[index + 1] : 0x8050
      memory.setFrame(
        frame, code: Self.code(number), previous: previous, position: Self.code(number) + 200 + 2 * number)
    }
    memory.setFrame(0x8050, code: Self.unread, previous: 0, owner: 3)
    // What the frames leave between them.
    for frame in frames { memory.words[frame - 8] = 0 }

    #expect(walk(memory).python == (1...20).flatMap(Self.record) + Self.boundary(0x8050, 2))
  }

  @Test func `before 3 12 a run ends at the next CFrame`() {
    var memory = chain(3, shims: [:])
    memory.words[Self.state + 32] = 0x8050
    (memory.words[0x8050], memory.words[0x8058]) = (0x80C8, Self.frame(1))
    (memory.words[0x80C8], memory.words[0x80D0]) = (Self.cframes, 0)
    var target = Self.target {
      $0.anchor = UInt8(SWPROF_PYTHON_ANCHOR_CFRAME.rawValue)
      ($0.state_frame, $0.state_cframe, $0.cframe_previous, $0.cframe_frame) = (0, 32, 0, 8)
      $0.frame_entry = 68
    }
    // 3.11 says which frames are entries: the first and the last one here.
    for number: UInt64 in [1, 3] { memory.words[Self.frame(number) + 64] = 1 << 32 }

    #expect(
      walk(memory, target).python == Self.record(1) + Self.boundary(0x8050, 2) + Self.record(2) + Self.record(3)
        + Self.boundary(0x80C8, 4))

    // In 3.10 all are, and the thread state has the first one.
    (target.frame_entry, target.state_frame) = (0, 16)
    #expect(
      walk(memory, target).python == Self.record(1) + Self.boundary(0x8050, 2) + Self.record(2)
        + Self.boundary(0x80C8, 4) + Self.record(3) + Self.boundary(Self.cframes, Self.detached))
  }

  @Test func `in 3 10 a run that is being entered or left is left out, and no frame has another one's place`() {
    // Three runs, whose loops are the first, the second and the fourth native frame.
    var memory = chain(3, shims: [:])
    memory.words[Self.state + 32] = 0x8008
    for (cframe, outer) in [(0x8008 as UInt64, 0x8050 as UInt64), (0x8050, 0x80C8), (0x80C8, Self.state + 200)] {
      memory.words[cframe] = outer
    }
    // Nobody sets the caller of the root.
    memory.words[Self.state + 200] = 0x41
    let target = Self.target {
      $0.anchor = UInt8(SWPROF_PYTHON_ANCHOR_CFRAME.rawValue)
      ($0.state_frame, $0.state_cframe, $0.cframe_previous) = (16, 32, 0)
    }
    let outer = Self.record(2) + Self.boundary(0x8050, 2) + Self.record(3) + Self.boundary(0x80C8, 4)
    #expect(walk(memory, target).python == Self.record(1) + Self.boundary(0x8008, 1) + outer)

    var entered = memory
    entered.words[Self.state + 16] = Self.frame(2)
    #expect(walk(entered, target).python == outer)
    var left = memory
    left.words[Self.state + 32] = 0x8050
    #expect(walk(left, target).python == outer)
    // One frame alone, whose run is being left: there is nothing else to show.
    var last = chain(1, shims: [:])
    (last.words[Self.state + 32], last.words[Self.state + 200]) = (Self.state + 200, 0)
    #expect(walk(last, target).python == Self.record(1) + Self.boundary(Self.state + 200, Self.detached))
  }

  /// Two runs, whose loops are the first native frame and the third one. The thread is entering the first one.
  private func entering(cframeFrame: UInt16) -> Memory {
    var memory = chain(2, shims: [1: 0x8020, 2: 0x80A0])
    memory.words[Self.state + 32] = 0x8008
    let (previous, frame): (UInt64, UInt64) = cframeFrame == 0 ? (8, 0) : (0, 8)
    for (cframe, outer, first) in [
      (0x8008 as UInt64, 0x8088 as UInt64, Self.frame(1)), (0x8088, Self.cframes, Self.frame(2)), (Self.cframes, 0, 0),
    ] {
      memory.words[cframe + previous] = outer
      memory.words[cframe + frame] = first
    }
    return memory
  }

  @Test func `in 3 12 a run that is being entered is left out until its frame is linked`() {
    let target = Self.target { ($0.state_frame, $0.state_cframe, $0.cframe_previous) = (0, 32, 8) }
    let linked = entering(cframeFrame: 0)
    let outer = Self.record(2) + Self.boundary(0x80A0, 3)
    #expect(walk(linked, target).python == Self.record(1) + Self.boundary(0x8020, 1) + outer)

    // What was on the stack before: nothing, no address, and the entry frame, whose caller is not set.
    for stale: UInt64 in [0, 0x41, Self.unread] {
      var memory = linked
      memory.words[0x8008] = stale
      #expect(walk(memory, target).python == outer)
      memory = linked
      memory.words[0x8028] = stale
      memory.words[0x8008] = 0x8020
      #expect(walk(memory, target).python == outer)
    }
    // The frame does not lead to its entry frame yet.
    var memory = linked
    memory.words[Self.frame(1) + 8] = 0
    #expect(walk(memory, target).python == outer)

    // Once the loop has called something, what cannot be read is not left out.
    memory.words[Self.state + 32] = 0x8048
    (memory.words[0x8048], memory.words[0x8050]) = (0x41, 0x8088)
    #expect(walk(memory, target).python == Self.mark(SWPROF_PYTHON_UNREADABLE))
  }

  @Test func `in 3 11 a run that is being entered is left out until its frame is an entry and has its caller`() {
    let target = Self.target {
      $0.anchor = UInt8(SWPROF_PYTHON_ANCHOR_CFRAME.rawValue)
      ($0.state_frame, $0.state_cframe, $0.cframe_previous, $0.cframe_frame) = (0, 32, 0, 8)
      $0.frame_entry = 68
    }
    var linked = entering(cframeFrame: 8)
    (linked.words[Self.frame(1) + 8], linked.words[Self.frame(2) + 8]) = (Self.frame(2), 0)
    for number: UInt64 in [1, 2] { linked.words[Self.frame(number) + 64] = 1 << 32 }
    let outer = Self.record(2) + Self.boundary(0x8088, 3)
    #expect(walk(linked, target).python == Self.record(1) + Self.boundary(0x8008, 1) + outer)

    var memory = linked
    memory.words[Self.frame(1) + 64] = 0
    #expect(walk(memory, target).python == outer)
    for stale: UInt64 in [0, Self.unread] {
      memory = linked
      memory.words[Self.frame(1) + 8] = 0
      memory.words[0x8010] = stale
      #expect(walk(memory, target).python == outer)
    }
  }

  @Test func `3 8 and 3 9 have no boundaries, and count by bytes`() {
    let target = Self.target {
      $0.anchor = UInt8(SWPROF_PYTHON_ANCHOR_NONE.rawValue)
      $0.position = UInt8(SWPROF_PYTHON_POSITION_BYTES.rawValue)
    }
    var memory = chain(2, shims: [:])
    memory.words[Self.frame(1) + 56] = 2
    memory.words[Self.frame(2) + 56] = 0xFFFF_FFFF

    #expect(walk(memory, target).python == Self.record(1) + [Self.code(2), 2 << 32 | UInt64(SWPROF_PYTHON_UNIT_NONE)])
  }

  @Test func `a frame that has not begun has no place`() {
    var memory = chain(1, shims: [1: 0x8050])
    memory.words[Self.frame(1) + 56] = Self.code(1) + 198
    #expect(walk(memory).python[1] == 1 << 32 | UInt64(SWPROF_PYTHON_UNIT_NONE))
  }

  @Test func `tags of a pointer to code are no part of its address`() {
    var memory = chain(1, shims: [1: 0x8050])
    memory.words[Self.frame(1)] = Self.code(1) | 5
    #expect(walk(memory, Self.target { $0.tag_mask = 7 }).python.first == Self.code(1))
  }

  @Test func `a half-written first frame is skipped, a later one ends the walk`() {
    var memory = chain(3, shims: [3: 0x8050])
    for code: UInt64 in [0, Self.frame(2)] {
      memory.words[Self.frame(1)] = code
      #expect(walk(memory).python == Self.record(2) + Self.record(3) + Self.boundary(0x8050, 2))
    }
    memory.words[Self.frame(1)] = Self.code(1)
    memory.words[Self.frame(2)] = 0
    #expect(walk(memory).python == Self.record(1) + Self.mark(SWPROF_PYTHON_NO_CODE) + Self.boundary(0x8050, 2))
  }

  @Test func `code that cannot be read leaves the run its end, a frame does not`() {
    var memory = chain(3, shims: [3: 0x8050])
    memory.words[Self.frame(2)] = Self.unread
    #expect(walk(memory).python == Self.record(1) + Self.mark(SWPROF_PYTHON_UNREADABLE) + Self.boundary(0x8050, 2))
    memory.words[Self.frame(2) + 72] = nil
    #expect(walk(memory).python == Self.record(1) + Self.mark(SWPROF_PYTHON_UNREADABLE))
  }

  @Test func `a deep run keeps its innermost 128 frames and its end`() {
    let stack = walk(chain(300, shims: [300: 0x8050]))
    let records = Int(SWPROF_PYTHON_FRAMES_MAX)

    #expect(stack.python.prefix(2 * records) == (1...UInt64(records)).flatMap(Self.record)[...])
    #expect(
      Array(stack.python.dropFirst(2 * records)) == Self.mark(SWPROF_PYTHON_TRUNCATED) + Self.boundary(0x8050, 2))
  }

  @Test func `a chain without an end is cut`() {
    var memory = chain(2, shims: [:])
    memory.words[Self.frame(2) + 8] = Self.frame(1)
    let python = walk(memory).python
    #expect(python.count == 2 * Int(SWPROF_PYTHON_FRAMES_MAX) + 2)
    #expect(Array(python.suffix(2)) == Self.mark(SWPROF_PYTHON_TRUNCATED))
  }

  @Test func `many runs are cut at the room for records`() {
    var memory = Memory()
    memory.words[Self.state + 16] = 0x8040
    // Entry frames that follow each other for ever.
    memory.setFrame(0x8040, code: 0, previous: 0x8040, owner: 3)
    let python = walk(memory).python
    #expect(python.count == Int(SWPROF_PYTHON_WORDS_MAX))
    #expect(python[python.count - 2] == UInt64(SWPROF_PYTHON_TRUNCATED.rawValue))
  }

  @Test func `since 3 15 a chain that does not end in the base frame is cut`() {
    let target = Self.target { $0.state_base_frame = 0x80 }
    var memory = chain(1, shims: [1: 0x8050])
    #expect(
      walk(memory, target).python == Self.record(1) + Self.boundary(0x8050, 2) + Self.mark(SWPROF_PYTHON_TRUNCATED))
    memory.words[0x8058] = Self.state + 0x80
    #expect(walk(memory, target).python == Self.record(1) + Self.boundary(0x8050, 2))
  }

  @Test func `a thread has Python frames only by a state of its own`() {
    var memory = chain(1, shims: [1: 0x8050])
    memory.words[Self.state + 8] = Self.threadPointer + 1
    let stack = walk(memory)
    #expect(stack.python.isEmpty)
    #expect(stack.gil == UInt8(SWPROF_GIL_UNKNOWN.rawValue))
    memory.words[Self.threadPointer + 0x310] = 0
    #expect(walk(memory).python.isEmpty)
    memory.words[Self.threadPointer + 0x310] = nil
    #expect(walk(memory).python.isEmpty)
  }

  @Test func `the state may lie at the end of a path of pointers`() {
    var memory = chain(1, shims: [1: 0x8050])
    memory.words[Self.threadPointer + 8] = 0x50000
    memory.words[0x50010] = 0x51000
    memory.words[0x50FF8] = Self.state
    let target = Self.target {
      $0.path = (8, 0x10, -8)
      $0.path_length = 3
    }
    #expect(walk(memory, target).python == Self.record(1) + Self.boundary(0x8050, 2))
  }

  @Test func `the state of the lock is told by who holds it`() {
    var memory = chain(1, shims: [1: 0x8050])
    memory.words[Self.threadPointer - 8] = 0
    #expect(walk(memory).gil == UInt8(SWPROF_GIL_NONE.rawValue))
    memory.words[Self.state + 40] = 1
    #expect(walk(memory, Self.target { $0.state_gil_requested = 40 }).gil == UInt8(SWPROF_GIL_WAITING.rawValue))
    #expect(walk(memory, Self.target { $0.attached_length = 0 }).gil == UInt8(SWPROF_GIL_UNKNOWN.rawValue))
    #expect(walk(memory, Self.target { $0.is_free_threaded = 1 }).gil == UInt8(SWPROF_GIL_UNKNOWN.rawValue))
    let byHolder = Self.target {
      $0.attached_length = 0
      $0.current_state = 0x52000
    }
    memory.words[0x52000] = Self.state
    #expect(walk(memory, byHolder).gil == UInt8(SWPROF_GIL_HELD.rawValue))
    memory.words[0x52000] = 0
    #expect(walk(memory, byHolder).gil == UInt8(SWPROF_GIL_NONE.rawValue))
  }

  @Test func `before 3 12 the thread's state in a subinterpreter is the one that holds the lock`() {
    var memory = chain(2, shims: [1: 0x8050])
    memory.words[0x52000] = Self.innerState
    memory.words[Self.innerState + 16] = Self.frame(2)
    let stack = walk(memory, Self.target { $0.current_state = 0x52000 })
    #expect(stack.python == Self.record(2))
    #expect(stack.gil == UInt8(SWPROF_GIL_HELD.rawValue))
  }

  @Test func `garbage collection comes before the frames`() {
    var memory = chain(1, shims: [1: 0x8050])
    memory.words[Self.state + 24] = 0x54000
    memory.words[0x54010] = 1
    let target = Self.target { $0.interpreter_collecting = 0x10 }
    let frames = Self.record(1) + Self.boundary(0x8050, 2)
    #expect(walk(memory, target).python == Self.mark(SWPROF_PYTHON_COLLECTING) + frames)
    // Another thread collects.
    memory.words[Self.threadPointer - 8] = 0
    #expect(walk(memory, target).python == frames)
  }
}
