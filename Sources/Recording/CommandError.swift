package import LinuxSystem

/// Why a command was not recorded.
package enum CommandError: Error, Equatable, CustomStringConvertible {
  case cannotRun(String, Errno)
  /// It ended with a status other than 0: what it did is not what was to be measured.
  case ended(String, status: Int32)

  package var description: String {
    switch self {
    case .cannotRun(let command, let cause): "cannot run '\(command)': \(cause)"
    case .ended(let command, let status): "'\(command)' ended with status \(status): nothing was compared"
    }
  }
}

/// A signal has ended what the user waits for.
package struct EndedBySignal: Error, Equatable {
  package let signal: Int32
  /// What was left undone; nil where that needs no words.
  package let sentence: String?
}
