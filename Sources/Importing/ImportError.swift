package import LinuxSystem

/// Why a file is no profile that we read.
package enum ImportError: Error, CustomStringConvertible, Equatable {
  case unreadable(file: String, Errno)
  /// Nothing in it is what a profile is made of; the line is the first one that is not understood, from 1.
  case noStacks(file: String, line: Int?, expected: String)
  case tooLarge(file: String, line: Int, limitBytes: Int)

  package var description: String {
    switch self {
    case .unreadable(let file, let cause): "cannot read '\(file)': \(cause)"
    case .noStacks(let file, nil, let expected): "'\(file)' is empty; expected \(expected)"
    case .noStacks(let file, let line?, let expected): "\(file):\(line): expected \(expected)"
    case .tooLarge(let file, let line, let limit): "\(file):\(line): a line is longer than \(limit >> 20) MiB"
    }
  }
}
