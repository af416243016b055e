import GRDB
import Glibc
import LinuxSystem
import ProfileModel

extension StoreError {
  /// Gives an error that came out of GRDB, or through it, its sentence.
  init(_ error: any Error, path: String) {
    switch error {
    case let error as StoreError:
      self = error
    case let error as DatabaseError:
      self.init(
        code: error.extendedResultCode.rawValue, message: error.message ?? "SQLite error \(error.resultCode)",
        path: path)
    default:
      self = .database(path: path, message: "\(error)")
    }
  }

  /// - Parameter code: an extended result code of SQLite (https://www.sqlite.org/rescode.html).
  init(code: Int32, message: String, path: String) {
    // The index of the log takes 32 KiB, for readers too; that it cannot grow is told as an input/output error.
    if ResultCode(rawValue: code) == .SQLITE_IOERR_SHMSIZE {
      self = .diskFull(path: path)
      return
    }
    switch ResultCode(rawValue: code).primaryResultCode {
    case .SQLITE_NOTADB: self = .notADatabase(path: path)
    case .SQLITE_CORRUPT: self = .damaged(path: path)
    case .SQLITE_FULL: self = .diskFull(path: path)
    case .SQLITE_BUSY, .SQLITE_LOCKED: self = .busy(path: path)
    case .SQLITE_READONLY, .SQLITE_PERM, .SQLITE_AUTH: self = .notWritable(path: path)
    case .SQLITE_CANTOPEN: self = .cannotOpen(path: path, cause: Self.openFailure(path))
    default: self = .database(path: path, message: message)
    }
  }

  /// What the error means when nothing was to be written.
  var whileReading: StoreError {
    if case .notWritable(let path) = self { .directoryNotWritable(path: path) } else { self }
  }

  /// Whether SQLite could read the file and not make what it wants beside it.
  var isAboutIndex: Bool {
    switch self {
    case .directoryNotWritable, .notWritable: true
    case .cannotOpen(_, let cause): cause == .accessDenied
    default: false
    }
  }

  /// Why a file cannot be opened, which SQLite does not tell.
  private static func openFailure(_ path: String) -> Errno {
    // Of a database that can be read, it is the -wal or -shm file in the same directory that could not be made.
    unsafe access(path, R_OK) == 0 ? .accessDenied : .last
  }
}
