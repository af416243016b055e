import CProbes
import ELF

@testable import Runtimes

/// A process with a CPython in one piece of memory: two threads of one interpreter, the second with two functions, a name
/// and, to 3.11, the lock.
struct FakePython {
  static let start: UInt64 = 0x7F00_0000_0000
  static let size = 0xB000

  var memory = FakeMemory(start: start, content: [UInt8](repeating: 0, count: size))
  /// Of the file that is mapped as the program.
  var file: [UInt8]
  let offsets: PythonOffsets
  let minor: Int

  enum Place {
    static let runtime = 0
    static let interpreter = 0x1000
    static let states = 0x3000
    static let frames = 0x4000
    static let codes = 0x5000
    static let type = 0x6000
    static let members = 0x6200
    static let memberNames = 0x6800
    static let text = 0x7000
    static let names = 0x7800
    static let descriptors = 0x9000
  }

  static let functions = [
    (name: "inner", qualifiedName: "Shop.inner", line: 70), (name: "main", qualifiedName: "main", line: 9),
  ]

  init(minor: Int) {
    self.minor = minor
    file = Self.elf()
    let table = minor >= 13 ? Self.debugTable : []
    offsets =
      minor >= 13
      ? PythonOffsets(debugOffsets: table, minor: minor)! : PythonOffsets(constantsOfMinor: minor)!
    memory.content.replaceSubrange(Place.runtime..<Place.runtime + table.count, with: table)
    addType()
    addThreads()
    addFunctions()
    addNames()
  }

  var modules: [MappedModule] {
    [try? ELFFile(.memory(file))].compactMap { $0 }.map {
      MappedModule(path: "/usr/bin/python3.\(minor)", file: $0, bias: Self.start - Self.runtimeAddress, isProgram: true)
    }
  }

  var threadPointers: [UInt64] { [0, 1].map { address(Place.descriptors + $0 * 0x1000) } }

  func address(_ place: Int) -> UInt64 { Self.start + UInt64(place) }

  mutating func put(_ value: some FixedWidthInteger, _ place: Int) {
    withUnsafeBytes(of: value) { memory.content.replaceSubrange(place..<place + $0.count, with: $0) }
  }

  mutating func put(_ text: String, _ place: Int) {
    memory.content.replaceSubrange(place..<place + text.utf8.count, with: text.utf8)
  }

  /// `PyCode_Type`, with its name and its members.
  private mutating func addType() {
    put(address(Place.memberNames), Place.type + 24)
    put("code", Place.memberNames)
    put(address(Place.members), Place.type + 240)
    let kernel = offsets.kernel
    let members = [
      ("co_argcount", Int(kernel.code_argument_count)),
      ("co_kwonlyargcount", minor < 12 ? Int(kernel.code_keyword_count) : 60),
      ("co_flags", minor < 12 ? Int(kernel.code_flags) : 48), ("co_firstlineno", Int(kernel.code_first_line)),
      ("co_filename", offsets.fileName), ("co_name", offsets.name),
      (minor < 10 ? "co_lnotab" : "co_linetable", offsets.lineTable), ("co_qualname", offsets.qualifiedName ?? 0),
    ]
    for (index, (name, offset)) in members.enumerated() {
      put(address(Place.memberNames + 32 * (index + 1)), Place.members + 40 * index)
      put(name, Place.memberNames + 32 * (index + 1))
      put(Int64(offset), Place.members + 40 * index + 16)
    }
  }

  private mutating func addThreads() {
    let kernel = offsets.kernel
    put(address(Place.interpreter), Place.runtime + offsets.interpreters)
    put(address(Place.states), Place.interpreter + offsets.threads)
    for index in 0..<2 {
      let state = Place.states + 0x200 * index
      put(index == 0 ? address(state + 0x200) : 0, state + offsets.nextState)
      put(address(Place.interpreter), state + Int(kernel.state_interpreter))
      put(threadPointers[index], state + Int(kernel.state_thread))
      // The slot of the key 0, and of the key 1 since 3.13.
      put(address(state), Place.descriptors + index * 0x1000 + (minor >= 13 ? 808 : 792))
    }
    guard let current = [8: 1368, 9: 568, 10: 568, 11: 576][minor] else { return }
    put(address(Place.states + 0x200), Place.runtime + current)
  }

  private mutating func addFunctions() {
    let kernel = offsets.kernel
    let state = Place.states + 0x200
    if kernel.state_frame != 0 {
      put(address(Place.frames), state + Int(kernel.state_frame))
    } else {
      put(address(Place.frames + 0x800), state + Int(kernel.state_cframe))
      put(address(Place.frames), Place.frames + 0x800 + Int(kernel.cframe_frame))
    }
    for (index, function) in Self.functions.enumerated() {
      let frame = Place.frames + 0x100 * index
      let code = Place.codes + 0x400 * index
      put(index == 0 ? address(frame + 0x100) : 0, frame + Int(kernel.frame_previous))
      put(address(code), frame + Int(kernel.frame_code))
      if kernel.position == SWPROF_PYTHON_POSITION_POINTER.rawValue {
        put(address(code) + UInt64(kernel.code_bytecode) + 2, frame + Int(kernel.frame_position))
      } else {
        put(
          kernel.position == SWPROF_PYTHON_POSITION_BYTES.rawValue ? 2 : 1 as Int32, frame + Int(kernel.frame_position))
      }
      addCode(function, at: code, index)
    }
  }

  private mutating func addCode(
    _ function: (name: String, qualifiedName: String, line: Int), at code: Int, _ index: Int
  ) {
    put(address(Place.type), code + Int(offsets.kernel.code_object_type))
    put(Int32(function.line), code + Int(offsets.kernel.code_first_line))
    let texts = [(function.name, offsets.name), ("/made/shop.py", offsets.fileName)]
    let qualified = offsets.qualifiedName.map { [(function.qualifiedName, $0)] } ?? []
    for (number, (text, offset)) in (texts + qualified).enumerated() {
      let object = Place.text + 0x400 * index + 0x100 * number
      put(address(object), code + offset)
      put(Int64(text.utf8.count), object + offsets.textLength)
      put(UInt32(1 << 2 | 1 << 5 | 1 << 6), object + offsets.textState)
      put(text, object + offsets.textASCII)
    }
    // The second unit is of the second line, in each of the formats.
    let table: [UInt8] = minor < 10 ? [2, 1] : minor == 10 ? [2, 0, 8, 1] : [0x80 | 13 << 3, 0, 0x80 | 11 << 3, 0, 0]
    let object = Place.text + 0x400 * index + 0x300
    put(address(object), code + offsets.lineTable)
    put(Int64(table.count), object + offsets.bytesSize)
    memory.content.replaceSubrange(object + offsets.bytesData..<object + offsets.bytesData + table.count, with: table)
  }

  /// The words of `_Py_DebugOffsets` in a 3.13.0 of Linux on x86-64, as its own memory has them.
  private static let debugTable: [UInt8] = {
    let words: [UInt64] = [
      8_750_607_829_840_520_312, 51_183_856, 0, 283_320, 608, 632, 194_968, 7272, 7264, 7344, 7400, 7656, 7640, 7648,
      16,
      7752, 0, 7768, 7760, 304, 0, 8, 16, 72, 152, 160, 232, 32, 80, 8, 0, 56, 72, 70, 208, 112, 120, 128, 136, 68, 52,
      96, 104, 200, 16, 8, 416, 24, 88, 168, 32, 24, 16, 40, 24, 16, 48, 32, 40, 24, 16, 32, 16, 24, 40, 16, 32, 64, 32,
      16, 40, 240, 200,
    ]
    let bytes = words.flatMap { word in withUnsafeBytes(of: word) { Array($0) } }
    return bytes + [UInt8](repeating: 0, count: PythonOffsets.debugTableSize - bytes.count)
  }()

  /// The ELF virtual address of `_PyRuntime`.
  private static let runtimeAddress: UInt64 = 0x4000

  /// A file with nothing but a section `.PyRuntime`.
  private static func elf() -> [UInt8] {
    var file = [UInt8](repeating: 0, count: 64 + 3 * 64 + 32)
    func put(_ value: some FixedWidthInteger, _ place: Int) {
      withUnsafeBytes(of: value) { file.replaceSubrange(place..<place + $0.count, with: $0) }
    }
    file.replaceSubrange(0..<6, with: [0x7F, 0x45, 0x4C, 0x46, 2, 1])
    put(UInt16(62), 18)
    put(UInt64(64), 40)
    put(UInt16(64), 58)
    put(UInt16(3), 60)
    put(UInt16(2), 62)
    put(UInt32(1), 128)
    put(runtimeAddress, 128 + 16)
    put(UInt32(12), 192)
    put(UInt64(256), 192 + 24)
    put(UInt64(32), 192 + 32)
    file.replaceSubrange(256..<256 + 22, with: Array("\0.PyRuntime\0.shstrtab\0".utf8))
    return file
  }
}

/// Memory that counts how much of it is read.
final class FakeMemory: TargetMemory {
  let start: UInt64
  var content: [UInt8]
  private(set) var readBytes = 0

  init(start: UInt64, content: [UInt8]) {
    self.start = start
    self.content = content
  }

  func bytes(at address: UInt64, count: Int) -> [UInt8]? {
    readBytes += 64 + max(0, count)
    guard address >= start, address - start <= UInt64(content.count), count <= content.count - Int(address - start)
    else { return nil }
    let first = Int(address - start)
    return Array(content[first..<first + count])
  }
}
