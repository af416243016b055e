/// Why a result cannot go to a file.
package enum OutputFileError: Error, Equatable, CustomStringConvertible {
  case cannotCreate(String, Errno)
  case cannotOpen(String, Errno)
  case cannotReplace(String, Errno)
  case cannotWrite(String, Errno)
  /// A link that somebody else laid could lead to any file.
  case symbolicLink(String)
  /// A pipe of another user's.
  case foreign(String)
  /// A socket, a disk, or another device that is not the user's terminal.
  case device(String)

  package var description: String {
    switch self {
    case .cannotCreate(let path, let cause): "cannot create '\(path)': \(cause); choose another -o"
    case .cannotOpen(let path, let cause), .cannotWrite(let path, let cause): "cannot write '\(path)': \(cause)"
    case .cannotReplace(let path, let cause): "cannot put '\(path)' in its place: \(cause)"
    case .symbolicLink(let path):
      "'\(path)' has a symbolic link in its path, which is not followed; name the file itself with -o"
    case .device(let path): "'\(path)' is a device or a socket, and is not written; name a file with -o"
    case .foreign(let path): "'\(path)' is another user's, and is not written; choose another -o"
    }
  }
}
