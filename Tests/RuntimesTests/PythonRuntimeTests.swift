import CProbes
import ELF
import Testing

@testable import Runtimes

struct PythonRuntimeTests {
  @Test(arguments: 8...13)
  func `a runtime is found, and its frames with their names and lines`(minor: Int) throws {
    let python = FakePython(minor: minor)

    let runtime = try #require(
      try PythonRuntime.find(in: python.memory, modules: python.modules))

    #expect(runtime.version.minor == minor && !runtime.isFreeThreaded)
    #expect(runtime.path == PythonPath(kind: .threadSpecific, steps: [minor == 13 ? 808 : 792]))
    #expect(runtime.layout.path_length == 1 && runtime.layout.path.0 == runtime.path.steps[0])
    #expect(runtime.evidence == .section)
    #expect((runtime.layout.current_state != 0) == (minor <= 11))
    #expect(runtime.threads(in: python.memory).map(\.threadPointer) == python.threadPointers)
    let stack = try #require(
      PythonStack(threadPointer: python.threadPointers[1], of: runtime, in: python.memory))
    let read = stack.records.map { PythonFrameText($0, runtime, python.memory) }
    #expect(
      read
        == FakePython.functions.map {
          PythonFrameText(name: minor < 11 ? $0.name : $0.qualifiedName, file: "/made/shop.py", line: $0.line + 1)
        })
  }

  @Test(arguments: [11, 13])
  func `another process has the runtime of the same file where that is mapped`(minor: Int) throws {
    let python = FakePython(minor: minor)
    let runtime = try #require(try PythonRuntime.find(in: python.memory, modules: python.modules))
    let bias = FakePython.start
    let whole = ELFFile.Segment(fileOffset: 0, virtualAddress: 0, fileSize: UInt64(FakePython.size))

    let moved = try #require(runtime.moved(from: bias, to: bias - 0x4000, segments: [whole]))
    #expect(moved.runtimeAddress == runtime.runtimeAddress - 0x4000)
    #expect(moved.layout.code_type == runtime.layout.code_type - 0x4000)
    #expect(moved.layout.current_state == (minor == 11 ? runtime.layout.current_state - 0x4000 : 0))
    #expect(moved.layout.path.0 == runtime.layout.path.0)
  }

  @Test func `a program's own copy of the type of code objects is not expected in another process`() throws {
    let python = FakePython(minor: 11)
    let runtime = try #require(try PythonRuntime.find(in: python.memory, modules: python.modules))
    let type = runtime.layout.code_type - FakePython.start
    let before = ELFFile.Segment(fileOffset: 0, virtualAddress: 0, fileSize: type)
    let behind = ELFFile.Segment(fileOffset: 0, virtualAddress: type + 8, fileSize: 0x1000)

    #expect(runtime.moved(from: FakePython.start, to: 0, segments: [before, behind]) == nil)
    let holder = ELFFile.Segment(fileOffset: 0, virtualAddress: type, fileSize: 8)
    #expect(runtime.moved(from: FakePython.start, to: 0, segments: [before, holder]) != nil)
  }

  @Test func `a thread without Python frames has none, and one without a state is none of Python's`() throws {
    let python = FakePython(minor: 13)
    let runtime = try #require(try PythonRuntime.find(in: python.memory, modules: python.modules))

    #expect(PythonStack(threadPointer: python.threadPointers[0], of: runtime, in: python.memory)?.records == [])
    #expect(PythonStack(threadPointer: python.threadPointers[0] + 8, of: runtime, in: python.memory) == nil)
  }

  @Test func `a code object that is another one by now is gone`() throws {
    let python = FakePython(minor: 11)
    let runtime = try #require(try PythonRuntime.find(in: python.memory, modules: python.modules))
    let record = try #require(
      PythonStack(threadPointer: python.threadPointers[1], of: runtime, in: python.memory)?.records.first)

    let cookie = UInt32(record.second >> 32)
    #expect(PythonCode.read(at: record.first, cookie: cookie ^ 1, of: runtime, in: python.memory) == .gone)
    #expect(PythonCode.read(at: record.first + 8, cookie: cookie, of: runtime, in: python.memory) == .gone)
    #expect(PythonCode.read(at: 16, cookie: cookie, of: runtime, in: python.memory) == .unreadable)
  }

  @Test(arguments: 8...13)
  func `what was copied of a code object is read as the object itself`(minor: Int) throws {
    let python = FakePython(minor: minor)
    let runtime = try #require(try PythonRuntime.find(in: python.memory, modules: python.modules))
    let record = try #require(
      PythonStack(threadPointer: python.threadPointers[1], of: runtime, in: python.memory)?.records.first)
    let cookie = UInt32(record.second >> 32)
    let layout = runtime.layout
    func block(_ field: UInt16, _ size: Int) throws -> (UInt64, [UInt8]) {
      let place: UInt64 = try #require(python.memory.value(at: record.first + UInt64(field)))
      return (place, try #require(python.memory.bytes(at: place, count: size)))
    }
    func code(lines: Int) throws -> PythonCode? {
      let head = try #require(python.memory.bytes(at: record.first, count: Int(SWPROF_PYTHON_HEAD_SIZE)))
      let copy = Blocks(blocks: [
        (record.first, head), try block(layout.code_name, 100), try block(layout.code_file, 100),
        try block(layout.code_lines, lines),
      ])
      return PythonCode(copyOf: record.first, cookie: cookie, of: runtime, in: copy)
    }

    guard case .code(let known) = PythonCode.read(at: record.first, cookie: cookie, of: runtime, in: python.memory)
    else {
      Issue.record("it cannot be read")
      return
    }
    let whole = try #require(try code(lines: 64))
    #expect(whole.qualifiedName == (minor < 11 ? "inner" : "Shop.inner") && whole.fileName == "/made/shop.py")
    #expect(whole.lines == known.lines && whole.hasLines && whole.line(atUnit: 1) == 71)
    // Its line table was too long, or could not be read.
    let cut = try #require(try code(lines: 33))
    #expect(cut.qualifiedName == whole.qualifiedName && !cut.hasLines && cut.line(atUnit: 1) == nil)
    #expect(PythonCode(copyOf: record.first, cookie: cookie ^ 1, of: runtime, in: python.memory) == nil)
    #expect(PythonCode(copyOf: record.first, cookie: cookie, of: runtime, in: Blocks(blocks: [])) == nil)
  }

  private struct Blocks: TargetMemory {
    let blocks: [(start: UInt64, bytes: [UInt8])]

    func bytes(at address: UInt64, count: Int) -> [UInt8]? {
      blocks.lazy.compactMap { block in
        guard address >= block.start, address + UInt64(count) <= block.start + UInt64(block.bytes.count) else {
          return nil
        }
        return Array(block.bytes[Int(address - block.start)...].prefix(count))
      }.first
    }
  }

  @Test func `a file without Python is none`() throws {
    var python = FakePython(minor: 11)
    python.file[257] = UInt8(ascii: "_")

    #expect(try PythonRuntime.find(in: python.memory, modules: python.modules) == nil)
  }

  @Test func `a version that is not known is refused by its name`() throws {
    let python = FakePython(minor: 11)
    let file = try #require(python.modules.first)
    func refusal(_ path: String) -> PythonRefusal? {
      let module = MappedModule(path: path, file: file.file, bias: file.bias, isProgram: false)
      do throws(PythonRefusal) {
        _ = try PythonRuntime.find(in: python.memory, modules: [module])
        return nil
      } catch { return error }
    }

    #expect(refusal("/opt/libpython3.16.so.1.0") == .unknownVersion(PythonVersion(major: 3, minor: 16)))
    #expect(
      refusal("/opt/libpython3.7m.so.1.0")?.description
        == "CPython 3.7 is not known; swprof reads releases from 3.8 to 3.15")
    #expect(refusal("/opt/embedded") == .noVersion)
  }

  @Test func `an interpreter without a thread is one to look at again`() throws {
    let python = FakePython(minor: 12)
    let place = python.offsets.interpreters
    python.memory.content.replaceSubrange(place..<place + 8, with: [UInt8](repeating: 0, count: 8))

    let error = #expect(throws: PythonRefusal.self) {
      try PythonRuntime.find(in: python.memory, modules: python.modules)
    }
    #expect(error == .notInitialized(PythonVersion(major: 3, minor: 12)))
    #expect(error?.isTemporary == true)
  }

  @Test func `offsets that the type of code objects contradicts are refused`() throws {
    let python = FakePython(minor: 11)
    // `co_filename` is the fifth of the members.
    python.memory.content[0x6200 + 4 * 40 + 16] += 8

    #expect(throws: PythonRefusal.implausible(PythonVersion(major: 3, minor: 11), "'co_filename' of a code object")) {
      try PythonRuntime.find(in: python.memory, modules: python.modules)
    }
  }

  @Test func `a pre-release and a version number are told apart`() {
    #expect(PythonVersion(hexadecimal: 0x030D_05F0) == PythonVersion(major: 3, minor: 13, micro: 5))
    #expect(PythonVersion(hexadecimal: 0x030F_00A3).isPrerelease)
    #expect(!PythonVersion(hexadecimal: 0x030F_00C1).isPrerelease)
    #expect(PythonVersion(inFileName: "/usr/lib/libpython3.10.so.1.0") == PythonVersion(major: 3, minor: 10))
    #expect(PythonVersion(inFileName: "/usr/bin/python3") == nil)
  }
}

/// What a report would show of a frame.
struct PythonFrameText: Equatable {
  let name: String
  let file: String
  let line: Int?

  init(name: String, file: String, line: Int?) {
    self.name = name
    self.file = file
    self.line = line
  }

  init(_ record: PythonStack.Record, _ runtime: PythonRuntime, _ memory: some TargetMemory) {
    let reading = PythonCode.read(at: record.first, cookie: UInt32(record.second >> 32), of: runtime, in: memory)
    guard case .code(let code) = reading else {
      self.init(name: "\(reading)", file: "", line: nil)
      return
    }
    let line = code.line(atUnit: UInt32(truncatingIfNeeded: record.second))
    self.init(name: code.qualifiedName, file: code.fileName, line: line)
  }
}
