/// How much is said beside the result.
enum Verbosity {
  /// Errors, and what was lost where the result has no place for it.
  case quiet
  case normal
  /// What swprof does as well, in plain lines.
  case verbose

  /// Says what the reader should know of the result.
  func note(_ sentence: @autoclosure () -> String) {
    if self != .quiet { Terminal.complain(sentence()) }
  }

  /// Says that the caller of sudo is not known, where that is so.
  func noteCaller() {
    if let warning = Caller.warning { note("warning: " + warning) }
  }

  /// Says what swprof does.
  func detail(_ sentence: @autoclosure () -> String) {
    if self == .verbose { Terminal.complain(sentence()) }
  }
}
