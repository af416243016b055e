/// Why a text is not the value that it should be.
package enum UnreadableText: Error, Equatable, Sendable {
  /// It does not begin with a number.
  case notANumber
  case noUnit
  case unknownUnit(String)
  case overAYear
  case tooLarge
  case notAPattern
  case patternTooLong
  /// It repeats too much, or is nested too deep.
  case patternTooLarge
  /// It has something that cannot be matched in linear time, or that nobody needs: what that is.
  case patternUnsupported(String)

  /// What is wrong, as an error message puts it behind the value: `has no unit`.
  package var reason: String {
    switch self {
    case .notANumber: "is no number with a unit"
    case .noUnit: "has no unit"
    case .unknownUnit(let unit): "has the unit '\(unit)'"
    case .overAYear: "is more than a year"
    case .tooLarge: "is too large"
    case .notAPattern: "is no regular expression; see its brackets and backslashes"
    case .patternTooLong: "is too long; a regular expression has at most \(TextPattern.longest) bytes"
    case .patternTooLarge: "repeats too much or is nested too deep for a regular expression"
    case .patternUnsupported(let part): "has \(part), which regular expressions here do not have"
    }
  }
}

/// A whole number with a unit behind it.
struct NumberWithUnit {
  let number: UInt64
  let unit: String

  init(reading text: String) throws(UnreadableText) {
    let digits = text.prefix { $0.isASCII && $0.isNumber }
    guard !digits.isEmpty else { throw .notANumber }
    guard let number = UInt64(digits) else { throw .tooLarge }
    self.number = number
    unit = String(text.dropFirst(digits.count))
  }

  /// The number times the factor of its unit.
  func product(_ factors: KeyValuePairs<String, UInt64>) throws(UnreadableText) -> UInt64 {
    guard let factor = factors.first(where: { $0.key == unit })?.value else {
      throw unit.isEmpty ? .noUnit : .unknownUnit(unit)
    }
    let (product, overflow) = number.multipliedReportingOverflow(by: factor)
    guard !overflow else { throw .tooLarge }
    return product
  }
}
