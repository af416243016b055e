import ELF
import Glibc
import LinuxSystem
import ProfileModel
import SeededRandom
import Testing

@testable import Symbolication

/// Files of the 32-bit class: i386, and x32, whose code is 64-bit.
@Suite struct NarrowFileTests {
  let workshop: Workshop

  init() throws { workshop = try Workshop() }

  private static let options = "-nostdlib -ffreestanding -fno-stack-protector"

  @Test(arguments: ["-m32", "-mx32"])
  func `the first and the last byte of every function have its name`(class option: String) throws {
    try workshop.buildLibrary("\(option) \(Self.options)")
    let functions = try workshop.functions("libwork.so").filter { $0.name.hasSuffix("_work") }
    #expect(functions.count == 3)
    for function in functions {
      let names = try workshop.names([function.start, function.start + function.size - 1], in: "libwork.so")
      #expect(names == [function.name, function.name])
    }
  }

  @Test func `a stripped file has the names that it exports, its build id, and those of its debug file`() throws {
    try workshop.buildLibrary("-m32 \(Self.options)")
    let hidden = try workshop.function("hidden_work", in: "libwork.so").start
    let visible = try workshop.function("visible_work", in: "libwork.so").start
    try workshop.run("readelf -n libwork.so | sed -n 's/.*Build ID: //p' > id")
    let id = try #require(try OpenFile.text(of: workshop.path("id")).split(separator: "\n").first.map { String($0) })
    try workshop.run("cp libwork.so whole.so && strip libwork.so")

    let stripped = try workshop.symbolicate([hidden, visible], in: "libwork.so")
    let folder = "debug/.build-id/\(id.prefix(2))"
    try workshop.run("mkdir -p \(folder) && objcopy --only-keep-debug whole.so \(folder)/\(id.dropFirst(2)).debug")
    let named = try workshop.symbolicate([hidden, visible], in: "libwork.so")

    #expect(stripped.frames.map(\.[0].origin) == [.unresolved, .user])
    #expect(stripped.module.buildID == id)
    #expect(named.frames.map(\.[0].function) == ["hidden_work", "visible_work"])
  }

  @Test(arguments: ["", "-gz=zlib", "-gz=zlib-gnu"])
  func `lines and inlined functions are those of addr2line`(packing: String) throws {
    try workshop.write(
      """
      volatile int cell;
      static inline __attribute__((always_inline)) int inner(int x) { return cell + x; }
      __attribute__((noinline)) int whole(int x) {
        return inner(x) * 3;
      }
      """, to: "inline.c")
    try workshop.run("gcc -m32 -g -O2 -fPIC -shared \(Self.options) \(packing) -o libinline.so inline.c")
    let function = try workshop.function("whole", in: "libinline.so")
    let addresses = Array(function.start..<function.start + function.size)
    let hexadecimal = addresses.map { "0x" + String($0, radix: 16) }.joined(separator: " ")
    try workshop.run("addr2line -f -i -s -a -e libinline.so \(hexadecimal) > lines.txt")
    var truth: [[String]] = []
    for line in try OpenFile.text(of: workshop.path("lines.txt")).split(separator: "\n") {
      if line.hasPrefix("0x") { truth.append([]) } else { truth[truth.count - 1].append(String(line)) }
    }

    let found = try workshop.symbolicate(addresses, in: "libinline.so").frames

    for (frames, lines) in zip(found, truth) {
      let functions = stride(from: 0, to: lines.count, by: 2).map { lines[$0] }
      #expect(frames.map(\.function) == functions)
      #expect(
        frames.first?.source.map { "inline.c:\($0.line)" } == lines[1].split(separator: " ").first.map(String.init))
    }
    #expect(found.contains { $0.count == 2 })
  }

  @Test(arguments: [1, 2, 3])
  func `files that lie are survived`(seed: UInt64) throws {
    try workshop.buildLibrary("-m32 -g -gz=zlib \(Self.options)")
    let image = try workshop.bytes("libwork.so")
    let offsets = stride(from: 0, to: 0x3000, by: 64).map { UInt64($0) } + [.max, 1 << 32, 1 << 63]
    let debugFiles = DebugFiles(directory: workshop.path("debug"))
    var random = SplitMix(state: seed)
    for round in 0..<300 {
      var bytes = image
      for _ in 0..<8 {
        bytes[Int.random(in: 0..<bytes.count, using: &random)] = UInt8(truncatingIfNeeded: random.next())
      }
      if round % 3 == 0 { bytes[Int.random(in: 0..<52, using: &random)] = UInt8(truncatingIfNeeded: random.next()) }
      if round % 5 == 0 { bytes.removeLast(Int.random(in: 0..<bytes.count - 8, using: &random)) }
      let names = FileNames(of: offsets, in: .memory(bytes), path: "libwork.so", debugFiles: debugFiles)
      #expect(names.places.count == offsets.count)
    }
  }
}
