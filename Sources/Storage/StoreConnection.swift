import GRDB
import Glibc
import LinuxSystem
import ProfileModel

/// A connection to a database that is known to be ours and of a version that we know.
struct StoreConnection {
  let path: String
  private let file: OpenDatabase
  private var queue: DatabaseQueue { file.queue }
  /// With whose rights SQLite opens files: some, as the log, only when they are needed.
  private let caller: InvokingUser?
  /// Set where writers are not kept out, and are looked for after each read.
  private var frozen: FrozenDatabase?

  /// How a file is opened.
  private enum Access {
    case writable(pageLimit: Int?)
    case readOnly
    case frozen(FrozenDatabase)
  }

  /// How long a statement waits for another process that writes.
  private static let busySeconds = 5.0

  /// Opens a database to read and write; makes it, or brings it to our version, where that is needed.
  static func writable(
    _ file: DatabaseFile, as caller: InvokingUser?, pageLimit: Int?
  ) throws(StoreError) -> StoreConnection {
    try perform(as: caller) { () throws(StoreError) in
      try file.createIfMissing()
      // A connection that may write may also change a file that is not ours, if only to clean up its log.
      if case .frozen = try examined(file).access { throw .notWritable(path: file.path) }
      let connection = try open(file, as: caller, .writable(pageLimit: pageLimit))
      do {
        try connection.prepare()
      } catch {
        throw StoreError(error, path: file.path)
      }
      return connection
    }
  }

  /// Opens a database to read it; one that is not there, or empty, is an error.
  static func readOnly(_ file: DatabaseFile, as caller: InvokingUser?) throws(StoreError) -> StoreConnection {
    try perform(as: caller) { () throws(StoreError) in
      guard try file.isPresent() else { throw .noDatabase(path: file.path) }
      let (identity, access) = try examined(file)
      let connection = try open(file, as: caller, access)
      switch identity {
      case .empty: throw .noDatabase(path: file.path)
      case .ours(let version) where version < Schema.version:
        if case .frozen = access { return try connection.migratedCopy() }
        _ = try writable(file, as: nil, pageLimit: nil)
      case .ours, .foreign, .altered: break
      }
      return connection
    }
  }

  /// The database in memory, brought to our version, where its file must stay as it is.
  private func migratedCopy() throws(StoreError) -> StoreConnection {
    do {
      let copy = try DatabaseQueue()
      try queue.backup(to: copy)
      try Schema.migrate(copy)
      try copy.writeWithoutTransaction { try $0.execute(sql: "PRAGMA query_only = 1") }
      if frozen?.hasChanged == true { throw StoreError.busy(path: path) }
      return StoreConnection(path: path, file: OpenDatabase(copy), caller: caller)
    } catch { throw StoreError(error, path: path).whileReading }
  }

  private static func perform<Value>(
    as caller: InvokingUser?, _ body: () throws(StoreError) -> Value
  ) throws(StoreError) -> Value {
    guard let caller else { return try body() }
    return try caller.perform(body)
  }

  func read<Value>(_ body: (Database) throws -> Value) throws(StoreError) -> Value {
    try Self.perform(as: caller) { () throws(StoreError) in
      do {
        let value = try queue.read(body)
        if frozen?.hasChanged == true { throw StoreError.busy(path: path) }
        return value
      } catch {
        // Pages that a writer moves look like damage.
        if frozen?.hasChanged == true { throw .busy(path: path) }
        throw StoreError(error, path: path).whileReading
      }
    }
  }

  /// Runs a transaction that excludes other writers from its start; an error undoes it.
  func write<Value>(_ body: (Database) throws -> Value) throws(StoreError) -> Value {
    try Self.perform(as: caller) { () throws(StoreError) in
      do { return try queue.write(body) } catch { throw StoreError(error, path: path) }
    }
  }

  /// What the file is, and how it can be read. Changes nothing; a foreign or newer database is an error.
  private static func examined(_ file: DatabaseFile) throws(StoreError) -> (identity: Schema.Identity, access: Access) {
    do {
      return (try identity(file, .readOnly), .readOnly)
    } catch {
      // SQLite wants its index, which it cannot make here.
      guard error.isAboutIndex else { throw error }
      let frozen = FrozenDatabase(path: file.path)
      do { return (try identity(file, .frozen(frozen)), .frozen(frozen)) } catch let second {
        throw second.isAboutIndex ? error : second
      }
    }
  }

  private static func identity(_ file: DatabaseFile, _ access: Access) throws(StoreError) -> Schema.Identity {
    let identity = try open(file, as: nil, access).read { try Schema.Identity(of: $0) }
    switch identity {
    case .foreign: throw .foreign(path: file.path)
    case .altered:
      throw .malformed(path: file.path, detail: "it has a trigger, or a view for a table, and no swprof makes those")
    case .ours(let version) where version > Schema.version:
      throw .newer(path: file.path, version: version, known: Schema.version)
    case .ours, .empty: return identity
    }
  }

  private static func open(
    _ file: DatabaseFile, as caller: InvokingUser?, _ access: Access
  ) throws(StoreError) -> StoreConnection {
    var configuration = Configuration()
    var path = file.path
    var pageLimit: Int?
    var frozen: FrozenDatabase?
    switch access {
    case .writable(let limit): pageLimit = limit
    case .readOnly: configuration.readonly = true
    case .frozen(let database):
      configuration.readonly = true
      (path, frozen) = (database.uri, database)
    }
    let keepsIndexInMemory = frozen?.hasLog ?? false
    configuration.busyMode = .timeout(busySeconds)
    configuration.foreignKeysEnabled = true
    configuration.prepareDatabase { [pageLimit] database in
      if keepsIndexInMemory { try database.execute(sql: "PRAGMA locking_mode = EXCLUSIVE") }
      // Of a crash of the machine, the log may lose its last transactions, but never half of one.
      try database.execute(sql: "PRAGMA synchronous = NORMAL")
      if let pageLimit { try database.execute(sql: "PRAGMA max_page_count = \(pageLimit)") }
    }
    do {
      let queue = try DatabaseQueue(path: path, configuration: configuration)
      return StoreConnection(path: file.path, file: OpenDatabase(queue), caller: caller, frozen: frozen)
    } catch {
      throw StoreError(error, path: file.path).whileReading
    }
  }

  private func prepare() throws {
    try retryingWhileBusy {
      try queue.writeWithoutTransaction { database in
        if try Schema.Identity(of: database) == .empty { try Schema.mark(database) }
        try database.execute(sql: "PRAGMA journal_mode = WAL")
      }
      try Schema.migrate(queue)
    }
  }

  /// SQLite does not wait for another process that changes the journal mode at the same time.
  private func retryingWhileBusy(_ body: () throws -> Void) throws {
    let deadline = Clock.monotonic.nanoseconds + UInt64(Self.busySeconds * 1e9)
    while true {
      do {
        return try body()
      } catch let error as DatabaseError
        where error.resultCode == .SQLITE_BUSY && Clock.monotonic.nanoseconds < deadline
      {
        usleep(10_000)
      }
    }
  }
}
