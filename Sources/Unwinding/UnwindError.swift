package import ELF

/// Why a file gives no unwind table.
package enum UnwindError: Error, Equatable, CustomStringConvertible {
  case file(ELFError)
  /// Its code is spread over more addresses than any program's.
  case codeTooWide
  /// More rows than any program has.
  case tooManyRows
  /// More functions than any program has.
  case tooManyEntries

  package var description: String {
    switch self {
    case .file(let error): "\(error)"
    case .codeTooWide: "its unwind information spans too many addresses"
    case .tooManyRows: "its unwind information has too many rows"
    case .tooManyEntries: "its unwind information has too many entries"
    }
  }
}
