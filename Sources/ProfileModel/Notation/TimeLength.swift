/// A length of time as command lines and policies write it: `1us`, `500ms`, `10s`, `10m`, `48h`, `2d`, `0`.
package struct TimeLength: Equatable, Sendable {
  package let nanoseconds: UInt64

  /// What error messages ask for.
  package static let examples = "a time, as 10s, 5m, 2h"
  /// A year keeps sums of times within 64 bits.
  private static let longest: UInt64 = 366 * 86_400_000_000_000

  package init(nanoseconds: UInt64) { self.nanoseconds = nanoseconds }

  package init(reading text: String) throws(UnreadableText) {
    if text == "0" {
      nanoseconds = 0
      return
    }
    do throws(UnreadableText) {
      nanoseconds = try NumberWithUnit(reading: text).product([
        "ns": 1, "us": 1000, "ms": 1_000_000, "s": 1_000_000_000, "m": 60_000_000_000, "h": 3_600_000_000_000,
        "d": 86_400_000_000_000,
      ])
    } catch .tooLarge {
      throw .overAYear
    }
    guard nanoseconds <= Self.longest else { throw .overAYear }
  }
}
