/// Texts that others have written, looked at as bytes.
///
/// Swift compares characters, which may be a letter with a mark behind it (U+0301) or before it (U+0600): a process whose
/// name begins with such a mark would hide the parenthesis, slash or space beside it.
extension StringProtocol {
  /// Whether the bytes of another text come first.
  package func beginsWithBytes(of start: String) -> Bool { utf8.starts(with: start.utf8) }

  /// Whether the bytes of another text come last.
  package func endsWithBytes(of end: String) -> Bool { utf8.reversed().starts(with: end.utf8.reversed()) }
}

extension String {
  /// The parts between an ASCII character.
  package func fields(
    at separator: Unicode.Scalar, maxSplits: Int = .max, omittingEmptySubsequences isEmptyOmitted: Bool = true
  ) -> [Substring] { self[...].fields(at: separator, maxSplits: maxSplits, omittingEmptySubsequences: isEmptyOmitted) }

  /// What follows the last slash; all of it without any.
  package var lastPathComponent: Substring {
    utf8.lastIndex(of: UInt8(ascii: "/")).map { self[utf8.index(after: $0)...] } ?? self[...]
  }
}

extension Substring {
  /// The parts between an ASCII character.
  package func fields(
    at separator: Unicode.Scalar, maxSplits: Int = .max, omittingEmptySubsequences isEmptyOmitted: Bool = true
  ) -> [Substring] {
    utf8.split(
      separator: UInt8(ascii: separator), maxSplits: maxSplits, omittingEmptySubsequences: isEmptyOmitted
    ).map { Substring($0) }
  }
}
