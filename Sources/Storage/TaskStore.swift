import GRDB
package import LinuxSystem
package import ProfileModel

/// The tasks of this machine with their profiles, in one SQLite database.
///
/// Several processes may use the same database; a writer waits up to 5 s for another. What a task has measured is
/// written in one transaction at its end: a process that dies loses the task that it runs, and nothing else.
package final class TaskStore: Sendable {
  let connection: StoreConnection

  private init(_ connection: StoreConnection) { self.connection = connection }

  /// Opens a database to read and write, and makes it first where there is none: file mode 0600, directories 0700.
  ///
  /// Tasks whose process is gone become `interrupted`.
  ///
  /// - Parameters:
  ///   - caller: the user with whose rights the files are made and used, and to whom they belong; nil for this process's.
  ///   - pageLimit: the number of 4 KiB pages that the file may grow to, for tests of a full disk.
  package static func open(
    path: String, as caller: InvokingUser? = nil, pageLimit: Int? = nil
  ) throws(StoreError) -> TaskStore {
    let store = TaskStore(try .writable(DatabaseFile(path: path), as: caller, pageLimit: pageLimit))
    try store.markInterrupted(seenBy: store.owner())
    return store
  }

  /// Opens a database that is there to read it. Its tasks are left as they are.
  package static func openReadOnly(path: String, as caller: InvokingUser? = nil) throws(StoreError) -> TaskStore {
    TaskStore(try .readOnly(DatabaseFile(path: path), as: caller))
  }

  // MARK: - Recording

  /// Stores a task that starts now, run by this process, and returns its id; the task's own id and status are ignored.
  package func begin(_ task: ProfilingTask) throws(StoreError) -> TaskID {
    try begin(task, owner: owner())
  }

  /// Stores a task that another process runs, or ran.
  package func begin(_ task: ProfilingTask, owner: TaskOwner) throws(StoreError) -> TaskID {
    try connection.write { try TaskRecord.insert(task, owner: owner, into: $0) }
  }

  /// Stores the end of a task with its profile: all of it or, with an error, nothing. Its status becomes `done`.
  package func finish(_ task: ProfilingTask, profile: Profile) throws(StoreError) {
    var task = task
    task.status = .done
    try connection.write { database in
      guard try TaskRecord.update(task, in: database) else { throw StoreError.noSuchTasks([task.id]) }
      try ProfileRecord.insert(profile, of: task.id, into: database)
    }
  }

  /// Stores the end of a task with what it saw of the network: all of it or, with an error, nothing. Its status becomes
  /// `done`.
  package func finish(_ task: ProfilingTask, network: NetworkProfile) throws(StoreError) {
    var task = task
    task.status = .done
    try connection.write { database in
      guard try TaskRecord.update(task, in: database) else { throw StoreError.noSuchTasks([task.id]) }
      try NetworkRecord.insert(network, of: task.id, into: database)
    }
  }

  /// Stores that a task ended without a profile.
  ///
  /// - Parameter error: why, in one sentence.
  package func fail(_ id: TaskID, error: String, endedAt: WallTime) throws(StoreError) {
    try connection.write { database in
      try database.execute(
        sql: "UPDATE task SET status = ?, error = ?, ended_at = ? WHERE id = ?",
        arguments: [TaskStatus.failed.rawValue, StoredText(error), endedAt.nanoseconds, id.rawValue])
      guard database.changesCount > 0 else { throw StoreError.noSuchTasks([id]) }
    }
  }

  // MARK: - Reading

  /// The tasks, newest first. Those whose process is gone are `interrupted`, whatever is stored.
  package func tasks(limit: Int? = nil) throws(StoreError) -> [ProfilingTask] {
    try connection.read {
      try Self.judged(try TaskRecord.fetch("ORDER BY id DESC LIMIT ?", [limit ?? -1], from: $0), $0)
    }
  }

  /// A task; an error when there is none with that id.
  package func task(_ id: TaskID) throws(StoreError) -> ProfilingTask {
    let found = try connection.read {
      try Self.judged(try TaskRecord.fetch("WHERE id = ?", [id.rawValue], from: $0), $0)
    }
    guard let task = found.first else { throw .noSuchTasks([id]) }
    return task
  }

  /// The newest task that has a profile.
  package func latest() throws(StoreError) -> ProfilingTask? {
    let condition = "WHERE status = ? ORDER BY id DESC LIMIT 1"
    return try connection.read { try TaskRecord.fetch(condition, [TaskStatus.done.rawValue], from: $0) }.first
  }

  /// The profile of a task, as it was stored, with its values in the order of threads and, within one, of stacks.
  package func profile(of id: TaskID) throws(StoreError) -> Profile {
    try connection.read { try ProfileRecord.fetch(id, from: $0) }
  }

  /// What a network task saw, as it was stored.
  package func networkProfile(of id: TaskID) throws(StoreError) -> NetworkProfile {
    try connection.read { try NetworkRecord.fetch(id, from: $0) }
  }

  // MARK: - Removing

  /// Removes tasks with their profiles; when one of them is not there, none.
  package func remove(_ ids: [TaskID]) throws(StoreError) {
    try connection.write { database in
      var missing: [TaskID] = []
      for id in Set(ids).sorted() {
        try database.execute(sql: "DELETE FROM task WHERE id = ?", arguments: [id.rawValue])
        if database.changesCount == 0 { missing.append(id) }
      }
      guard missing.isEmpty else { throw StoreError.noSuchTasks(missing) }
      try Self.giveBackPages(database)
    }
  }

  /// Removes the tasks that started before a time, except those that run, and returns their number.
  package func prune(olderThan limit: WallTime) throws(StoreError) -> Int {
    try connection.write { database in
      try database.execute(
        sql: "DELETE FROM task WHERE started_at < ? AND status <> ?",
        arguments: [limit.nanoseconds, TaskStatus.running.rawValue])
      let count = database.changesCount
      if count > 0 { try Self.giveBackPages(database) }
      return count
    }
  }

  /// Shortens the file by the pages that are free; takes effect with the next checkpoint of the log.
  static func giveBackPages(_ database: Database) throws {
    try database.execute(sql: "PRAGMA incremental_vacuum")
  }

  // MARK: - Interrupted tasks

  /// Gives the running tasks whose process is gone the status `interrupted`, and returns their ids.
  @discardableResult
  package func markInterrupted(seenBy observer: TaskOwner) throws(StoreError) -> [TaskID] {
    // Most often there is none, and no reason to wait for another writer.
    guard try connection.read({ try Self.abandoned($0, seenBy: observer) }).isEmpty == false else { return [] }
    return try connection.write { database in
      let abandoned = try Self.abandoned(database, seenBy: observer)
      for id in abandoned {
        try database.execute(
          sql: "UPDATE task SET status = ? WHERE id = ?",
          arguments: [TaskStatus.interrupted.rawValue, id.rawValue])
      }
      return abandoned
    }
  }

  private static func judged(_ tasks: [ProfilingTask], _ database: Database) throws -> [ProfilingTask] {
    // Without /proc, nobody knows who is gone.
    guard tasks.contains(where: { $0.status == .running }), let observer = try? TaskOwner.current() else {
      return tasks
    }
    let gone = Set(try abandoned(database, seenBy: observer))
    return tasks.map { task in
      guard gone.contains(task.id) else { return task }
      var task = task
      task.status = .interrupted
      return task
    }
  }

  private static func abandoned(_ database: Database, seenBy observer: TaskOwner) throws -> [TaskID] {
    try TaskRecord.running(in: database).filter { $0.owner.isGone(seenBy: observer) }.map(\.id)
  }

  func owner() throws(StoreError) -> TaskOwner {
    do { return try .current() } catch { throw .unknownOwner(path: connection.path, cause: error) }
  }
}
