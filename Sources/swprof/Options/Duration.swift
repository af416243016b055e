import ArgumentParser

/// A length of time as the command line writes it: `500ms`, `10s`, `10m`, `48h`.
struct Duration: ExpressibleByArgument, Equatable {
  let nanoseconds: UInt64

  init(nanoseconds: UInt64) { self.nanoseconds = nanoseconds }

  init?(argument: String) {
    guard let length = Self.parse(argument, units: Self.units), length > 0 else { return nil }
    nanoseconds = length
  }

  // Longest suffix first: `ms` ends in `s` too.
  private static let units: [(suffix: String, nanoseconds: UInt64)] = [
    ("ms", 1_000_000), ("s", 1_000_000_000), ("m", 60_000_000_000), ("h", 3_600_000_000_000),
  ]

  /// The ns of a number with one of some units behind it.
  fileprivate static func parse(_ text: String, units: [(suffix: String, nanoseconds: UInt64)]) -> UInt64? {
    guard let unit = units.first(where: { text.hasSuffix($0.suffix) }),
      let number = UInt64(text.dropLast(unit.suffix.utf8.count))
    else { return nil }
    let (product, overflow) = number.multipliedReportingOverflow(by: unit.nanoseconds)
    // A year is longer than any capture, and keeps sums of times within 64 bits.
    guard !overflow, product <= 365 * 24 * 3_600_000_000_000 else { return nil }
    return product
  }

  var defaultValueDescription: String { "\(nanoseconds / 1_000_000_000)s" }
}

/// The length of a wait: `1us`, `10ms`, `2s`, `0`.
struct WaitLength: ExpressibleByArgument, Equatable {
  let nanoseconds: UInt64

  init(nanoseconds: UInt64) { self.nanoseconds = nanoseconds }

  init?(argument: String) {
    if argument == "0" {
      nanoseconds = 0
      return
    }
    let units: [(suffix: String, nanoseconds: UInt64)] = [
      ("ns", 1), ("us", 1000), ("ms", 1_000_000), ("s", 1_000_000_000), ("m", 60_000_000_000),
    ]
    guard let length = Duration.parse(argument, units: units) else { return nil }
    nanoseconds = length
  }

  var defaultValueDescription: String { "\(nanoseconds / 1000)us" }
}

/// A number of bytes: `4k`, `2M`, or plain.
struct ByteCount: ExpressibleByArgument, Equatable {
  let bytes: UInt32

  init(bytes: UInt32) { self.bytes = bytes }

  init?(argument: String) {
    let units: [(suffix: String, factor: UInt32)] = [("k", 1 << 10), ("M", 1 << 20), ("", 1)]
    guard let unit = units.first(where: { argument.hasSuffix($0.suffix) }),
      let number = UInt32(argument.dropLast(unit.suffix.utf8.count))
    else { return nil }
    let (product, overflow) = number.multipliedReportingOverflow(by: unit.factor)
    guard !overflow else { return nil }
    bytes = product
  }
}
