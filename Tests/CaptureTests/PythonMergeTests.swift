import CProbes
import LinuxSystem
import ProfileModel
import Testing
import Unwinding

@testable import Capture

/// Python frames among native ones, from the records of the kernel side to the words of a stack.
struct PythonMergeTests {
  private static let announcement = UInt64(SWPROF_FRAME_RUNTIME) + UInt64(SWPROF_RUNTIME_PYTHON.rawValue)
  private static let notMerged = UInt64(SWPROF_FRAME_PYTHON_NOT_MERGED)

  /// A frame, whose code object has this number.
  private static func frame(_ number: UInt64) -> [UInt64] { [0x7000_0000 + number, number] }
  private static func mark(_ mark: swprof_python_mark) -> [UInt64] { [UInt64(mark.rawValue), 0] }
  private static func boundary(_ natives: UInt64) -> [UInt64] {
    [UInt64(SWPROF_PYTHON_BOUNDARY.rawValue), 0x7FFF_0000_1234 << 16 | natives]
  }
  private static let detached = boundary(UInt64(SWPROF_PYTHON_DETACHED))

  /// A merged stack from leaf to root, in short: native frames by their addresses, Python frames as p and their number.
  private func merged(_ native: [UInt64], _ python: [[UInt64]]) -> [String] {
    UserFrames(PythonMerge.merge(native, python.flatMap(\.self))).map { frame in
      switch frame {
      case .code(let address, let isLeaf): "\(isLeaf ? address : address - 1)"
      case .marker(let marker): marker.frame.function
      case .runtime(_, let object, _): "p\(object - 0x7000_0000)"
      }
    }.reversed()
  }

  @Test func `a stack without Python frames stays as it is`() {
    #expect(PythonMerge.merge([100, 201, 301], []) == [100, 201, 301])
  }

  @Test func `a run stands between what it has called and the loop that ran it`() {
    #expect(
      merged([100, 201, 301, 401], [Self.frame(1), Self.frame(2), Self.boundary(3)]) == [
        "100", "200", "p1", "p2", "300", "400",
      ])
  }

  @Test func `runs that native code lies between stand where they ran`() {
    // A key function of sorted(): leaf, its loop, sort, the loop of the caller, main.
    #expect(
      merged(
        [100, 201, 301, 401, 501],
        [Self.frame(1), Self.boundary(2), Self.frame(2), Self.frame(3), Self.boundary(4)])
        == ["100", "p1", "200", "300", "p2", "p3", "400", "500"])
  }

  @Test func `an eval loop at the leaf is covered by its run, and keeps its address`() {
    #expect(merged([100, 201], [Self.frame(1), Self.boundary(1)]) == ["p1", "100", "200"])
  }

  @Test func `a run without frames leaves the native frames as they are`() {
    #expect(
      merged([100, 201, 301], [Self.boundary(2), Self.frame(1), Self.boundary(3)]) == ["100", "200", "p1", "300"])
  }

  @Test(arguments: [[], [detached]])
  func `frames whose loop is not among the native ones stand above a mark`(end: [[UInt64]]) {
    #expect(
      merged([100, 201], [Self.frame(1), Self.frame(2)] + end) == [
        "100", "200", "[python|native not merged]", "p1", "p2",
      ])
  }

  @Test func `what comes behind such a run is not merged either`() {
    #expect(
      merged(
        [100, 201, 301],
        [Self.frame(1), Self.boundary(2), Self.frame(2), Self.detached, Self.frame(3), Self.boundary(3)])
        == ["100", "p1", "200", "300", "[python|native not merged]", "p2", "p3"])
  }

  @Test func `a Python side without native frames is whole`() {
    #expect(merged([], [Self.frame(1), Self.detached]) == ["p1"])
  }

  @Test func `a mark stands behind the frames that it is about`() {
    #expect(
      merged([100, 201, 301], [Self.frame(1), Self.mark(SWPROF_PYTHON_TRUNCATED), Self.boundary(2)]) == [
        "100", "p1", "[python: truncated]", "200", "300",
      ])
    #expect(
      merged([100, 201], [Self.frame(1), Self.mark(SWPROF_PYTHON_UNREADABLE)]) == [
        "100", "200", "[python|native not merged]", "p1", "[python: unreadable]",
      ])
    #expect(merged([], [Self.frame(1), Self.mark(SWPROF_PYTHON_NO_CODE)]) == ["p1", "[python: truncated]"])
  }

  @Test func `garbage collection is the leaf`() {
    #expect(
      merged(
        [100, 201],
        [
          Self.mark(SWPROF_PYTHON_COLLECTING), Self.frame(1), Self.boundary(2),
        ])
        == ["[python: garbage collection]", "100", "p1", "200"])
  }

  // MARK: - Tasks

  /// The end of the frames of a task, with its name of one byte a character.
  private static func task(_ name: String) -> [[UInt64]] {
    let bytes = Array(name.utf8)
    let words = stride(from: 0, to: min(bytes.count, 32), by: 8).map { start in
      bytes[start..<min(start + 8, bytes.count)].reversed().reduce(0 as UInt64) { $0 << 8 | UInt64($1) }
    }
    return words.map { [UInt64(SWPROF_PYTHON_NAME_WORD.rawValue), $0] }
      + [[UInt64(SWPROF_PYTHON_TASK.rawValue), 1 << 32 | UInt64(bytes.count)]]
  }

  @Test func `tasks stand at the root of their frames, those that wait before those that they wait for`() {
    // Those that wait are recorded from root to leaf.
    var tasks = [Self.frame(1), Self.frame(2)] + Self.task("charge")
    tasks += [Self.frame(3), Self.frame(4)] + Self.task("order")
    tasks += [Self.frame(5)] + Self.task("front")
    #expect(
      merged([100, 201, 301], tasks + [Self.boundary(2), Self.frame(6), Self.boundary(3)])
        == [
          "100", "p1", "p2", "[task: charge]", "p4", "p3", "[task: order]", "p5", "[task: front]", "200", "p6", "300",
        ])
  }

  @Test func `a task that several await has the number of these, and one whose waiters are unknown says so`() {
    let waiters: [UInt64] = [UInt64(SWPROF_PYTHON_WAITERS.rawValue), 3]
    #expect(
      merged([100, 201], [Self.frame(1)] + Self.task("a") + [waiters, Self.frame(2), Self.boundary(2)])
        == ["100", "p1", "[task: a]", "[3 waiters]", "p2", "200"])
    #expect(
      merged(
        [], [Self.frame(1)] + Self.task("a") + [Self.frame(2), Self.frame(3), Self.mark(SWPROF_PYTHON_TASKS_CUT)])
        == ["p1", "[task: a]", "p3", "p2", "[python: tasks truncated]"])
  }

  @Test func `frames behind the last task are those within which it was begun`() {
    #expect(
      merged([100, 201], [Self.frame(1)] + Self.task("a") + [Self.frame(2), Self.frame(3), Self.boundary(2)])
        == ["100", "p1", "[task: a]", "p2", "p3", "200"])
  }

  @Test(arguments: [
    ("checkout", "[task: checkout]"), ("Task-12", "[task]"), ("Task-", "[task]"), ("", "[task]"),
    ("Task-1a", "[task: Task-1a]"), ("a;b\n", "[task: a;b\\x0a]"),
    ("of 32 characters, no more no less", "[task: of 32 characters, no more no les…]"),
    ("of 32 characters, no more or les", "[task: of 32 characters, no more or les]"),
  ])
  func `a task has the name that the program gave it`(name: String, shown: String) {
    #expect(merged([], Self.task(name)) == [shown])
  }

  @Test func `names of wide characters are cut at as many bytes`() {
    let word: [UInt64] = [UInt64(SWPROF_PYTHON_NAME_WORD.rawValue), 0x0000_00FC_0000_03B1]
    let end: [UInt64] = [UInt64(SWPROF_PYTHON_TASK.rawValue), 4 << 32 | 2]
    #expect(merged([], [word, end]) == ["[task: αü]"])
    // No string has such characters.
    #expect(merged([], [word, [end[0], 3 << 32 | 2]]) == ["[task]"])
  }

  @Test func `a boundary that comes to nothing new is as good as none`() {
    for natives: UInt64 in [0, 1, 4, 0xFFFE] {
      #expect(
        merged([100, 201, 301], [Self.frame(1), Self.boundary(1), Self.frame(2), Self.boundary(natives)])
          == ["p1", "100", "200", "300", "[python|native not merged]", "p2"])
    }
  }

  @Test func `any words can be merged, and no native frame is lost`() {
    var generator = SystemRandomNumberGenerator()
    for _ in 0..<3000 {
      let native = (0..<UInt64.random(in: 0...6, using: &generator)).map { 0x10_0000 + 0x1000 * $0 }
      let python = (0..<Int.random(in: 0...13, using: &generator)).map { _ in
        Bool.random(using: &generator)
          ? UInt64.random(in: 0...8, using: &generator) : UInt64.random(in: 0...(.max), using: &generator)
      }
      let words = PythonMerge.merge(native, python)
      var natives: [UInt64] = []
      for case .code(let address, let isLeaf) in UserFrames(words) where 0x10_0000..<0x11_0000 ~= address {
        natives.append(isLeaf ? address : address & ~1)
      }
      #expect(natives.reversed() == native)
    }
  }

  // MARK: - Records

  private func sample(_ user: [UInt64], _ python: [UInt64], _ kernel: [UInt64], gil: UInt8 = 1, copy: [UInt64] = [])
    -> [UInt8]
  {
    var header = swprof_sample()
    header.user_frames = UInt16(user.count)
    header.python_words = UInt16(python.count)
    header.kernel_frames = UInt16(kernel.count)
    header.stack_words = UInt16(max(0, copy.count - Int(SWPROF_COPY_REGISTERS)))
    header.user_end = StackEnd.complete.rawValue
    header.gil = gil
    return withUnsafeBytes(of: header) { Array($0) }
      + (user + python + kernel + copy).flatMap { word in withUnsafeBytes(of: word) { Array($0) } }
  }

  @Test func `a sample gives back its native frames, its Python records and all of them merged`() throws {
    let python = Self.frame(1) + Self.boundary(2)
    let registers = (0..<UInt64(SWPROF_COPY_REGISTERS)).map { $0 }
    let bytes = sample([100, 201], python, [9, 8], copy: registers + [77])
    let record = try SampleRecord(decoding: bytes)

    #expect(record.nativeStack == [100, 201])
    #expect(record.pythonStack == python)
    #expect(record.userStack == [100, 1, 0x7000_0001, Self.announcement, 201])
    #expect(record.kernelStack == [9, 8])
    #expect(record.stackCopy?.words == [77])
    #expect(record.gil == .held)
    for length in 0..<bytes.count {
      #expect(throws: SampleRecord.DecodeError.self) { try SampleRecord(decoding: Array(bytes.prefix(length))) }
    }
  }

  @Test(arguments: [[0x5000], [0x5000, 1, 0x6000], [0, 0], [10, 1], [4095, 0]] as [[UInt64]])
  func `a record that is unknown or not whole makes its sample malformed`(python: [UInt64]) {
    #expect(throws: SampleRecord.DecodeError.self) { try SampleRecord(decoding: sample([1], python, [])) }
  }

  @Test func `a state of the lock that this version does not know is an error`() {
    #expect(throws: SampleRecord.DecodeError.unknownGILState(4)) {
      try SampleRecord(decoding: sample([1], [], [], gil: 4))
    }
  }

  @Test func `each state of the lock has the number of the kernel side`() {
    let numbers = [SWPROF_GIL_UNKNOWN, SWPROF_GIL_HELD, SWPROF_GIL_NONE, SWPROF_GIL_WAITING].map(\.rawValue)
    #expect(GILState.allCases.map { UInt32($0.rawValue) } == numbers)
  }

  @Test func `a sample that is walked again has the Python records of that walk`() throws {
    let record = try SampleRecord(decoding: sample([100], Self.frame(1) + Self.detached, []))

    let walked = record.walked([100, 201, 301], Self.frame(1) + Self.boundary(2), .complete)

    #expect(walked.userStack == [100, 1, 0x7000_0001, Self.announcement, 201, 301])
    #expect(walked.gil == .held)
  }
}
