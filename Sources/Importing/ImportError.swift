import Compression
package import LinuxSystem

/// Why a file is no profile that we read.
package enum ImportError: Error, CustomStringConvertible, Equatable {
  case unreadable(file: String, Errno)
  /// What begins as gzip is damaged or ends too early.
  case damaged(file: String)
  /// Nothing in it is what a profile is made of; the line is the first one that is not understood, from 1.
  case noStacks(file: String, line: Int?, expected: String)
  case tooLarge(file: String, line: Int, limitBytes: Int)
  /// A compressed file that unfolds to too much.
  case unfoldsTooFar(file: String, limitBytes: Int)
  /// Another format, with what makes a profile of it.
  case otherFormat(file: String, what: String, advice: String)
  /// The event that was asked for, or any other, is not there.
  case noSuchEvent(file: String, event: String, known: [String])

  init(_ error: any Error, file: String) {
    switch error {
    case let error as ImportError: self = error
    case let error as Errno: self = .unreadable(file: file, error)
    case Gzip.Failure.tooLarge(let limit): self = .unfoldsTooFar(file: file, limitBytes: limit)
    default: self = .damaged(file: file)
    }
  }

  package var description: String {
    switch self {
    case .unreadable(let file, let cause): "cannot read '\(file)': \(cause)"
    case .damaged(let file): "'\(file)': the gzip data is damaged or cut short"
    case .noStacks(let file, nil, let expected): "'\(file)' is empty; expected \(expected)"
    case .noStacks(let file, let line?, let expected): "\(file):\(line): expected \(expected)"
    case .tooLarge(let file, let line, let limit): "\(file):\(line): a line is longer than \(limit >> 20) MiB"
    case .unfoldsTooFar(let file, let limit): "'\(file)' holds more than \(limit >> 30) GiB of text, the limit"
    case .otherFormat(let file, let what, let advice): "'\(file)' is \(what), which is not read; \(advice)"
    case .noSuchEvent(let file, let event, let known):
      known.isEmpty
        ? "'\(file)' names no events; leave '--event' out"
        : "'\(file)' has no event '\(event)'; it has \(known.joined(separator: ", "))"
    }
  }
}
