@testable import ELF
import LinuxSystem
import ProfileModel
import SeededRandom
import Testing

@testable import Symbolication

/// Files that lie: whatever they hold, every address gets a frame with a name or a number.
@Suite struct HostileFileTests {
  let workshop: Workshop
  private let image: [UInt8]
  private let offsets: [UInt64]
  private let debugFiles: DebugFiles

  init() throws {
    workshop = try Workshop()
    try workshop.buildLibrary("-Wl,-z,lazy")
    try workshop.run("objcopy --only-keep-debug libwork.so work.debug && xz -k work.debug")
    try workshop.run("objcopy --add-section .gnu_debugdata=work.debug.xz --add-gnu-debuglink=work.debug libwork.so")
    image = try workshop.bytes("libwork.so")
    offsets = stride(from: 0, to: 0x3000, by: 64).map { UInt64($0) } + [.max, 1 << 63]
    debugFiles = DebugFiles(directory: workshop.path("debug"))
  }

  private func names(_ image: [UInt8]) -> FileNames {
    FileNames(of: offsets, in: .memory(image), path: workshop.path("libwork.so"), debugFiles: debugFiles)
  }

  @Test func `a file cut at any length is survived`() {
    for length in Array(0..<1_024) + Array(stride(from: 1_024, to: image.count, by: 97)) {
      #expect(names(Array(image.prefix(length))).places.count == offsets.count)
    }
    #expect(names(Array(image.prefix(60))).problems.count == 1)
    #expect(
      names(Array(image.prefix(image.count - 8))).problems == [
        "its section header table reaches past the end of the file; its frames have no names"
      ])
  }

  @Test(arguments: [1, 2, 3])
  func `bytes changed at random are survived`(seed: UInt64) {
    var random = SplitMix(state: seed)
    for round in 0..<300 {
      var bytes = image
      // Every other round aims at the tables, where the numbers are.
      let range = round % 2 == 0 ? 0..<bytes.count : bytes.count - 4_096..<bytes.count
      for _ in 0..<8 {
        bytes[Int.random(in: range, using: &random)] = UInt8(truncatingIfNeeded: random.next())
      }
      if round % 3 == 0 { bytes[Int.random(in: 0..<64, using: &random)] = UInt8(truncatingIfNeeded: random.next()) }
      #expect(names(bytes).places.count == offsets.count)
    }
  }

  @Test(arguments: [0, 0xFF, 0x7F, 0x80])
  func `headers of one byte are survived`(byte: UInt8) {
    for start in stride(from: 6, to: 64, by: 2) {
      for length in [2, 4, 8] {
        var bytes = image
        for position in start..<min(start + length, 64) { bytes[position] = byte }
        #expect(names(bytes).places.count == offsets.count)
      }
    }
  }

  /// A table in which each of `count` symbols covers everything.
  private func overlapping(_ count: Int) throws -> SymbolTable {
    var bytes = image
    let file = try ELFFile(.memory(image))
    let sections = try file.sections()
    let old = try #require(sections.first { $0.type == ELFFile.SectionType.symbols })
    let entry: [UInt8] = [1, 0, 0, 0, 0x12, 0, 1, 0] + [0, 0, 0, 0, 0, 0, 0, 0] + [UInt8](repeating: 0xFF, count: 8)
    let start = bytes.count
    for _ in 0..<count { bytes += entry }
    let table = ELFFile.Section(
      nameOffset: 0, type: old.type, flags: 0, virtualAddress: 0, fileOffset: UInt64(start),
      size: UInt64(count * entry.count), link: old.link, entrySize: 24)
    let changed = sections.map { $0.type == old.type ? table : $0 }
    return try #require(try SymbolTable(ofType: old.type, in: try ELFFile(.memory(bytes)), sections: changed))
  }

  @Test func `symbols that all cover everything end the search`() throws {
    var search = SymbolSearch(WantedAddresses((0..<500).map { UInt64($0) }), maximumUpdates: 100_000)
    try search.add(try overlapping(1_000))
    #expect(search.isCut)
  }

  @Test func `an address as large as can be is looked up`() throws {
    var search = SymbolSearch(WantedAddresses([0, .max - 1, .max]))
    try search.add(try overlapping(3))
    var reach = SymbolReach(try ELFFile(.memory(image)))
    let names = try search.names(&reach)
    #expect(names.map { $0 != nil } == [true, true, false])
  }

  @Test func `a table of segments is no larger than the kernel's`() {
    var bytes = image + [UInt8](repeating: 0, count: 4 << 20)
    bytes[56] = 0xFF
    bytes[57] = 0xFF

    #expect(throws: ELFError.tooLarge(.programHeaders)) { try ELFFile(.memory(bytes)) }
  }

  @Test func `a file of gigabytes that takes none on the disk is not read`() throws {
    try workshop.run("cp libwork.so sparse.so && truncate -s 3G sparse.so")
    let source = try ByteSource(OpenFile(workshop.path("sparse.so")))

    #expect(throws: ELFError.mostlyHole) { try ELFFile(source) }
    #expect(throws: ELFError.mostlyHole) { try ExportedFunctions.places(of: ["visible_work"], in: source) }
  }

  @Test(arguments: ["gnu", "sysv"])
  func `functions of a library are found without libbpf`(hashStyle: String) throws {
    try workshop.buildLibrary("-Wl,--hash-style=\(hashStyle)")
    let source = try ByteSource(OpenFile(workshop.path("libwork.so")))
    let truth: [UInt64?] = try ["other_work", "visible_work", "hidden_work"].map {
      try workshop.offset(of: workshop.function($0, in: "libwork.so").start, in: "libwork.so")
    }

    #expect(try ExportedFunctions.places(of: ["other_work", "visible_work", "hidden_work"], in: source) == truth)
    #expect(try ExportedFunctions.places(of: ["no_work", "other_work"], in: source) == [nil, truth[0]])
  }
}
