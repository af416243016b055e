import ELF
import Glibc
import LinuxSystem
import SeededRandom
import Testing

@testable import Unwinding

/// Our tables against libdw, row for row.
struct OracleTests {
  /// Compares the rules at the first and the last byte of every row of libdw's.
  private func compare(_ path: String) throws -> (rows: Int, differences: [String]) {
    guard let file = try? ELFFile(ByteSource(OpenFile(path))), let oracle = LibdwRules(path) else { return (0, []) }
    let table = try UnwindTable(file)
    var rows = 0
    var differences: [String] = []
    for entry in try entries(of: file) {
      var address = entry.start
      while address < entry.end, let row = oracle.row(at: address), row.end > address {
        rows += 1
        for place in [address, min(row.end, entry.end) - 1] {
          let ours = table?.rule(at: place) ?? .gap
          if ours != row.rule {
            differences.append("\(path) at \(String(place, radix: 16)): \(ours), libdw: \(row.rule)")
          }
        }
        address = row.end
      }
    }
    return (rows, differences)
  }

  /// The code that the file says something about; where two entries overlap, up to the later one's start.
  private func entries(of file: ELFFile) throws -> [(start: UInt64, end: UInt64)] {
    guard let place = try file.callFrameSection() else { return [] }
    let bytes = try file.source.bytes(at: place.offset, count: place.size, of: .callFrames, limit: 1 << 30)
    let code = file.loads.filter(\.isExecutable)
    let entries = CallFrameSection(bytes, address: place.address).entries
      .filter { entry in
        code.contains { entry.start >= $0.virtualAddress && entry.end - $0.virtualAddress <= $0.fileSize }
      }
      .sorted { ($0.start, $0.end) < ($1.start, $1.end) }
    return entries.enumerated().map { index, entry in
      (entry.start, index + 1 < entries.count ? min(entry.end, entries[index + 1].start) : entry.end)
    }
  }

  @Test func `tables agree with libdw on files of every origin`() throws {
    let libraries = "/usr/lib/x86_64-linux-gnu"
    var compared: [String] = []
    for path in [
      "\(libraries)/libc.so.6", "\(libraries)/ld-linux-x86-64.so.2", "\(libraries)/libcrypto.so.3",
      "\(libraries)/libstdc++.so.6", "/usr/bin/python3.11", "/usr/bin/bash", "/proc/self/exe",
    ] where access(path, R_OK) == 0 {
      let result = try compare(path)
      #expect(result.differences.isEmpty, "\(result.differences.prefix(5).joined(separator: "\n"))")
      if result.rows > 0 { compared.append(path) }
    }

    #expect(compared.contains("\(libraries)/libc.so.6"))
    #expect(compared.count >= 4)
  }

  /// How compilers and tools write `.debug_frame`.
  private static let debugFrames: [(build: String, name: String)] = [
    ("gcc -O2 -g -gdwarf-5", "a.so"), ("gcc -O2 -g -gdwarf-2", "a.so"), ("gcc -O0 -g -fno-omit-frame-pointer", "a.so"),
    ("gcc -O2 -g -Wa,--gdwarf-cie-version=4", "a.so"), ("gcc -O2 -g -gz=zlib", "a.so"),
    ("gcc -O2 -g -gz=zlib-gnu", "a.so"), ("gcc -O2 -g", "a.debug"),
  ]

  @Test(arguments: debugFrames)
  func `code without .eh_frame has the rules that libdw reads from .debug_frame`(build: String, name: String) throws {
    let workshop = try Workshop()
    try workshop.write(Self.source, to: "a.c")
    try workshop.run("\(build) -fno-asynchronous-unwind-tables -fno-unwind-tables -fPIC -shared -o a.so a.c")
    try workshop.run("cp a.so whole.so && objcopy --only-keep-debug --compress-debug-sections a.so a.debug")
    if name != "a.so" { try workshop.run("strip a.so") }
    let debugFile = name == "a.so" ? nil : try workshop.file(name)
    let oracle = try #require(LibdwRules(workshop.path("whole.so"), debugFrames: true))

    let table = try #require(try UnwindTable(workshop.file("a.so"), debugFile: debugFile))

    var rows = 0
    for function in try workshop.functions("whole.so", ["outer", "inner", "variable", "saves"]) {
      var address = function.start
      while address < function.end {
        let row = try #require(oracle.row(at: address))
        for place in [row.start, row.end - 1] { #expect(table.rule(at: place) == row.rule) }
        #expect(row.rule != .gap && row.rule != .unsupported)
        rows += 1
        address = row.end
      }
    }
    #expect(rows >= 8)
    #expect(table.damagedEntries == 0)
  }

  private static let source = """
    #include <string.h>
    int inner(int, char *);
    __attribute__((noinline)) int outer(int x) { char a[40]; memset(a, x, sizeof a); return inner(x, a) + a[3]; }
    __attribute__((noinline)) int variable(int n) { char a[n]; memset(a, n, n); return inner(n, a) + a[n - 1]; }
    __attribute__((noinline)) int inner(int x, char *a) { __asm__ volatile("" : : "r"(a) : "memory"); return x * 3; }
    __attribute__((noinline)) int saves(int x) {
      __asm__ volatile("" : "+r"(x) : : "rbx", "r12", "r13", "r14", "r15");
      return inner(x, 0) + inner(x + 1, 0);
    }
    // Enough of them that packing pays.
    #define REPEAT(name) int name##1(int x) { return saves(x) + 1; } int name##2(int x) { return saves(x) + 2; } \\
      int name##3(int x) { return variable(x) + 3; } int name##4(int x) { return variable(x) + 4; }
    REPEAT(a) REPEAT(b) REPEAT(c) REPEAT(d) REPEAT(e) REPEAT(f) REPEAT(g) REPEAT(h)
    """

  @Test(arguments: [true, false])
  func `code for x32 has the rules that libdw reads from its file of the 32-bit class`(isLoaded: Bool) throws {
    let workshop = try Workshop()
    let include = "#include <string.h>"
    try workshop.write(
      Self.source.replacing(include, with: "void *memset(void *, int, __SIZE_TYPE__);"), to: "a.c")
    let options = isLoaded ? "" : "-fno-asynchronous-unwind-tables -fno-unwind-tables"
    try workshop.run("gcc -mx32 -O2 -g -nostdlib \(options) -fPIC -shared -o a.so a.c")
    let oracle = try #require(LibdwRules(workshop.path("a.so"), debugFrames: !isLoaded))

    let table = try #require(try UnwindTable(workshop.file("a.so")))

    for function in try workshop.functions("a.so", ["outer", "inner", "variable", "saves"]) {
      var address = function.start
      while address < function.end {
        let row = try #require(oracle.row(at: address))
        for place in [row.start, row.end - 1] { #expect(table.rule(at: place) == row.rule) }
        #expect(row.rule != .gap && row.rule != .unsupported)
        address = row.end
      }
    }
    #expect(table.damagedEntries == 0)
  }

  @Test func `code for i386 has no table`() throws {
    let workshop = try Workshop()
    try workshop.write("int outer(int x) { return x * 3; }", to: "a.c")
    try workshop.run("gcc -m32 -O2 -nostdlib -fPIC -shared -o a.so a.c")

    #expect(try UnwindTable(workshop.file("a.so")) == nil)
  }

  @Test func `where both sections describe code, .eh_frame holds`() throws {
    let workshop = try Workshop()
    try workshop.write(Self.source, to: "a.c")
    // The assembler writes .debug_frame alone for one file, and both for the other.
    try workshop.run("gcc -O2 -g -fPIC -fno-asynchronous-unwind-tables -fno-unwind-tables -c -o open.o a.c")
    try workshop.write(
      """
      .cfi_sections .eh_frame
      .text
      .globl described
      described: .cfi_startproc
      sub $24, %rsp
      .cfi_def_cfa_offset 32
      nop
      add $24, %rsp
      .cfi_def_cfa_offset 8
      ret
      .cfi_endproc
      described_end:
      # Says of the same code that its frame address is rsp + 64.
      .section .debug_frame,"",@progbits
      .long common_end - common_start
      common_start: .long -1
      .byte 3, 0, 1, 0x78, 16, 0x0c, 7, 64, 0x90, 1
      .balign 8
      common_end: .long entry_end - entry_start
      entry_start: .long .debug_frame
      .quad described, described_end - described
      entry_end:
      """, to: "both.s")
    try workshop.run("gcc -c -o both.o both.s && gcc -shared -o both.so both.o open.o")
    let whole = try #require(LibdwRules(workshop.path("both.so")))

    let table = try #require(try UnwindTable(workshop.file("both.so")))

    let described = try #require(try workshop.symbol("described", in: "both.so"))
    let rule = try #require(whole.row(at: described + 4)).rule
    #expect(rule == UnwindRule(frameAddress: .stackPointer(offset: 32)))
    #expect(table.rule(at: described + 4) == rule)
    let open = try #require(try workshop.functions("both.so", ["outer"]).first)
    #expect(table.rule(at: open.start) == UnwindRule(frameAddress: .stackPointer(offset: 8)))
  }

  @Test func `a packing that is not known is told, and stubs have their rules all the same`() throws {
    let workshop = try Workshop()
    try workshop.write(Self.source, to: "a.c")
    try workshop.run("gcc -O2 -g -gz=zlib -fPIC -fno-asynchronous-unwind-tables -fno-unwind-tables -shared -o a.so a.c")
    let file = try workshop.file("a.so")
    var bytes = try workshop.bytes("a.so")
    let section = try #require(try file.sectionsByName(file.sections())[".debug_frame"])
    try #require(section.isPacked)
    // ch_type of Elf64_Chdr: ELFCOMPRESS_ZSTD.
    bytes[Int(section.fileOffset)] = 2

    var compilation = try #require(try FileCompilation(ELFFile(.memory(bytes))))
    while try compilation.advance(entries: 1000) {}

    #expect(compilation.problems.count == 1)
    #expect(
      compilation.problems.first?.contains(".debug_frame is compressed in a way that swprof does not read") == true)
    // The file has no .eh_frame either.
    let describesFunctions = compilation.hasCallFrames
    #expect(!describesFunctions)
    let stub = try #require(try workshop.firstCall(of: "outer", in: "a.so"))
    let table = try #require(compilation.table())
    #expect(table.rule(at: stub) == UnwindRule(frameAddress: .stackPointer(offset: 8)))
  }

  /// A shared library, and the place and size of a part of it that only debugging tools read.
  private func debugFrameSample() throws -> (bytes: [UInt8], offset: Int, size: Int) {
    let workshop = try Workshop()
    try workshop.write(Self.source, to: "a.c")
    try workshop.run("gcc -O2 -g -fPIC -fno-asynchronous-unwind-tables -fno-unwind-tables -shared -o a.so a.c")
    let file = try workshop.file("a.so")
    let section = try #require(try file.sectionsByName(file.sections())[".debug_frame"])
    return (try workshop.bytes("a.so"), Int(section.fileOffset), Int(section.size))
  }

  @Test func `damage of .debug_frame of any kind neither crashes nor hangs nor grows`() throws {
    let sample = try debugFrameSample()
    let whole = try #require(try UnwindTable(ELFFile(.memory(sample.bytes))))
    var generator = SplitMix(state: 11)
    for round in 0..<Self.mutations {
      var damaged = sample.bytes
      for _ in 0..<(1 << (round % 6)) {
        let position = sample.offset + Int(generator.next() % UInt64(sample.size))
        damaged[position] = UInt8(truncatingIfNeeded: generator.next())
      }
      guard let table = try? UnwindTable(ELFFile(.memory(damaged))) else { continue }
      #expect(table.rows.count < 100 * whole.rows.count)
      #expect(UInt64(table.pages.count) <= UInt64(sample.bytes.count) / UnwindTable.pageSize + 1)
      _ = table.rule(at: generator.next() % (1 << 14))
    }
  }

  /// `SWPROF_MUTATIONS` sets it for a long run.
  private static let mutations = getenv("SWPROF_MUTATIONS").flatMap { Int(String(cString: $0)) } ?? 2_000

  /// For scripts/compare-unwind-tables, which names a file with a path on each line.
  @Test(.enabled(if: getenv("SWPROF_UNWIND_FILES") != nil))
  func `tables agree with libdw on every file named`() throws {
    let list = try #require(getenv("SWPROF_UNWIND_FILES").map { String(cString: $0) })
    var rows = 0
    var files = 0
    for path in try OpenFile.text(of: list).split(separator: "\n") {
      let result = try compare(String(path))
      rows += result.rows
      files += result.rows > 0 ? 1 : 0
      #expect(result.differences.isEmpty, "\(result.differences.prefix(3).joined(separator: "\n"))")
    }
    print("compared \(rows) rows of \(files) files")
    #expect(files > 0)
  }

  @Test func `the vDSO has a table`() throws {
    let image = try #require(VDSO.image)
    let table = try #require(try UnwindTable(ELFFile(.memory(image))))

    #expect(table.rows.count > 5)
    #expect(table.damagedEntries == 0)
  }

  @Test func `a file without section headers is found by its index`() throws {
    var bytes = try OpenFile.contents(of: "/usr/lib/x86_64-linux-gnu/libc.so.6")
    let whole = try #require(try UnwindTable(ELFFile(.memory(bytes))))
    // e_shoff, e_shnum and e_shstrndx (elf(5)).
    for place in Array(40..<48) + Array(60..<64) { bytes[place] = 0 }

    let found = try #require(try UnwindTable(ELFFile(.memory(bytes))))

    #expect(found == whole)
  }

  @Test func `damage of any kind neither crashes nor hangs nor grows`() throws {
    let bytes = try OpenFile.contents(of: "/usr/lib/x86_64-linux-gnu/ld-linux-x86-64.so.2")
    let place = try #require(try ELFFile(.memory(bytes)).callFrameSection())
    let whole = try #require(try UnwindTable(ELFFile(.memory(bytes))))
    var generator = SplitMix(state: 7)
    for round in 0..<300 {
      var damaged = bytes
      for _ in 0..<(1 << (round % 8)) {
        let position = Int(place.offset) + Int(generator.next() % place.size)
        damaged[position] = UInt8(truncatingIfNeeded: generator.next())
      }
      guard let table = try? UnwindTable(ELFFile(.memory(damaged))) else { continue }
      #expect(table.rows.count < 20 * whole.rows.count)
      #expect(UInt64(table.pages.count) <= UInt64(bytes.count) / UnwindTable.pageSize + 1)
      _ = table.rule(at: generator.next() % (1 << 18))
    }
  }
}
