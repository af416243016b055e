import ELF
import Glibc
import LinuxSystem
import ProfileModel
import Synchronization
import Testing

@testable import Symbolication

/// Debugging information made to keep its reader busy: what is given up is said, and the rest is named.
@Suite struct HostileDebugInformationTests {
  private let workshop: Workshop

  init() throws { workshop = try Workshop() }

  /// Abbreviations: a unit, a function by ranges, a block, a function, an inlined function, and what is not looked at.
  private static let abbreviations = """
    .section .debug_abbrev,"",@progbits
    .byte 1,0x11,1, 0x11,1, 0x12,7, 0x10,0x17, 0,0
    .byte 2,0x2e,0, 0x55,0x17, 0,0
    .byte 3,0x0b,1, 0,0
    .byte 4,0x2e,1, 0x03,0x08, 0x11,1, 0x12,7, 0,0
    .byte 5,0x1d,1, 0x03,0x08, 0x11,1, 0x12,7, 0,0
    .byte 6,0x16,1, 0,0
    .byte 0
    """

  /// Builds a library with the function `work`, whose debugging information is written out.
  private func build(entries: String, rest: String = "", lines: String = ".byte 0x13", options: String = "") throws {
    try workshop.write(
      """
      .text
      .globl work
      .type work,@function
      work: .fill 64,1,0x90
      ret
      .size work, .-work
      work_end:
      \(Self.abbreviations)
      .section .debug_info,"",@progbits
      .long unit_end - unit_start
      unit_start: .short 4
      .long 0
      .byte 8
      .byte 1
      .quad work
      .quad work_end - work
      .long 0
      \(entries)
      .byte 0
      unit_end:
      .section .debug_line,"",@progbits
      .long lines_end - lines_start
      lines_start: .short 4
      .long header_end - header_start
      header_start: .byte 1,1,1,-5,14,13, 0,1,1,1,1,0,0,0,1,0,0,1
      .byte 0
      .asciz "work.c"
      .byte 0,0,0, 0
      header_end: .byte 0,9,2
      .quad work
      \(lines)
      .byte 2,64, 0,1,1
      lines_end:
      \(rest)
      """, to: "work.s")
    try workshop.run("gcc -shared -nostdlib -Wl,--build-id=none \(options) -o libwork.so work.s")
  }

  private func names(_ budget: NamingBudget) throws -> FileNames {
    let start = try workshop.function("work", in: "libwork.so").start
    return FileNames(
      of: [try workshop.offset(of: start + 8, in: "libwork.so")],
      in: try ByteSource(OpenFile(workshop.path("libwork.so"))), path: workshop.path("libwork.so"),
      debugFiles: DebugFiles(directory: workshop.path("debug")), budget: budget)
  }

  /// A function entry and what lies in it.
  private static func function(_ name: String, _ inner: String) -> String {
    ".byte 4\n.asciz \"\(name)\"\n.quad work\n.quad work_end - work\n\(inner)\n.byte 0"
  }

  private static func inlined(_ name: String, _ inner: String = "") -> String {
    ".byte 5\n.asciz \"\(name)\"\n.quad work\n.quad work_end - work\n\(inner)\n.byte 0"
  }

  @Test func `what is honest is read: functions, inlined ones and lines`() throws {
    try build(entries: Self.function("work", Self.inlined("outer", Self.inlined("inner"))))

    let place = try names(NamingBudget()).places[0]

    #expect(place.debug?.function == "work")
    #expect(place.debug?.inlined.map(\.name) == ["outer", "inner"])
    #expect(place.debug?.source?.file == "work.c")
  }

  @Test func `functions that share a list of ranges cost no more CPU time than a file may`() throws {
    // 20,000 x 100,000 ranges: minutes.
    try build(
      entries: ".rept 20000\n.byte 2\n.long 0\n.endr",
      rest: """
        .section .debug_ranges,"",@progbits
        .rept 100000
        .quad 0x10, 0x20
        .endr
        .quad 0, 0
        """)

    let names = try names(NamingBudget(fileLimit: 200_000_000))

    #expect(names.places[0].name == "work")
    #expect(
      names.problems == [
        "reading its debugging information was given up after 200 ms of CPU time; 1 of 1 places have no line or inlined"
          + " functions"
      ])
  }

  @Test func `what all files may take is not taken by each of them`() throws {
    try build(entries: Self.function("work", ""))
    let budget = NamingBudget(fileLimit: 1_000_000_000, totalLimit: 1_000_000)
    budget.spend(1_000_000)

    let names = try names(budget)

    #expect(names.places[0].name == "work" && names.places[0].debug == nil)
    #expect(names.problems.count == 1 && names.problems[0].contains("that of other files took 1 ms of CPU time"))
  }

  @Test func `entries a million deep are walked over once, and what follows them is found`() throws {
    let depth = 1_000_000
    // Of no interest, and a block: the first are walked over, the second is walked into.
    for tag in [6, 3] {
      try build(
        entries: ".fill \(depth),1,\(tag)\n.fill \(depth),1,0\n" + Self.function("work", Self.inlined("inner")))

      let names = try names(NamingBudget())

      #expect(names.places[0].debug?.inlined.map(\.name) == ["inner"])
      #expect(names.problems.count == (tag == 3 ? 1 : 0), "\(names.problems)")
    }
  }

  @Test func `a hundred thousand functions inlined at one place are shown as far as that makes sense`() throws {
    try build(entries: Self.function("work", ".rept 100000\n" + Self.inlined("i") + "\n.endr"))

    let names = try names(NamingBudget())

    #expect(names.places[0].debug?.inlined.count == 256)
    #expect(
      names.problems.count == 1 && names.problems[0].contains("too large or overlaps itself"), "\(names.problems)")
  }

  @Test func `a line program of six megabytes is left out, and that is said`() throws {
    try build(
      entries: Self.function("work", Self.inlined("inner")), lines: ".fill \(6 << 20),1,0x0e")

    let names = try names(NamingBudget())

    #expect(names.places[0].debug?.inlined.map(\.name) == ["inner"])
    #expect(names.places[0].debug?.source == nil)
    #expect(names.problems == ["a compilation unit of it with more than 4 MiB of lines have none shown"])
  }

  @Test(arguments: ["zlib", "zlib-gnu"])
  func `what is packed to a thousandth is not unpacked`(kind: String) throws {
    try build(
      entries: Self.function("work", ""), rest: ".section .debug_str,\"\",@progbits\n.fill \(200 << 20),1,0",
      options: "-Wl,--compress-debug-sections=\(kind)")

    let names = try names(NamingBudget())

    #expect(names.places[0].name == "work")
    #expect(names.problems == ["its debugging information is too large; inlined functions and lines are not shown"])
  }

  @Test func `an end that somebody wants comes within a file, with what there is`() throws {
    try build(
      entries: ".rept 200000\n.byte 2\n.long 0\n.endr",
      rest: ".section .debug_ranges,\"\",@progbits\n.rept 1000\n.quad 0x10, 0x20\n.endr\n.quad 0, 0")
    // Asked a few times before the debugging information is begun with.
    let asked = Atomic(0)
    let names = try names(NamingBudget(isInterrupted: { asked.add(1, ordering: .relaxed).newValue > 1000 }))

    #expect(names.places[0].name == "work")
    #expect(names.problems.count == 1 && names.problems[0].contains("was ended early"), "\(names.problems)")
  }

  @Test func `an end that somebody wants before a file leaves it without names, and says so`() throws {
    try build(entries: Self.function("work", ""))

    let names = try names(NamingBudget(isInterrupted: { true }))

    #expect(names.places[0].name == nil)
    #expect(names.problems == ["naming it was ended early; 1 of 1 places have no names, and none has lines"])
  }

  @Test func `names that take demanglers long are not all waited for`() {
    // Each ends at the bound of a single name, a third of a second; this must not add up.
    let slow = (0..<100).map { "_Z1f" + String(repeating: "N1a1bE", count: 20) + "\($0)" }
    var demangler = Demangler(NamingBudget(), nanoseconds: 1)
    let results = slow.map { demangler.demangle($0) }

    #expect(results.dropFirst() == slow.dropFirst())
    #expect(demangler.takeProblem()?.contains("took too long") == true)
    #expect(demangler.takeProblem() == nil)
  }

  @Test func `names that take demanglers long take no time from other files`() {
    func slow(_ number: Int) -> String {
      let nested = (0..<40).reduce("St4pairIiiE") { name, depth in
        func place(_ number: Int) -> String { number == 0 ? "S_" : "S\(String(number - 1, radix: 36).uppercased())_" }
        return name + place(depth) + "I" + place(depth + 1) + place(depth + 1) + "E"
      }
      return "_Z\(1 + "\(number)".count)f\(number)" + nested
    }
    var demangler = Demangler(NamingBudget(), nanoseconds: 400_000_000)
    demangler.begin(owner: 1000)
    for number in 0..<8 { _ = demangler.demangle(slow(number)) }
    #expect(demangler.demangle("_ZN5honey3beeEi") == "_ZN5honey3beeEi")
    #expect(
      demangler.takeProblem() == "demangling its names took too long; the others stay as the linker has them")

    demangler.begin(owner: 1001)
    #expect(demangler.demangle("_ZN5honey3beeEi") == "honey::bee(int)")
    #expect(demangler.demangle("$s4main3fooyyF") == "main.foo() -> ()")
    #expect(demangler.takeProblem() == nil)
  }

  @Test func `sixty thousand sections without an end of their names are read once each`() throws {
    let count = 60_000
    var bytes: [UInt8] = [0x7F, 0x45, 0x4C, 0x46, 2, 1, 1] + [UInt8](repeating: 0, count: 57)
    func put(_ value: some FixedWidthInteger, at offset: Int) {
      for index in 0..<MemoryLayout.size(ofValue: value) {
        bytes[offset + index] = UInt8(truncatingIfNeeded: value >> (8 * index))
      }
    }
    let (headers, table) = (64, 64 + 64 * count)
    bytes += [UInt8](repeating: 0, count: 64 * count) + [UInt8](repeating: UInt8(ascii: "A"), count: 4 << 20)
    put(UInt64(headers), at: 40)
    put(UInt16(64), at: 58)
    put(UInt16(count), at: 60)
    put(UInt16(1), at: 62)
    put(UInt64(table), at: headers + 64 + 24)
    put(UInt64(4 << 20), at: headers + 64 + 32)
    let file = try ELFFile(.memory(bytes))

    let names = try file.names(of: try file.sections())

    #expect(names.count == count && Set(names) == [String(repeating: "A", count: 64)])
  }
}
