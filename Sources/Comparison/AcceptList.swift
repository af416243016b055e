/// Regressions that are known and accepted, each with a reason and up to a day.
///
/// A line each: `2026-12-31 parse_header # bigger headers are checked`; blank lines and lines that begin with `#` are
/// passed over.
package struct AcceptList: Sendable, Equatable {
  package struct Entry: Sendable, Equatable {
    /// Counted from 1.
    package let line: Int
    /// The last day on which it counts, as `YYYY-MM-DD`: the order of the texts is that of the days.
    package let lastDay: String
    package let function: String
    package let reason: String
  }

  /// A line that is no entry.
  package struct Malformed: Error, Equatable {
    package let line: Int
  }

  package let entries: [Entry]

  package init(_ text: String) throws(Malformed) {
    var entries: [Entry] = []
    for (index, line) in text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline).enumerated() {
      if line.allSatisfy(\.isWhitespace) || line.hasPrefix("#") { continue }
      guard let entry = Self.entry(line, number: index + 1) else { throw Malformed(line: index + 1) }
      entries.append(entry)
    }
    self.entries = entries
  }

  private static func entry(_ line: Substring, number: Int) -> Entry? {
    let fields = line.split(separator: " ", maxSplits: 1)
    guard fields.count == 2, isDay(fields[0]), let mark = fields[1].range(of: " # ") else { return nil }
    let function = fields[1][..<mark.lowerBound].drop(while: \.isWhitespace)
    let reason = fields[1][mark.upperBound...].drop(while: \.isWhitespace)
    guard !function.isEmpty, !reason.isEmpty else { return nil }
    return Entry(line: number, lastDay: String(fields[0]), function: String(function), reason: String(reason))
  }

  private static func isDay(_ text: Substring) -> Bool {
    let parts = text.split(separator: "-", omittingEmptySubsequences: false)
    guard parts.map(\.count) == [4, 2, 2], parts.allSatisfy({ $0.allSatisfy { $0.isASCII && $0.isNumber } }),
      let month = Int(parts[1]), let day = Int(parts[2])
    else { return false }
    return (1...12).contains(month) && (1...31).contains(day)
  }

  /// The entry that accepts a function's regression on a day.
  func entry(for key: FunctionKey, on day: String) -> Entry? {
    entries.first { $0.lastDay >= day && CanonicalName.of($0.function) == key.name }
  }
}

extension Substring {
  /// Where a text first stands.
  fileprivate func range(of text: String) -> Range<Index>? {
    var start = startIndex
    while let end = index(start, offsetBy: text.count, limitedBy: endIndex) {
      if self[start..<end] == text { return start..<end }
      start = index(after: start)
    }
    return nil
  }
}
