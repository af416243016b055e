import Testing

@testable import Unwinding

/// `.debug_frame` sections written by hand: one common information and one entry for 0x100 bytes of code.
struct DebugFrameTests {
  private static let functionAddress: UInt64 = 0x20_0000

  /// How a section writes its numbers.
  struct Layout: CustomTestStringConvertible {
    var version: UInt8 = 3
    var isWide = false
    /// Bytes before the common information, as of another object file.
    var offset = 0
    var addressSize: UInt8 = 8
    /// The size of a segment selector, and its value.
    var selectorSize: UInt8 = 0
    var selector: UInt8 = 0
    var augmentation = ""
    var start = functionAddress

    var testDescription: String {
      "version \(version), \(isWide ? 64 : 32) bits, at \(offset), addresses of \(addressSize), selectors of \(selectorSize)"
    }
  }

  private static func bytes(_ value: some FixedWidthInteger) -> [UInt8] {
    withUnsafeBytes(of: value.littleEndian) { Array($0) }
  }

  private static func entry(_ body: [UInt8], isWide: Bool) -> [UInt8] {
    (isWide ? bytes(UInt32.max) + bytes(UInt64(body.count)) : bytes(UInt32(body.count))) + body
  }

  private static func section(_ layout: Layout, instructions: [UInt8] = [0x41, 0x0E, 16]) -> [UInt8] {
    func offset(_ value: UInt64) -> [UInt8] {
      layout.isWide ? bytes(value) : bytes(UInt32(truncatingIfNeeded: value))
    }
    func address(_ value: UInt64) -> [UInt8] { Array(bytes(value).prefix(Int(layout.addressSize))) }
    var common = offset(.max) + [layout.version] + Array(layout.augmentation.utf8) + [0]
    if layout.version >= 4 { common += [layout.addressSize, layout.selectorSize] }
    common += [1, 0x78, 16, 0x0C, 7, 8, 0x80 | 16, 1]
    var code = offset(UInt64(layout.offset))
    if layout.selectorSize > 0 {
      code += [layout.selector] + [UInt8](repeating: 0, count: Int(layout.selectorSize) - 1)
    }
    code += address(layout.start) + address(0x100) + instructions
    // Another object file's part: common information alone.
    let before = layout.offset == 0 ? [] : entry([UInt8](repeating: 0xFF, count: layout.offset - 4), isWide: false)
    return before + entry(common, isWide: layout.isWide) + entry(code, isWide: layout.isWide)
  }

  private static let layouts: [Layout] = [
    Layout(version: 1), Layout(version: 3), Layout(version: 4), Layout(isWide: true),
    Layout(version: 4, isWide: true, offset: 48), Layout(offset: 48), Layout(version: 4, addressSize: 4),
    Layout(version: 4, selectorSize: 2), Layout(version: 4, addressSize: 4, selectorSize: 8),
  ]

  @Test(arguments: layouts)
  func `an entry is found in every layout`(layout: Layout) throws {
    let bytes = Self.section(layout)

    let section = CallFrameSection(bytes, address: 0, form: .debug)

    let entry = try #require(section.entries.first)
    #expect(section.entries.count == 1)
    #expect(entry.start == Self.functionAddress)
    #expect(entry.end == Self.functionAddress + 0x100)
    #expect(section.damagedEntries == 0)
    var rules: [UInt64: UnwindRule] = [:]
    let isWhole = CallFrameProgram(section).run(entry) { rules[$0 - entry.start] = $1?.rule(in: bytes) }
    #expect(isWhole)
    #expect(
      rules == [
        0: UnwindRule(frameAddress: .stackPointer(offset: 8)), 1: UnwindRule(frameAddress: .stackPointer(offset: 16)),
      ])
  }

  @Test func `an address in the instructions has the size of the others`() throws {
    let target: [UInt8] = [0x01, 0x40, 0, 0x20, 0]
    let bytes = Self.section(Layout(version: 4, addressSize: 4), instructions: target + [0x0E, 32])
    let section = CallFrameSection(bytes, address: 0, form: .debug)

    var places: [UInt64] = []
    #expect(
      CallFrameProgram(section).run(try #require(section.entries.first)) {
        places.append($0); _ = $1
      })

    #expect(places == [Self.functionAddress, Self.functionAddress + 0x40])
  }

  @Test(arguments: [
    Layout(version: 2), Layout(version: 5), Layout(version: 4, addressSize: 3),
    Layout(version: 4, selectorSize: 2, selector: 1), Layout(version: 4, selectorSize: 9),
    Layout(augmentation: "armcc+"),
  ])
  func `an entry that cannot be read rightly is left out and counted`(layout: Layout) {
    let section = CallFrameSection(Self.section(layout), address: 0, form: .debug)

    #expect(section.entries.isEmpty)
    #expect(section.damagedEntries == 1)
  }

  @Test(arguments: [0, UInt64.max, UInt64.max - 1])
  func `functions that the linker dropped are no damage`(start: UInt64) {
    let section = CallFrameSection(Self.section(Layout(start: start)), address: 0, form: .debug)

    #expect(section.entries.isEmpty)
    #expect(section.damagedEntries == 0)
  }

  @Test func `a common information that lies elsewhere than the entry says is damage`() {
    for offset in [1, 4, 8, 1 << 20] {
      var bytes = Self.section(Layout())
      let place = bytes.count - 23
      bytes.replaceSubrange(place..<place + 4, with: Self.bytes(UInt32(offset)))

      let section = CallFrameSection(bytes, address: 0, form: .debug)

      #expect(section.entries.isEmpty)
      #expect(section.damagedEntries == 1)
    }
  }

  @Test func `a section cut off anywhere gives what was whole`() {
    let whole = Self.section(Layout(isWide: true)) + Self.section(Layout(offset: 48))

    for size in 0..<whole.count {
      #expect(CallFrameSection(Array(whole.prefix(size)), address: 0, form: .debug).entries.count <= 1)
    }
  }

  @Test func `common information that overlaps is not read again and again`() {
    // Each entry names a place of its own, from which on everything looks like common information up to the end.
    var bytes: [UInt8] = []
    for _ in 0..<2_000 {
      let left = UInt32(2_000 * 32 - bytes.count - 4)
      bytes += Self.bytes(left) + Self.bytes(UInt32.max) + [3, 0, 1, 0x78, 16] + [UInt8](repeating: 0, count: 19)
    }
    let commons = bytes.count
    for index in 0..<2_000 {
      let body = Self.bytes(UInt32(index * 32)) + Self.bytes(Self.functionAddress) + Self.bytes(UInt64(16))
      bytes += Self.bytes(UInt32(body.count)) + body
    }
    var section = CallFrameSection(unread: bytes, address: 0, endsAtZero: false, form: .debug)
    while section.read(atMost: 100) {}

    #expect(section.common.reduce(0) { $0 + $1.instructions.count } <= bytes.count)
    #expect(commons == 64_000)
  }
}
