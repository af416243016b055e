import ELF
import Glibc
import LinuxSystem
import ProfileModel
import Testing

@testable import Symbolication

@Suite struct FileSymbolTests {
  let workshop: Workshop

  init() throws { workshop = try Workshop() }

  @Test func `the first and the last byte of every function have its name`() throws {
    try workshop.buildLibrary()
    let functions = try workshop.functions("libwork.so").filter { $0.name.hasSuffix("_work") }
    #expect(functions.count == 3)
    for function in functions {
      let names = try workshop.names([function.start, function.start + function.size - 1], in: "libwork.so")
      #expect(names == [function.name, function.name])
    }
  }

  @Test func `a named frame carries the ELF virtual address and the module its build id`() throws {
    try workshop.buildLibrary("-Wl,-Ttext-segment=0x400000")
    let function = try workshop.function("visible_work", in: "libwork.so")
    let result = try workshop.symbolicate([function.start], in: "libwork.so")
    #expect(result.frames == [[NamedFrame(function: "visible_work", address: function.start, origin: .user)]])
    #expect(result.module.path == workshop.path("libwork.so"))
    try workshop.run("readelf -n libwork.so | sed -n 's/.*Build ID: //p' > id")
    let id = try OpenFile.text(of: workshop.path("id")).split(separator: "\n")
    #expect(result.module.buildID == id.first.map { String($0) })
    #expect(result.warnings.isEmpty)
  }

  /// Two functions with room between them, one function and one label without a size.
  private static let assembly = """
    .text
    .globl sized; .type sized, @function
    sized: ret
    .size sized, .-sized
    .p2align 6, 0xcc
    .globl sizeless; .type sizeless, @function
    sizeless: nop; nop; ret
    .p2align 6
    bare_label: nop; nop; ret
    .p2align 6
    .globl last; .type last, @function
    last: ret
    .size last, .-last
    .p2align 6, 0xcc
    """

  @Test func `an address between functions is not named after the one before`() throws {
    try workshop.write(Self.assembly, to: "gap.s")
    try workshop.run("gcc -shared -nostdlib -o libgap.so gap.s")
    let start = try workshop.function("sized", in: "libgap.so").start
    let end = try workshop.function("last", in: "libgap.so").start
    let result = try workshop.symbolicate([start, start + 1, end + 1], in: "libgap.so")
    let gap = String(start + 1, radix: 16)
    #expect(
      result.frames.map(\.[0].function)
        == ["sized", "[libgap.so+0x\(gap)]", "[libgap.so+0x\(String(end + 1, radix: 16))]"])
    #expect(result.frames.map(\.[0].origin) == [.user, .unresolved, .unresolved])
  }

  @Test func `a symbol without a size reaches to the next symbol`() throws {
    try workshop.write(Self.assembly, to: "gap.s")
    try workshop.run("gcc -shared -nostdlib -o libgap.so gap.s")
    let start = try workshop.function("sized", in: "libgap.so").start
    #expect(
      try workshop.names([start + 64, start + 127, start + 128, start + 191, start + 192], in: "libgap.so")
        == ["sizeless", "sizeless", "bare_label", "bare_label", "last"])
  }

  /// Exported labels without a size before functions that export nothing: in hand-written code without call frame
  /// information, in code with it, and one that is a loop.
  private static let hidden = """
    .text
    .globl bare; .type bare, @function
    bare: ret
    .p2align 6, 0xcc
    hidden_bare: nop; nop; ret
    .p2align 6, 0xcc
    .globl label
    label: ret
    .p2align 6, 0xcc
    .hidden hidden_function
    .globl hidden_function; .type hidden_function, @function
    hidden_function: .cfi_startproc; nop; nop; ret; .cfi_endproc
    .size hidden_function, .-hidden_function
    .p2align 6, 0xcc
    .globl described; .type described, @function
    described: .cfi_startproc; nop; nop; ret; .cfi_endproc
    behind: nop
    ret
    .p2align 6, 0xcc
    .globl looping
    looping: test %edi, %edi
    jz 2f
    1: dec %edi
    vpaddd (%rsi,%rax,4), %ymm1, %ymm2
    jnz 1b
    jmp 3f
    2: xor %eax, %eax
    3: ret
    after_loop: ret
    """

  @Test(arguments: ["strip", "strip -x"])
  func `where symbols are missing, one without a size names no more than its own function`(strip: String) throws {
    try workshop.write(Self.hidden, to: "hidden.s")
    try workshop.run("gcc -shared -nostdlib -o libhidden.so hidden.s")
    func start(_ name: String) throws -> UInt64 { try workshop.symbol(name, in: "libhidden.so") }
    let (bare, label, described) = (try start("bare"), try start("label"), try start("described"))
    let (looping, afterLoop) = (try start("looping"), try start("after_loop"))
    let hidden = try [start("hidden_bare"), start("hidden_function")]
    let behind = try start("behind")
    try workshop.run("\(strip) libhidden.so")

    let named = try workshop.names(
      [bare, label, described, behind - 1, looping, looping + 2, afterLoop - 1], in: "libhidden.so")
    let unnamed = try workshop.names(
      [bare + 1, hidden[0], hidden[0] + 1, hidden[1], hidden[1] + 1, behind, afterLoop], in: "libhidden.so")

    #expect(named == ["bare", "label", "described", "described", "looping", "looping", "looping"])
    #expect(unnamed.allSatisfy { $0.hasPrefix("[libhidden.so+0x") }, "\(unnamed)")
  }

  @Test func `with all symbols there, one without a size ends at the next function that is known`() throws {
    try workshop.write(Self.hidden, to: "hidden.s")
    try workshop.run("gcc -shared -nostdlib -o libhidden.so hidden.s")
    try workshop.run("strip -N hidden_function -N behind libhidden.so")
    let bare = try workshop.symbol("bare", in: "libhidden.so")
    let described = try workshop.symbol("described", in: "libhidden.so")

    let names = try workshop.names([bare + 63, described - 63, described + 2, described + 3], in: "libhidden.so")

    #expect(names[0] == "bare")
    #expect(names[1].hasPrefix("[libhidden.so+0x"))
    #expect(names[2] == "described")
    #expect(names[3].hasPrefix("[libhidden.so+0x"))
  }

  @Test func `a label in a function names nothing behind the function`() throws {
    try workshop.write(
      """
      .text
      .globl whole; .type whole, @function
      whole: nop
      inside: nop; ret
      .size whole, .-whole
      nop; nop; ret
      """, to: "inside.s")
    try workshop.run("gcc -shared -nostdlib -o libinside.so inside.s")
    let start = try workshop.symbol("whole", in: "libinside.so")

    let names = try workshop.names([start, start + 2, start + 3], in: "libinside.so")

    #expect(names[0...1] == ["whole", "whole"])
    #expect(names[2].hasPrefix("[libinside.so+0x"))
  }

  @Test func `of aliases the global one with the plainest name is shown`() throws {
    try workshop.write(
      """
      int __work_internal(int x) { return x + 1; }
      int work(int) __attribute__((alias("__work_internal")));
      int a(int) __attribute__((weak, alias("__work_internal")));
      static int b(int) __attribute__((alias("__work_internal"), used));
      """, to: "alias.c")
    try workshop.run("gcc -O2 -shared -fPIC -o libalias.so alias.c")
    let start = try workshop.function("work", in: "libalias.so").start
    #expect(try workshop.names([start], in: "libalias.so") == ["work"])
  }

  @Test func `the names of C++ are readable`() throws {
    try workshop.write(
      "namespace shop { template <class T> struct Till { T total(T) const; };"
        + " template <> int Till<int>::total(int x) const { return x; } }", to: "till.cpp")
    try workshop.run("g++ -O2 -shared -fPIC -o libtill.so till.cpp")
    let start = try workshop.function("_ZNK4shop4TillIiE5totalEi", in: "libtill.so").start
    #expect(try workshop.names([start], in: "libtill.so") == ["shop::Till<int>::total(int) const"])
  }

  @Test func `a stripped library has the names it exports, and says that others are missing`() throws {
    try workshop.buildLibrary()
    let hidden = try workshop.function("hidden_work", in: "libwork.so").start
    let visible = try workshop.function("visible_work", in: "libwork.so").start
    try workshop.run("strip libwork.so")
    let result = try workshop.symbolicate([hidden, visible], in: "libwork.so")
    #expect(
      result.frames.map(\.[0].function) == ["[libwork.so+0x\(String(hidden, radix: 16))]", "visible_work"])
    #expect(result.warnings.count == 1)
    #expect(result.warnings.first?.contains("stripped") == true)
    #expect(try workshop.symbolicate([visible], in: "libwork.so").warnings.isEmpty)
  }

  @Test(arguments: ["", "-Wl,-z,lazy -fcf-protection=none", "-Wl,-z,lazy,-z,ibtplt"])
  func `stubs of calls to other libraries are named after what they call`(options: String) throws {
    try workshop.write("int callee(int); int other(int); int f(int x) { return callee(x) + other(x); }", to: "call.c")
    try workshop.run("gcc -O2 -shared -fPIC \(options) -o libcall.so call.c")
    try workshop.run(
      "objdump -d --no-show-raw-insn libcall.so | sed -n 's/^\\(0[0-9a-f]*\\) <\\(.*@plt\\)>:/\\1 \\2/p' > plt")
    let stubs = try OpenFile.text(of: workshop.path("plt")).split(separator: "\n").map { $0.split(separator: " ") }
      .filter { !$0[1].hasPrefix("*") && !$0[1].hasPrefix("__cxa") }
    #expect(stubs.count == 2)
    let addresses = stubs.compactMap { UInt64($0[0], radix: 16) }
    #expect(try workshop.names(addresses, in: "libcall.so") == stubs.map { String($0[1]) })
  }

  @Test func `a file that is no ELF file is said to be none`() throws {
    try workshop.write("#!/bin/sh\nexit 0\n", to: "script")
    var symbolicator = Symbolicator(debugDirectory: workshop.path("debug"))
    let result = symbolicator.symbolicate([4], in: .file(try OpenFile(workshop.path("script")), path: "/opt/script"))
    #expect(result.frames == [[NamedFrame(function: "[script+0x4]", address: 4, origin: .unresolved)]])
    #expect(result.warnings == ["/opt/script: it is not an ELF file; its frames have no names"])
  }

  @Test func `files that are gone and addresses without a mapping keep their numbers`() {
    var symbolicator = Symbolicator()
    let missing = symbolicator.symbolicate([0x1234], in: .missing(path: "/lib/libgone.so"))
    #expect(missing.frames[0][0] == NamedFrame(function: "[libgone.so+0x1234]", address: 0x1234, origin: .unresolved))
    #expect(missing.warnings.count == 1)
    let unmapped = symbolicator.symbolicate([0x10], in: .unmapped(ProcessID(rawValue: 1)))
    #expect(unmapped.module.path == "[unmapped]")
    #expect(unmapped.frames[0][0] == NamedFrame(function: "[0x10]", address: 0x10, origin: .unresolved))
  }

  @Test func `sources that are named together have the names that each has alone`() throws {
    try workshop.buildLibrary("-g")
    try workshop.write("#!/bin/sh\nexit 0\n", to: "script")
    let function = try workshop.function("visible_work", in: "libwork.so")
    let library = CodeSource.file(try OpenFile(workshop.path("libwork.so")), path: "/lib/libwork.so")
    // The tests themselves, which have many symbols.
    let system = CodeSource.file(try OpenFile("/proc/self/exe"), path: "/proc/self/exe")
    let script = CodeSource.file(try OpenFile(workshop.path("script")), path: "/opt/script")
    let start = try workshop.offset(of: function.start, in: "libwork.so")
    let wanted: [(addresses: [UInt64], source: CodeSource)] = (0..<6).flatMap { round in
      [
        ([start], library),
        (Array(stride(from: 0x10_0000 + UInt64(round), to: 0x40_0000, by: 0x1001)), system),
        ([4], script), ([0x1234], .missing(path: "/lib/libgone.so")), ([], library),
      ]
    }
    var symbolicator = Symbolicator()
    let alone = wanted.map { symbolicator.symbolicate($0.addresses, in: $0.source) }
    #expect(alone[0].frames[0][0].function == "visible_work")
    #expect(alone[0].frames[0][0].source != nil)
    #expect(symbolicator.symbolicate(wanted) == alone)
    #expect(symbolicator.symbolicate([]).isEmpty)
  }

  @Test func `the vDSO has the names that vdso(7) lists`() throws {
    let image = try #require(VDSO.image)
    let file = try ELFFile(.memory(image))
    let table = try #require(try SymbolTable(ofType: 11, in: file, sections: try file.sections()))
    var offsets: [UInt64] = []
    try table.visitEntries { entry in
      if entry.type == 2, entry.section != 0 { offsets.append(entry.value) }
      return true
    }
    var symbolicator = Symbolicator()
    let result = symbolicator.symbolicate(offsets, in: .vdso)
    #expect(result.module.path == "[vdso]")
    #expect(result.frames.contains { $0[0].function.contains("clock_gettime") })
    #expect(result.frames.allSatisfy { $0[0].origin == .user })
  }

  @Test func `in a stripped file the cold part of CPython's loop has its name`() throws {
    try workshop.write(
      """
      __attribute__((noinline, cold)) int rare(int x) { __asm__ volatile(""); return x + 1; }
      volatile int counter;
      int _PyEval_EvalFrameDefault(int a, int b)
      {
        int pad[8];
        for (int i = 0; i < 8; i++) pad[i] = a * i;
        if (__builtin_expect(b == 3, 0)) { counter += rare(a); pad[1] = rare(pad[2]); }
        if (__builtin_expect(b == 4, 0)) { counter += rare(a + 1); pad[3] = rare(pad[1]); }
        if (__builtin_expect(b == 5, 0)) { counter += rare(a + 2); pad[4] = rare(pad[7]); }
        return pad[a & 7] + pad[b & 7];
      }
      """, to: "loop.c")
    try workshop.run("gcc -O2 -fPIC -shared -o full.so loop.c && strip -o stripped.so full.so")
    let start = try workshop.symbol("_PyEval_EvalFrameDefault.cold", in: "full.so")
    let function = try workshop.function("_PyEval_EvalFrameDefault", in: "full.so").start
    #expect(
      try workshop.names([start + 5, function, start + 5], in: "stripped.so")
        == ["_PyEval_EvalFrameDefault", "_PyEval_EvalFrameDefault", "_PyEval_EvalFrameDefault"])
    // Nothing else gets its name.
    let rare = try workshop.symbol("rare", in: "full.so")
    #expect(try workshop.names([rare, start - 1], in: "stripped.so").allSatisfy { $0 != "_PyEval_EvalFrameDefault" })
  }
}
