import Testing

@testable import Runtimes

/// Strings laid out as the headers of 3.11 and 3.12 do (Include/cpython/unicodeobject.h).
struct PythonTextTests {
  private static let start: UInt64 = 0x10000
  /// Where the data of a string that is not compact is.
  private static let apart: UInt64 = 0x10100

  /// - Parameter state: `interned:2 kind:3 compact:1 ascii:1`.
  private func text(
    _ data: [UInt8], length: Int, state: UInt32, at place: Int, minor: Int = 12, isApart: Bool = false
  ) -> String? {
    var bytes = [UInt8](repeating: 0, count: 0x100 + 5000)
    func put(_ value: some FixedWidthInteger, _ place: Int) {
      withUnsafeBytes(of: value) { bytes.replaceSubrange(place..<place + $0.count, with: $0) }
    }
    put(Int64(length), 16)
    put(state, 32)
    if isApart { put(Self.apart, place) }
    let first = isApart ? Int(Self.apart - Self.start) : place
    bytes.replaceSubrange(first..<first + data.count, with: data)
    let offsets = PythonOffsets(constantsOfMinor: minor)!
    return PythonText.read(at: Self.start, offsets, in: BytesFrom(start: Self.start, content: bytes))
  }

  private static let ascii: UInt32 = 1 << 2 | 1 << 5 | 1 << 6
  private static let latin1: UInt32 = 1 << 2 | 1 << 5
  private static let ucs2: UInt32 = 2 << 2 | 1 << 5
  private static let ucs4: UInt32 = 4 << 2 | 1 << 5

  @Test func `strings of each width are read`() {
    #expect(text(Array("price".utf8), length: 5, state: Self.ascii, at: 40) == "price")
    #expect(text([0x6E, 0xE4], length: 2, state: Self.latin1, at: 56) == "nä")
    #expect(text([0x95, 0x03, 0xBB, 0x03], length: 2, state: Self.ucs2, at: 56) == "Ελ")
    #expect(text([0, 0xF6, 1, 0], length: 1, state: Self.ucs4, at: 56) == "😀")
    #expect(text(Array("price".utf8), length: 5, state: Self.ascii, at: 48, minor: 11) == "price")
    #expect(text([0x6E, 0xE4], length: 2, state: Self.latin1, at: 72, minor: 8) == "nä")
  }

  @Test func `a string whose data is elsewhere is read to 3.11`() {
    let state: UInt32 = 1 << 2 | 1 << 6
    #expect(text(Array("old".utf8), length: 3, state: state, at: 72, minor: 9, isApart: true) == "old")
    #expect(text(Array("old".utf8), length: 3, state: state, at: 56, minor: 12, isApart: true) == nil)
  }

  @Test func `what cannot be shown is written as Python writes it`() {
    #expect(text([0x1B, 0x0A, 0x80], length: 3, state: Self.latin1, at: 56) == "\\x1b\\x0a\\x80")
    #expect(text([0x80, 0xDC, 0x2E, 0x20], length: 2, state: Self.ucs2, at: 56) == "\\udc80\\u202e")
  }

  @Test func `a long string is cut to 512 bytes`() throws {
    let long = try #require(text([UInt8](repeating: 0x61, count: 600), length: 600, state: Self.ascii, at: 40))
    #expect(long == String(repeating: "a", count: 509) + "…")
    let greek = (0..<800).map { $0 % 2 == 0 ? 0xB1 : 0x03 as UInt8 }
    let wide = try #require(text(greek, length: 400, state: Self.ucs2, at: 56))
    #expect(wide.utf8.count <= 512 && wide.hasSuffix("α…"))
    let whole = [UInt8](repeating: 0x61, count: 509)
    #expect(text(whole, length: 509, state: Self.ascii, at: 40)?.hasSuffix("a") == true)
  }

  @Test func `memory that is no string is none`() {
    #expect(text([0xE4], length: 1, state: Self.ascii, at: 40) == nil)
    #expect(text([0, 0, 0x20, 0], length: 1, state: Self.ucs4, at: 56) == nil)
    #expect(text([], length: -1, state: Self.ascii, at: 40) == nil)
    #expect(text([], length: 1, state: 3 << 2 | 1 << 5, at: 56) == nil)
  }
}
