import LinuxSystem
import ProfileModel
import SeededRandom
import Testing

@testable import Symbolication

@Suite struct KernelSymbolTests {
  private static let table = """
    0000000000000000 A fixed_percpu_data
    ffffffff81000000 T _stext
    ffffffff81000000 T _text
    ffffffff81002000 t later_local
    ffffffff81001000 t alias_local
    ffffffff81001000 T global_name
    ffffffff81001000 W weak
    ffffffff81001800 d data_in_between
    ffffffff81003000 T _etext
    ffffffffc0001000 t nf_hook\t[nf_tables]
    ffffffffc0002000 t bpf_prog_6deef7357e7b4530_sched\t[bpf]
    """

  private func names(_ addresses: [UInt64], _ table: String = table) -> [KernelSymbols.Symbol?] {
    var symbols = KernelSymbols(WantedAddresses(addresses))
    symbols.read(Array(table.utf8))
    return symbols.symbols()
  }

  @Test func `an address belongs to the nearest function below it`() {
    #expect(
      names([0xffff_ffff_8100_1000, 0xffff_ffff_8100_1fff, 0xffff_ffff_8100_2000, 0xffff_ffff_8100_2abc])
        .map { $0?.name } == ["global_name", "global_name", "later_local", "later_local"])
  }

  @Test func `addresses outside the kernel's code have no name`() {
    #expect(
      names([0x10, 0xffff_ffff_80ff_ffff, 0xffff_ffff_8100_3001, 0xffff_ffff_c050_0000]).map { $0?.name }
        == [nil, nil, nil, nil])
  }

  @Test func `functions of kernel modules and BPF programs tell their module`() {
    let found = names([0xffff_ffff_c000_1010, 0xffff_ffff_c000_2004])
    #expect(found.map { $0?.name } == ["nf_hook", "bpf_prog_6deef7357e7b4530_sched"])
    #expect(found.map { $0?.module } == ["nf_tables", "bpf"])
  }

  @Test func `a frame of a kernel module has that module, others the kernel`() throws {
    let workshop = try Workshop()
    try workshop.write(Self.table, to: "kallsyms")
    var symbolicator = Symbolicator(kernelSymbolsPath: workshop.path("kallsyms"))
    let result = symbolicator.symbolicate([0xffff_ffff_c000_1010, 0xffff_ffff_8100_1001, 0x1000], in: .kernel)
    #expect(result.module == Module(path: "[kernel]"))
    #expect(result.frames.map(\.[0].function) == ["nf_hook", "global_name", "[kernel+0x1000]"])
    #expect(result.frames.map(\.[0].module) == [Module(path: "[nf_tables]"), nil, nil])
    #expect(result.frames.map(\.[0].origin) == [.kernel, .kernel, .unresolved])
    #expect(result.warnings.isEmpty)
  }

  @Test(
    arguments: [
      ("schedule+0x10/0x40", "schedule", nil),
      ("nf_hook+0x10/0x1234 [nf_tables]", "nf_hook", "nf_tables"),
      ("bpf_prog_6deef7357e7b4530_sched+0x10/0x20", "bpf_prog_6deef7357e7b4530_sched", "bpf"),
      ("_RNvC+x+0x10/0x40", "_RNvC+x", nil),
    ] as [(String, String, String?)])
  func `what the kernel calls an address has its name, its start and its module`(
    text: String, name: String, module: String?
  ) throws {
    let symbol = try #require(KernelSymbols.Symbol(text: text, of: 0xffff_ffff_8100_1010))
    #expect(symbol.name == name)
    #expect(symbol.address == 0xffff_ffff_8100_1000)
    #expect(symbol.module == module)
  }

  @Test(arguments: [
    "", "0xffffffff81001010", "schedule", "+0x10/0x40", "schedule+0x10", "schedule+0x/0x40",
    "schedule+0xfffffffffffffff0/0x40", "schedule+16/64",
  ])
  func `a text without a name and an offset is no symbol`(text: String) {
    #expect(KernelSymbols.Symbol(text: text, of: 0x1010) == nil)
  }

  @Test func `the kernel is asked first, and its table read where it cannot be`() throws {
    let workshop = try Workshop()
    try workshop.write(Self.table, to: "kallsyms")
    let cases: [([String]?, [String])] = [
      (["asked+0x1/0x9", "0x1000"], ["asked", "[kernel+0x1000]"]),
      (["__ia32_sys_pause+0x1/0x9", "0x1000"], ["global_name", "[kernel+0x1000]"]),
      (["asked+0x1/0x9"], ["global_name", "[kernel+0x1000]"]),
      (nil, ["global_name", "[kernel+0x1000]"]),
    ]
    for (texts, names) in cases {
      var symbolicator = Symbolicator(kernelSymbolsPath: workshop.path("kallsyms"), kernelTexts: { _ in texts })
      let result = symbolicator.symbolicate([0xffff_ffff_8100_1001, 0x1000], in: .kernel)
      #expect(result.frames.map(\.[0].function) == names)
    }
  }

  @Test func `a kernel that hides its addresses is reported once`() throws {
    let workshop = try Workshop()
    try workshop.write(
      "0000000000000000 T _text\n0000000000000000 t f\n0000000000000000 t g\t[m]\n", to: "kallsyms")
    var symbolicator = Symbolicator(kernelSymbolsPath: workshop.path("kallsyms"))
    let result = symbolicator.symbolicate([0xffff_ffff_8100_0000], in: .kernel)
    #expect(result.frames[0][0].function == "[kernel+0xffffffff81000000]")
    #expect(result.warnings.count == 1)
    #expect(result.warnings[0].contains("/proc/sys/kernel/kptr_restrict"))
  }

  @Test func `one pass finds the same start addresses as a search in a sorted table`() throws {
    let text = try OpenFile.text(of: "/proc/kallsyms")
    let starts = text.split(separator: "\n").compactMap { line -> UInt64? in
      let fields = line.split(separator: " ")
      guard fields.count >= 3, "tTwW".contains(fields[1]) else { return nil }
      return UInt64(fields[0], radix: 16)
    }.filter { $0 != 0 }.sorted()
    try #require(starts.count > 1_000, "run as root: the kernel hides its symbols")
    var random = SplitMix(state: 11)
    let addresses = (0..<400).map { _ in
      starts[Int.random(in: 0..<starts.count, using: &random)] &+ random.next() % 5_000
    }
    let wanted = WantedAddresses(addresses)
    var symbols = KernelSymbols(wanted)
    try symbols.read("/proc/kallsyms")
    for (address, symbol) in zip(wanted.sorted, symbols.symbols()) {
      guard let symbol else { continue }
      var low = 0
      var high = starts.count
      while low < high {
        let middle = (low + high) / 2
        if starts[middle] <= address { low = middle + 1 } else { high = middle }
      }
      #expect(symbol.address == starts[low - 1])
    }
  }
}
