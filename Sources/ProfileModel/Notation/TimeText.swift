/// Times as reports print them.
package enum TimeText {
  /// A length of time: `500ms`, `10s`, `10.5s`, `1m 30s`, `2h 5m`.
  package static func duration(nanoseconds: UInt64) -> String {
    let microseconds = rounded(nanoseconds, 1000)
    if microseconds < 1000 { return nanoseconds < 1000 ? "\(nanoseconds)ns" : "\(microseconds)us" }
    let milliseconds = rounded(nanoseconds, 1_000_000)
    if milliseconds < 1000 { return "\(milliseconds)ms" }
    let tenths = rounded(nanoseconds, 100_000_000)
    if tenths < 600 { return "\(NumberText.tenths(tenths))s" }
    let seconds = rounded(nanoseconds, 1_000_000_000)
    if seconds < 3600 { return joined(seconds / 60, "m", seconds % 60, "s") }
    let minutes = rounded(nanoseconds, 60_000_000_000)
    return joined(minutes / 60, "h", minutes % 60, "m")
  }

  private static func rounded(_ number: UInt64, _ unit: UInt64) -> UInt64 {
    number / unit + (number % unit >= unit - unit / 2 ? 1 : 0)
  }

  private static func joined(_ large: UInt64, _ largeUnit: String, _ small: UInt64, _ smallUnit: String) -> String {
    small == 0 ? "\(large)\(largeUnit)" : "\(large)\(largeUnit) \(small)\(smallUnit)"
  }

  /// A point of the wall clock in UTC, whole seconds: `2026-11-23 04:40:31Z`.
  package static func utc(_ time: WallTime) -> String {
    let perSecond: Int64 = 1_000_000_000
    let seconds = floorDivide(time.nanoseconds, perSecond)
    let days = floorDivide(seconds, 86400)
    let second = seconds - days * 86400
    let date = civilDate(daysSinceEpoch: days)
    let clock = [second / 3600, second / 60 % 60, second % 60].map { padded($0, to: 2) }.joined(separator: ":")
    return "\(padded(date.year, to: 4))-\(padded(date.month, to: 2))-\(padded(date.day, to: 2)) \(clock)Z"
  }

  /// The date in the proleptic Gregorian calendar, by counting in eras of 400 years that begin on 1 March: the leap day
  /// is then the last day of its year and every month's first day follows from `(153 * month + 2) / 5`.
  private static func civilDate(daysSinceEpoch: Int64) -> (year: Int64, month: Int64, day: Int64) {
    let daysPerEra: Int64 = 146_097
    let shifted = daysSinceEpoch + 719_468  // days since 0000-03-01
    let era = floorDivide(shifted, daysPerEra)
    let dayOfEra = shifted - era * daysPerEra
    let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36524 - dayOfEra / 146_096) / 365
    let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
    let monthFromMarch = (5 * dayOfYear + 2) / 153
    let day = dayOfYear - (153 * monthFromMarch + 2) / 5 + 1
    let month = monthFromMarch < 10 ? monthFromMarch + 3 : monthFromMarch - 9
    return (yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month, day)
  }

  private static func floorDivide(_ number: Int64, _ divisor: Int64) -> Int64 {
    number / divisor - (number % divisor < 0 ? 1 : 0)
  }

  private static func padded(_ number: Int64, to width: Int) -> String {
    let digits = String(number)
    return String(repeating: "0", count: max(0, width - digits.count)) + digits
  }
}
