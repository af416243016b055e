import ProfileModel
import Testing

/// Values as command lines and policies write them.
@Suite struct NotationTests {
  @Test(arguments: [
    ("0", 0), ("0s", 0), ("7ns", 7), ("1us", 1000), ("500ms", 500_000_000), ("10s", 10_000_000_000),
    ("5m", 300_000_000_000), ("48h", 172_800_000_000_000), ("366d", 31_622_400_000_000_000),
  ])
  func `a time has a unit, and zero needs none`(text: String, nanoseconds: UInt64) throws {
    #expect(try TimeLength(reading: text).nanoseconds == nanoseconds)
  }

  @Test(arguments: [
    ("", UnreadableText.notANumber), ("s", .notANumber), ("-1s", .notANumber), ("+1s", .notANumber),
    (" 1s", .notANumber), ("10", .noUnit), ("10x", .unknownUnit("x")), ("1.5s", .unknownUnit(".5s")),
    ("1 s", .unknownUnit(" s")), ("1S", .unknownUnit("S")), ("367d", .overAYear),
    ("99999999999999999999s", .overAYear), ("18446744073709551615h", .overAYear), ("\u{0661}s", .notANumber),
  ])
  func `what is no time is refused for its reason`(text: String, reason: UnreadableText) {
    #expect(throws: reason) { try TimeLength(reading: text) }
  }

  @Test(arguments: [("1k", 1024), ("512M", 512 << 20), ("2G", 2 << 30), ("1T", 1 << 40), ("0M", 0)])
  func `a size has a unit`(text: String, bytes: Int64) throws {
    #expect(try ByteSize(reading: text).bytes == bytes)
  }

  @Test(arguments: [
    ("", UnreadableText.notANumber), ("512", .noUnit), ("1K", .unknownUnit("K")), ("16777216T", .tooLarge),
    ("8388608T", .tooLarge), ("99999999999999999999k", .tooLarge),
  ])
  func `what is no size is refused for its reason`(text: String, reason: UnreadableText) {
    #expect(throws: reason) { try ByteSize(reading: text) }
  }

  @Test func `a regular expression finds, and is bounded`() throws {
    #expect(try TextPattern(reading: "^/api/").finds("/api/cart"))
    #expect(try !TextPattern(reading: "^/api/").finds("/cart"))
    #expect(throws: UnreadableText.notAPattern) { try TextPattern(reading: "(") }
    #expect(throws: UnreadableText.patternTooLong) { try TextPattern(reading: String(repeating: "a", count: 4097)) }
  }

  @Test(arguments: [("D,S", ["D", "S"]), ("DS", ["D", "S"]), ("DD", ["D"]), (",", nil), ("", nil), ("DX", nil)])
  func `states are letters, each once`(text: String, letters: [String]?) {
    #expect(WaitState.list(reading: text)?.map(\.rawValue) == letters)
  }

  @Test(arguments: [("slow,5xx", ["slow", "5xx"]), ("none", []), ("", nil), ("slow,", nil), ("slow,none", nil)])
  func `reasons are words, each once`(text: String, reasons: [String]?) {
    #expect(RequestSample.Reason.list(reading: text)?.map(\.rawValue) == reasons)
  }
}
