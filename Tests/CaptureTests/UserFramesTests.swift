import CProbes
import LinuxSystem
import ProfileModel
import Testing
import Unwinding

@testable import Capture

/// Frames of runtimes among those of native code, from the record to the raw profile.
struct UserFramesTests {
  private static let python = UInt64(SWPROF_FRAME_RUNTIME) + UInt64(SWPROF_RUNTIME_PYTHON.rawValue)
  private let process = ProcessID(rawValue: Int32.max - 1)

  private func record(user: [UInt64]) -> [UInt8] {
    var header = swprof_sample()
    header.tgid = UInt32(bitPattern: process.rawValue)
    header.user_frames = UInt16(user.count)
    header.user_end = StackEnd.complete.rawValue
    return withUnsafeBytes(of: header) { Array($0) } + user.flatMap { withUnsafeBytes(of: $0) { Array($0) } }
  }

  @Test func `native frames and marks take one word each, and the leaf is known`() {
    #expect(
      Array(UserFrames([0x1000, UInt64(SWPROF_FRAME_GUESSED), 0x2000, UInt64(SWPROF_FRAME_DOUBTED)])) == [
        .marker(.doubtedCaller), .code(address: 0x2000, isLeaf: false), .marker(.guessedCaller),
        .code(address: 0x1000, isLeaf: true),
      ])
    #expect(Array(UserFrames([])) == [])
  }

  @Test func `a frame of a runtime has an object and a position, whatever their values`() {
    let words = [Self.python, 1, Self.python, 0x5000, 12, Self.python + 1, Self.python]
    #expect(
      Array(UserFrames(words)) == [
        .runtime(.python, object: Self.python + 1, position: 12), .code(address: 0x5000, isLeaf: false),
        .runtime(.python, object: 1, position: Self.python),
      ])
    #expect(UserFrames.malformedWord(in: words) == nil)
  }

  @Test(arguments: Runtime.allCases)
  func `each runtime has a number of the kernel side`(runtime: Runtime) {
    let known = [SWPROF_RUNTIME_PYTHON, SWPROF_RUNTIME_JAVA, SWPROF_RUNTIME_JAVASCRIPT].map(\.rawValue)
    #expect(known[Int(runtime.rawValue) - 1] == UInt32(runtime.rawValue))
    #expect(known.count == Runtime.allCases.count)
  }

  @Test(arguments: [[python], [7, python], [python + 200, 1], [1, 2, 0x1ff], [9, 8, python, 0x100]] as [[UInt64]])
  func `a frame of an unknown runtime, or without its words, makes its record malformed`(words: [UInt64]) {
    #expect(throws: SampleRecord.DecodeError.self) { try SampleRecord(decoding: record(user: words)) }
  }

  @Test func `any words can be read`() {
    var generator = SystemRandomNumberGenerator()
    for _ in 0..<2000 {
      let words = (0..<Int.random(in: 0...12, using: &generator)).map { _ in
        UInt64.random(in: 0...0x210, using: &generator)
      }
      let frames = Array(UserFrames(words))
      let length = frames.reduce(0) { sum, frame in
        switch frame {
        case .runtime: sum + Int(SWPROF_RUNTIME_FRAME_WORDS)
        case .marker(.pythonTask): sum + Int(SWPROF_PYTHON_NAME_WORDS) + 2
        case .marker(.pythonWaiters): sum + 2
        case .code, .marker: sum + 1
        }
      }
      #expect(length == words.count)
      _ = try? SampleRecord(decoding: record(user: words))
    }
  }

  @Test func `a record's frames of a runtime are locations of their own, each once`() throws {
    let stack = [0x10, 3, 0x7000, Self.python, 0x20, 4, 0x7000, Self.python, 3, 0x7000, Self.python]
    let sample = try SampleRecord(decoding: record(user: stack))
    var aggregator = SampleAggregator()
    var tracker = ProcessTracker(scope: .all, includesChildren: true) { _ in .none }
    for _ in 0..<2 { aggregator.add(sample, tracker: &tracker) }

    let raw = aggregator.rawProfile(sources: tracker.sources, periodNanoseconds: 10)

    #expect(
      raw.runtimeFrames == [
        RuntimeFrame(runtime: .python, process: process, object: 0x7000, position: 3),
        RuntimeFrame(runtime: .python, process: process, object: 0x7000, position: 4),
      ])
    #expect(raw.values.map(\.weight.count) == [2])
    let path = raw.stacks.path(to: raw.values[0].stack).map { raw.locations[$0] }
    #expect(path.map(Self.kind) == ["runtime 0", "runtime 1", "0x1f", "runtime 0", "0x10"])
  }

  private static func kind(_ location: Location) -> String {
    switch location {
    case .runtime(let number): "runtime \(number)"
    case .code(_, let address): "0x\(String(address, radix: 16))"
    case .marker: "marker"
    }
  }

  @Test func `names of tasks are bounded, as a program may give each task its own`() {
    var table = LocationTable()
    var tracker = ProcessTracker(scope: .all, includesChildren: true) { _ in .none }
    var markers: Set<Location> = []
    for number: UInt64 in 0..<600 {
      let words: [UInt64] = [number << 8 | 0x78, 0, 0, 0, 1 << 32 | 8, UInt64(SWPROF_FRAME_PYTHON_TASK)]
      let path = table.path(ofUserStack: words, end: .complete, process: process, tracker: &tracker)
      markers.formUnion(path.map { table.locations[$0] })
    }
    #expect(markers.count == 257)
    #expect(markers.contains(.marker(.pythonTask("…"))))
  }

  @Test func `locations of another table keep their frames of runtimes`() {
    func frame(_ object: UInt64) -> RuntimeFrame {
      RuntimeFrame(runtime: .java, process: process, object: object, position: 0)
    }
    var first = LocationTable()
    let numbers = [first.index(of: frame(1)), first.index(of: .marker(.userMode)), first.index(of: frame(2))]
    var second = LocationTable()
    #expect(numbers.reversed().map { second.index(of: $0, in: first) } == [0, 1, 2])
    #expect(second.runtimeFrames == [frame(2), frame(1)])
  }
}
