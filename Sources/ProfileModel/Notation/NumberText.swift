/// Numbers as reports print them.
package enum NumberText {
  /// Digits in groups of three: `1,234,567`.
  package static func grouped(_ number: UInt64) -> String {
    let digits = Array(String(number).utf8)
    var bytes: [UInt8] = []
    for (index, digit) in digits.enumerated() {
      if index > 0, (digits.count - index) % 3 == 0 { bytes.append(UInt8(ascii: ",")) }
      bytes.append(digit)
    }
    return String(decoding: bytes, as: UTF8.self)
  }

  /// `part` of `whole` in percent, rounded half up, without the sign: `5.67`; `0.00` of an empty whole.
  ///
  /// Integer arithmetic, so that equal input prints equally everywhere.
  package static func percent(_ part: UInt64, of whole: UInt64, decimals: Int = 2) -> String {
    let power = (0..<decimals).reduce(UInt64(1)) { product, _ in product * 10 }
    let scaled = scaled(part, of: whole, to: 100 * power)
    return decimal(scaled, fraction: power)
  }

  /// `part / whole * range`, rounded half up; a part beyond its whole counts as the whole.
  package static func scaled(_ part: UInt64, of whole: UInt64, to range: UInt64) -> UInt64 {
    guard whole > 0 else { return 0 }
    guard part < whole else { return range }
    let (quotient, remainder) = whole.dividingFullWidth(part.multipliedFullWidth(by: range))
    return remainder >= whole - remainder ? quotient + 1 : quotient
  }

  /// A fixed-point number: `decimal(1234, fraction: 100)` is `12.34`.
  private static func decimal(_ number: UInt64, fraction: UInt64) -> String {
    guard fraction > 1 else { return String(number) }
    // Adding the divisor keeps the zeros after the point: 1.05 is 1 and 105 without its first digit.
    return "\(number / fraction).\(String(fraction + number % fraction).dropFirst())"
  }

  /// A number with a fixed count of decimals, rounded half away from zero; nil where it has no such form.
  package static func decimal(_ number: Double, digits: Int) -> String? {
    let power = (0..<digits).reduce(UInt64(1)) { product, _ in product * 10 }
    let scaled = (abs(number) * Double(power)).rounded()
    guard scaled.isFinite, scaled < 1e18 else { return nil }
    let sign = number < 0 && scaled > 0 ? "-" : ""
    return sign + decimal(UInt64(scaled), fraction: power)
  }

  /// Tenths of a unit without a needless zero: `1234` is `123.4`, `1230` is `123`.
  package static func tenths(_ number: UInt64) -> String {
    number % 10 == 0 ? String(number / 10) : "\(number / 10).\(number % 10)"
  }
}
