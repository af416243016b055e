import ELF
import LinuxSystem
import ProfileModel
import Testing

@testable import Symbolication

/// Functions that compilers put in place of calls, and lines.
struct InlineTests {
  private let workshop: Workshop

  init() throws {
    workshop = try Workshop()
    try workshop.write(
      """
      static inline __attribute__((always_inline)) int inner(int x) {
        return x * 3;
      }
      static inline __attribute__((always_inline)) int middle(int x) {
        __asm__ volatile("here: .globl here; nop" : "+r"(x));
        return
          inner(x);
      }
      __attribute__((noinline)) int outer(int x) {
        return
          middle(x) + 1;
      }
      """ + (0..<100).map { "\nint more\($0)(int x) { return x + \($0); }" }.joined() + "\n", to: "inlined.c")
  }

  /// The frames at the label `here`, which lies in `middle`, innermost first.
  private func frames(in file: String, debugDirectory: String = "/nonexistent") throws -> [NamedFrame] {
    let offset = try offsetOfHere(in: "original.so")
    var symbolicator = Symbolicator(debugDirectory: debugDirectory)
    let source = CodeSource.file(try OpenFile(workshop.path(file)), path: workshop.path(file))
    return try #require(symbolicator.symbolicate([offset], in: source).frames.first)
  }

  private func offsetOfHere(in file: String) throws -> UInt64 {
    try workshop.run("nm \(file) | grep ' here$' | cut -d' ' -f1 > here")
    let text = String(decoding: try workshop.bytes("here"), as: UTF8.self)
    // The library is linked so that file offsets and addresses are the same.
    return try #require(UInt64(text.split(separator: "\n").first ?? "", radix: 16))
  }

  private func build(_ compiler: String = "gcc", _ options: String = "") throws {
    try workshop.run("\(compiler) -O2 -g \(options) -fPIC -shared -Wl,-z,noseparate-code -o original.so inlined.c")
  }

  private func expectChain(_ frames: [NamedFrame]) {
    #expect(frames.map(\.function) == ["middle", "outer"])
    #expect(frames.map(\.isInlined) == [true, false])
    #expect(frames.map { $0.source?.line } == [5, 11])
    #expect(frames.allSatisfy { $0.source?.file.hasSuffix("inlined.c") ?? false })
  }

  @Test(arguments: ["-gdwarf-4", "-gdwarf-5", "-gz"])
  func `an inlined function stands under its caller, each with its line`(format: String) throws {
    try build("gcc", format)

    expectChain(try frames(in: "original.so"))
  }

  @Test func `units without an index of addresses are found`() throws {
    try build("clang", "-gdwarf-5 -fuse-ld=bfd")

    expectChain(try frames(in: "original.so"))
  }

  @Test func `a separate debug file gives lines and inlined functions`() throws {
    try build()
    try workshop.run("mkdir -p debug && objcopy --only-keep-debug original.so full")
    try workshop.run(
      "strip -o stripped.so original.so && readelf -n original.so | grep 'Build ID' | cut -d: -f2 | tr -d ' \\n' > id")
    let id = String(decoding: try workshop.bytes("id"), as: UTF8.self)
    try workshop.run(
      "mkdir -p debug/.build-id/\(id.prefix(2)) && mv full debug/.build-id/\(id.prefix(2))/\(id.dropFirst(2)).debug")

    expectChain(try frames(in: "stripped.so", debugDirectory: workshop.path("debug")))
    #expect(try frames(in: "stripped.so").map(\.function) == ["outer"])
  }

  @Test func `without debugging information there is the function alone`() throws {
    try build("gcc", "-g0")

    let frames = try frames(in: "original.so")

    #expect(frames.map(\.isInlined) == [false])
    #expect(frames.map(\.source) == [nil])
  }

  @Test func `sections that unpack to more than memory should hold are left alone`() throws {
    try build("gcc", "-gz")
    var bytes = try workshop.bytes("original.so")
    let file = try ELFFile(.memory(bytes))
    let sections = try file.sectionsByName(try file.sections())
    let section = try #require(sections[".debug_info"])
    // Small sections are not worth packing.
    try #require(section.isPacked)
    for index in 0..<8 { bytes[Int(section.fileOffset) + 8 + index] = index < 5 ? 0xFF : 0 }
    try workshop.write(bytes, to: "bomb.so")

    let frames = try frames(in: "bomb.so")

    #expect(frames.map(\.function) == ["outer"])
    #expect(frames.map(\.source) == [nil])
  }

  @Test func `damaged debugging information neither crashes nor hangs`() throws {
    try build()
    let bytes = try workshop.bytes("original.so")
    let file = try ELFFile(.memory(bytes))
    let sections = try file.sectionsByName(try file.sections())
    let names = [".debug_info", ".debug_abbrev", ".debug_line", ".debug_str", ".debug_rnglists"]
    let places = names.compactMap { sections[$0] }.flatMap { section in
      (0..<section.size).map { Int(section.fileOffset + $0) }
    }
    #expect(places.count > 300)
    let offset = try offsetOfHere(in: "original.so")
    var state: UInt64 = 3
    func random() -> Int {
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return Int(state >> 33)
    }
    for round in 0..<400 {
      var damaged = bytes
      for _ in 0...(round % 6) { damaged[places[random() % places.count]] = UInt8(truncatingIfNeeded: random()) }
      try workshop.write(damaged, to: "damaged.so")
      var symbolicator = Symbolicator(debugDirectory: "/nonexistent")
      let source = CodeSource.file(try OpenFile(workshop.path("damaged.so")), path: "damaged.so")
      #expect(symbolicator.symbolicate([offset, 0, 1 << 40], in: source).frames.allSatisfy { !$0.isEmpty })
    }
  }
}
