import ELF
import LinuxSystem
import Testing

@testable import Unwinding

/// Call frame information written by hand.
struct CallFrameTests {
  private static let sectionAddress: UInt64 = 0x10_0000
  private static let functionAddress: UInt64 = 0x20_0000

  /// A section with one common information and one entry for 0x100 bytes of code; numbers are little-endian.
  ///
  /// The common information says that the frame address is rsp + 8 and the return address lies below it, as compilers do.
  private func section(
    augmentation: String = "zR", encoding: UInt8 = 0x1B, common: [UInt8] = [0x0C, 7, 8, 0x80 | 16, 1],
    codeAlignment: UInt8 = 1, dataAlignment: UInt8 = 0x78, _ instructions: [UInt8]
  ) -> [UInt8] {
    var body: [UInt8] = [0, 0, 0, 0, 1] + Array(augmentation.utf8) + [0, codeAlignment, dataAlignment, 16]
    if augmentation.hasPrefix("z") { body += [1, encoding] }
    body += common
    let information = Self.bytes(UInt32(body.count)) + body
    let backwards = UInt32(information.count + 4)
    let place = Self.sectionAddress + UInt64(information.count + 8)
    var entry = Self.bytes(backwards)
    switch encoding {
    case 0x1B:
      entry += Self.bytes(UInt32(truncatingIfNeeded: Self.functionAddress &- place)) + Self.bytes(UInt32(0x100))
    case 0x03: entry += Self.bytes(UInt32(Self.functionAddress)) + Self.bytes(UInt32(0x100))
    default: entry += Self.bytes(Self.functionAddress) + Self.bytes(UInt64(0x100))
    }
    if augmentation.hasPrefix("z") { entry += [0] }
    entry += instructions
    return information + Self.bytes(UInt32(entry.count)) + entry
  }

  private static func bytes(_ value: some FixedWidthInteger) -> [UInt8] {
    withUnsafeBytes(of: value.littleEndian) { Array($0) }
  }

  /// The rules of the entry by the place in the function at which they begin.
  private func rules(_ bytes: [UInt8]) -> [UInt64: UnwindRule] {
    let section = CallFrameSection(bytes, address: Self.sectionAddress)
    let program = CallFrameProgram(section)
    var rules: [UInt64: UnwindRule] = [:]
    for entry in section.entries {
      _ = program.run(entry) { address, row in
        rules[address - Self.functionAddress] = row?.rule(in: bytes) ?? .unsupported
      }
    }
    return rules
  }

  private let initial = UnwindRule(frameAddress: .stackPointer(offset: 8))

  @Test(arguments: [0x1B as UInt8, 0x03, 0x00])
  func `an entry is found in every encoding of its address`(encoding: UInt8) {
    let found = CallFrameSection(section(encoding: encoding, []), address: Self.sectionAddress)

    #expect(found.entries.map(\.start) == [Self.functionAddress])
    #expect(found.entries.map(\.end) == [Self.functionAddress + 0x100])
    #expect(found.damagedEntries == 0)
  }

  @Test func `addresses that only a running program can follow are left out and counted`() {
    let found = CallFrameSection(section(encoding: 0x9B, []), address: Self.sectionAddress)

    #expect(found.entries.isEmpty)
    #expect(found.damagedEntries == 1)
  }

  @Test func `a prologue is told step by step`() {
    // push rbp; mov rbp, rsp; ... leave
    let found = rules(
      section([0x41, 0x0E, 16, 0x80 | 6, 2, 0x43, 0x0D, 6, 0x02, 0x50, 0x0C, 7, 8, 0xC0 | 6]))

    let pushed = UnwindRule.FramePointer.atFrameAddress(offset: -16)
    #expect(
      found == [
        0: initial,
        1: UnwindRule(frameAddress: .stackPointer(offset: 16), framePointer: pushed),
        4: UnwindRule(frameAddress: .framePointer(offset: 16), framePointer: pushed),
        0x54: initial,
      ])
  }

  private static let advances: [(advance: [UInt8], place: UInt64)] = [
    ([0x48], 8), ([0x02, 0x20], 0x20), ([0x03, 0x30, 0], 0x30), ([0x04, 0x40, 0, 0, 0], 0x40),
  ]

  @Test(arguments: advances)
  func `every way to advance is known`(advance: [UInt8], place: UInt64) {
    #expect(rules(section(advance + [0x0E, 32]))[place]?.frameAddress == .stackPointer(offset: 32))
  }

  @Test func `advances are scaled by the code alignment`() {
    #expect(rules(section(codeAlignment: 4, [0x42, 0x0E, 32]))[8]?.frameAddress == .stackPointer(offset: 32))
  }

  @Test func `a kept row comes back`() {
    let found = rules(section([0x41, 0x0E, 32, 0x0A, 0x41, 0x0E, 8, 0x41, 0x0B]))

    #expect(found[1]?.frameAddress == .stackPointer(offset: 32))
    #expect(found[2]?.frameAddress == .stackPointer(offset: 8))
    #expect(found[3]?.frameAddress == .stackPointer(offset: 32))
  }

  private static let framePointers: [(instructions: [UInt8], place: UnwindRule.FramePointer)] = [
    ([0x11, 6, 0x7E], .atFrameAddress(offset: 16)),
    ([0x05, 6, 3], .atFrameAddress(offset: -24)),
    ([0x2F, 6, 3], .atFrameAddress(offset: 24)),
    ([0x07, 6], .unknown),
    ([0x08, 6], .same),
    ([0x09, 6, 3], .unknown),
    ([0x09, 6, 6], .same),
    ([0x14, 6, 2], .unknown),
    ([0x15, 6, 2], .unknown),
    ([0x16, 6, 1, 0x9C], .unknown),
    ([0x10, 6, 2, 0x76, 0x00], .atFramePointer(offset: 0)),
    ([0x10, 6, 2, 0x77, 0x78], .atStackPointer(offset: -8)),
    ([0x10, 6, 2, 0x71, 0x00], .unknown),
    ([0x10, 6, 3, 0x76, 0x00, 0x06], .unknown),
  ]

  @Test(arguments: framePointers)
  func `every way to keep rbp is known or said to be unknown`(
    instructions: [UInt8], place: UnwindRule.FramePointer
  ) {
    #expect(rules(section(instructions))[0] == UnwindRule(frameAddress: .stackPointer(offset: 8), framePointer: place))
  }

  private static let frameAddresses: [(instructions: [UInt8], expected: UnwindRule.FrameAddress)] = [
    ([0x0C, 6, 16], .framePointer(offset: 16)),
    ([0x12, 7, 0x7E], .stackPointer(offset: 16)),
    ([0x13, 0x7C], .stackPointer(offset: 32)),
    ([0x0C, 10, 0], .register(10, offset: 0)),
    ([0x0F, 3, 0x77, 0x08, 0x06], .atStackPointer(offset: 8, addend: 0)),
    ([0x0F, 6, 0x77, 0xF8, 0x00, 0x06, 0x23, 0x08], .atStackPointer(offset: 120, addend: 8)),
    ([0x0F, 3, 0x76, 0x78, 0x06], .atFramePointer(offset: -8, addend: 0)),
    ([0x0F, 5, 0x77, 0x08, 0x06, 0x38, 0x22], .atStackPointer(offset: 8, addend: 8)),
    ([0x0F, 2, 0x77, 0x10], .stackPointer(offset: 16)),
    (
      [0x0F, 11, 0x77, 0x08, 0x80, 0x00, 0x3F, 0x1A, 0x3B, 0x2A, 0x33, 0x24, 0x22],
      .linkageStub(offset: 8, threshold: 11)
    ),
    ([0x0F, 3, 0x71, 0x08, 0x06], .unknown(.unsupported)),
    ([0x0F, 4, 0x77, 0x08, 0x06, 0x06], .unknown(.unsupported)),
    ([0x0C, 17, 0], .unknown(.unsupported)),
    ([0x07, 16], .outermost),
    ([0x08, 16], .unknown(.unsupported)),
  ]

  @Test(arguments: frameAddresses)
  func `every frame address is known or said to be unsupported`(
    instructions: [UInt8], expected: UnwindRule.FrameAddress
  ) {
    #expect(rules(section(instructions))[0]?.frameAddress == expected)
  }

  @Test func `a return address in a register is known`() {
    #expect(rules(section([0x09, 16, 5]))[0]?.returnAddress == .register(5))
    #expect(rules(section([0x05, 16, 2]))[0]?.returnAddress == .atFrameAddress(offset: -16))
  }

  private static let nonsense: [[UInt8]] = [
    [0x3F], [0x0B], [0x0F, 0x50, 0x77], [0x41, 0x0C], [0x01, 0, 0, 0, 0], [UInt8](repeating: 0x0A, count: 100),
  ]

  @Test(arguments: nonsense)
  func `instructions that make no sense make the rest unsupported`(instructions: [UInt8]) throws {
    let found = rules(section([0x41, 0x0E, 16, 0x41] + instructions))

    #expect(found[0] == initial)
    #expect(found.values.contains(.unsupported))
  }

  @Test func `an augmentation that is not known leaves its entries out`() {
    let found = CallFrameSection(section(augmentation: "zX", []), address: Self.sectionAddress)

    #expect(found.entries.isEmpty)
    #expect(found.damagedEntries == 1)
  }

  @Test func `a section cut off anywhere gives what was whole`() {
    let whole = section([0x41, 0x0E, 16, 0x80 | 6, 2]) + section([0x41, 0x0E, 16])

    for size in 0..<whole.count {
      let found = CallFrameSection(Array(whole.prefix(size)), address: Self.sectionAddress)
      #expect(found.entries.count <= 1)
    }
  }

  /// With a look at each segment for each entry, this takes minutes.
  @Test func `entries are looked up in any number of segments`() throws {
    let common = Self.bytes(UInt32(16)) + Self.bytes(UInt32(0)) + [1, 0, 1, 0x78, 16] + [UInt8](repeating: 0, count: 7)
    var bytes = common
    for index in 0..<100_000 {
      bytes += Self.bytes(UInt32(20)) + Self.bytes(UInt32(bytes.count + 4))
      bytes += Self.bytes(UInt64(index + 1) * 16) + Self.bytes(UInt64(16))
    }
    let segments = (0..<60_000).map {
      ELFFile.Segment(fileOffset: 0, virtualAddress: 0x9_0000_0000 + $0 * 2, fileSize: 1, isExecutable: true)
    }
    let own = ELFFile.Segment(fileOffset: 0, virtualAddress: 0, fileSize: 800_000, isExecutable: true)
    let start = Clock.threadCPUNanoseconds
    var compilation = UnwindCompilation(
      CallFrameSection(unread: bytes, address: 0x50_0000, endsAtZero: false), code: segments + [own], countsStrays: true
    )
    while try compilation.advance(entries: 1 << 20) {}
    let table = try #require(compilation.table())

    // Those in `own`, whose last one ends with it.
    #expect(table.damagedEntries == 50_001)
    #expect(table.rule(at: 0x100) != .gap)
    #expect(Clock.threadCPUNanoseconds - start < 20_000_000_000)
  }
}
