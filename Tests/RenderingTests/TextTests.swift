import ProfileModel
import Testing

@testable import Rendering

@Suite struct TextTests {
  @Test(arguments: [
    (0, "0"), (999, "999"), (1000, "1,000"), (1_234_567, "1,234,567"), (UInt64.max, "18,446,744,073,709,551,615"),
  ])
  func `digits stand in groups of three`(number: UInt64, text: String) {
    #expect(NumberText.grouped(number) == text)
  }

  @Test(arguments: [
    (0, 0, "0.00"), (0, 5, "0.00"), (1, 3, "33.33"), (2, 3, "66.67"), (1, 1, "100.00"), (1, 800, "0.13"),
    (567, 10_000, "5.67"), (UInt64.max - 1, UInt64.max, "100.00"), (9, 4, "100.00"), (105, 10_000, "1.05"),
  ])
  func `a share is rounded half up`(part: UInt64, whole: UInt64, text: String) {
    #expect(NumberText.percent(part, of: whole) == text)
  }

  @Test func `a share can have fewer decimals`() {
    #expect(NumberText.percent(1, of: 8, decimals: 1) == "12.5")
    #expect(NumberText.percent(1, of: 8, decimals: 0) == "13")
  }

  @Test(arguments: [
    (0, "0ns"), (999, "999ns"), (1500, "2us"), (500_000_000, "500ms"), (999_600_000, "1s"), (10_000_000_000, "10s"),
    (10_001_000_000, "10s"), (10_500_000_000, "10.5s"), (59_960_000_000, "1m"), (90_000_000_000, "1m 30s"),
    (3_600_000_000_000, "1h"), (7_500_000_000_000, "2h 5m"),
  ])
  func `durations read as people write them`(nanoseconds: UInt64, text: String) {
    #expect(TimeText.duration(nanoseconds: nanoseconds) == text)
  }

  @Test(arguments: [
    (0, "1970-01-01 00:00:00Z"), (1_795_408_831, "2026-11-23 04:40:31Z"), (951_827_696, "2000-02-29 12:34:56Z"),
    (-1, "1969-12-31 23:59:59Z"), (4_107_542_399, "2100-02-28 23:59:59Z"), (4_107_542_400, "2100-03-01 00:00:00Z"),
    (1_709_164_800, "2024-02-29 00:00:00Z"),
  ])
  func `dates are those of the Gregorian calendar`(seconds: Int64, text: String) {
    #expect(TimeText.utc(WallTime(nanoseconds: seconds * 1_000_000_000)) == text)
  }

  @Test func `a fraction of a second before the epoch is in the second before it`() {
    #expect(TimeText.utc(WallTime(nanoseconds: -1)) == "1969-12-31 23:59:59Z")
  }

  @Test(arguments: [("a\u{1B}[31mb", "a\u{FFFD}[31mb"), ("a\u{202E}b", "a\u{FFFD}b"), ("plain ü 日", "plain ü 日")])
  func `what would act on a terminal is replaced`(text: String, shown: String) {
    #expect(DisplayText.visible(text) == shown)
  }

  @Test(arguments: [("abc", 3), ("日本", 4), ("e\u{301}", 1), ("", 0), ("🔥", 2)])
  func `width is counted in cells`(text: String, width: Int) {
    #expect(DisplayText.width(text) == width)
  }

  @Test(arguments: [(20, "std::vector::push"), (9, "std:…push"), (8, "std:…ush"), (2, "s…"), (1, "…"), (0, "")])
  func `the middle of a long name is cut`(limit: Int, text: String) {
    #expect(DisplayText.truncatedInMiddle("std::vector::push", to: limit) == text)
  }

  @Test func `a cut name never takes more cells than it may`() {
    for limit in 0..<12 {
      #expect(DisplayText.width(DisplayText.truncatedInMiddle("日本語の関数名", to: limit)) <= limit)
      #expect(DisplayText.width(DisplayText.truncatedAtEnd("日本語の関数名", to: limit)) <= limit)
    }
  }
}
