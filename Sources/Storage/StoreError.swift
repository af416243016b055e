package import LinuxSystem
package import ProfileModel

/// Why the task store could not do what it was asked for.
package enum StoreError: Error, Equatable, Sendable {
  /// What an error means for the program's exit code.
  package enum Kind: Equatable, Sendable {
    case notFound
    case malformed
    /// The database was written by a newer swprof.
    case newer
    case cannotCreate
    case inputOutput
    case notPermitted
  }

  case noDatabase(path: String)
  case noSuchTasks([TaskID])
  case noProfile(TaskID)
  case newer(path: String, version: Int, known: Int)
  /// An SQLite database of another program.
  case foreign(path: String)
  case notADatabase(path: String)
  case damaged(path: String)
  /// What is stored for a task cannot be read.
  case malformedTask(TaskID, detail: String)
  /// What a watch has kept cannot be read.
  case malformed(path: String, detail: String)
  case cannotCreate(path: String, cause: Errno)
  case cannotOpen(path: String, cause: Errno)
  case notWritable(path: String)
  /// SQLite cannot make the files that it needs beside a database, even to read it.
  case directoryNotWritable(path: String)
  case diskFull(path: String)
  case busy(path: String)
  /// Whatever else SQLite reports, in its words.
  case database(path: String, message: String)
  /// This process could not find out who it is.
  case unknownOwner(path: String, cause: Errno)

  package var kind: Kind {
    switch self {
    case .noDatabase, .noSuchTasks, .noProfile: .notFound
    case .foreign, .notADatabase, .damaged, .malformedTask, .malformed: .malformed
    case .newer: .newer
    case .cannotCreate(_, let cause): cause.isRefusal ? .notPermitted : .cannotCreate
    case .cannotOpen(_, let cause), .unknownOwner(_, let cause): cause.isRefusal ? .notPermitted : .inputOutput
    case .notWritable, .directoryNotWritable: .notPermitted
    case .diskFull, .busy, .database: .inputOutput
    }
  }
}

extension StoreError: CustomStringConvertible {
  package var description: String {
    switch self {
    case .noDatabase(let path):
      "there is no database '\(path)' yet; record a task first, or name another database with --db"
    case .noSuchTasks(let ids) where ids.count == 1:
      "there is no task \(ids[0]); see 'swprof tasks list'"
    case .noSuchTasks(let ids):
      "there are no tasks \(ids.map(\.description).joined(separator: ", ")); see 'swprof tasks list'"
    case .noProfile(let id):
      "task \(id) has no profile; see 'swprof tasks show \(id)'"
    case .newer(let path, let version, let known):
      "database '\(path)' has version \(version), this swprof knows versions up to \(known); "
        + "use the newer swprof, or name another database with --db"
    case .foreign(let path):
      "'\(path)' is a database of another program; name another file with --db"
    case .notADatabase(let path):
      "'\(path)' is not a database; name another file with --db"
    case .damaged(let path):
      "database '\(path)' is damaged; move it away to start a new one, or name another with --db"
    case .malformedTask(let id, let detail):
      "task \(id) cannot be read: \(detail); remove it with 'swprof tasks rm \(id)'"
    case .malformed(let path, let detail):
      "malformed database '\(path)': \(detail); move it away to start a new one, or name another with --db"
    case .cannotCreate(let path, let cause):
      "cannot create '\(path)': \(cause); name another database with --db"
    case .cannotOpen(let path, let cause):
      "cannot open database '\(path)': \(cause)"
    case .notWritable(let path):
      "cannot write to database '\(path)': permission denied or read-only; name another database with --db"
    case .directoryNotWritable(let path):
      "cannot read database '\(path)': its directory is not writable, as its log needs; copy the file to another one"
    case .diskFull(let path):
      "no room for database '\(path)' and its log: disk full; free space, or name another database with --db"
    case .busy(let path):
      "database '\(path)' is in use by another process; try again when that is done"
    case .database(let path, let message):
      "database '\(path)': \(message)"
    case .unknownOwner(let path, let cause):
      "cannot record in '\(path)' which process runs a task: /proc: \(cause)"
    }
  }
}

extension Errno {
  fileprivate var isRefusal: Bool { self == .accessDenied || self == .notPermitted }
}
