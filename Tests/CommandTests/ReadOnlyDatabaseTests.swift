import CommandRunning
import Foundation
import ProfileModel
import Storage
import Testing

/// A database where nothing can be written. These tests need root: they mount in a mount namespace of their own.
@Suite struct ReadOnlyDatabaseTests {
  private let desk: CommandDesk

  init() throws {
    try #require(geteuid() == 0, "run as root; see 'swprof doctor'")
    desk = try CommandDesk()
    try FileManager.default.createDirectory(atPath: desk.path("db"), withIntermediateDirectories: false)
  }

  private var database: String { desk.path("db/tasks.db") }

  private func store(_ target: String) throws {
    let store = try TaskStore.open(path: database)
    let now = WallTime(nanoseconds: Int64(Date().timeIntervalSince1970 * 1e9))
    var task = ProfilingTask(
      target: target, spec: TaskSpec(kind: .onCPU(OnCPUOptions())), host: "host", kernel: "6.18", startedAt: now)
    task.id = try store.begin(task)
    task.endedAt = now
    var stacks = StackTreeBuilder()
    let root = stacks.insert([0])
    let stack = try #require(root)
    let thread = ProfiledThread(
      process: ProcessID(rawValue: 7), thread: ThreadID(rawValue: 7), processName: "app", name: "app")
    try store.finish(
      task,
      profile: Profile(
        frames: [Frame(function: "parse")], threads: [thread], stacks: stacks.tree,
        values: [Profile.Value(thread: 0, stack: stack, weight: Weight(count: 5, nanoseconds: 0))]))
  }

  /// Runs a line where the directory of the database is mounted read-only.
  private func readOnly(_ line: String) throws -> CommandResult {
    let folder = desk.path("db")
    return try desk.shell(
      "unshare -m bash -c 'mount --bind \(folder) \(folder) && mount -o remount,bind,ro \(folder) && \(line)'",
      environment: ["SWPROF_DB=\(database)"])
  }

  @Test(arguments: [
    ("report 1 --folded", "app;parse 5\n"), ("tasks list", "app (7)"), ("tasks show 1", "app (7)"),
    ("report --window 48h", "1 task of 1 target"), ("diff 1 1 --folded", "app;parse 5 5\n"),
  ])
  func `is read by every command that reads`(command: String, text: String) throws {
    try store("app (7)")

    let result = try readOnly("$SWPROF \(command)")

    #expect(result.status == 0, "\(result.errors)")
    #expect(result.output.contains(text))
    #expect(!result.errors.contains("cannot"))
  }

  /// A process that was killed leaves a log, in which the last tasks are.
  @Test func `with a log that was left over, nothing of it is missing`() throws {
    try store("first (7)")
    let copy = desk.path("copy")
    try FileManager.default.createDirectory(atPath: copy, withIntermediateDirectories: false)
    do {
      let open = try TaskStore.openReadOnly(path: database)
      try store("second (7)")
      for ending in ["", "-wal"] {
        try FileManager.default.copyItem(atPath: database + ending, toPath: copy + "/tasks.db" + ending)
      }
      _ = try open.tasks()
    }
    for ending in ["", "-wal", "-shm"] {
      try? FileManager.default.removeItem(atPath: database + ending)
      try? FileManager.default.copyItem(atPath: copy + "/tasks.db" + ending, toPath: database + ending)
    }
    try #require(FileManager.default.fileExists(atPath: database + "-wal"))

    let result = try readOnly("$SWPROF tasks list")

    #expect(result.status == 0, "\(result.errors)")
    #expect(result.output.contains("first (7)") && result.output.contains("second (7)"))
  }

  @Test(arguments: ["tasks rm 1", "tasks prune --older-than 1h"])
  func `a command that writes says so in one line`(command: String) throws {
    try store("app (7)")

    let result = try readOnly("$SWPROF \(command)")

    #expect(result.status == 77)
    #expect(result.errorLines.count == 1)
    #expect(result.errors.contains("cannot write to database '\(database)'"))
  }

  @Test func `a database of an older version is read, and stays as it is`() throws {
    let path = desk.path("db/tasks.db")
    try store("app (7)")
    // Version 4 is the version at hand without the tables of a watch, languages and labels.
    let undo = """
      import sqlite3, sys
      c = sqlite3.connect(sys.argv[1])
      c.execute("PRAGMA foreign_keys = 0")
      for table in ("cooldown", "metric_history", "trigger_log", "watch", "label_set"): c.execute(f"DROP TABLE {table}")
      for table, column in (("frame", "language"), ("thread", "labels"), ("task", "version")):
        c.execute(f"ALTER TABLE {table} DROP COLUMN {column}")
      c.execute("DELETE FROM grdb_migrations WHERE identifier > '4'")
      c.execute("PRAGMA user_version = 4")
      c.commit()
      """
    try undo.write(toFile: desk.path("undo.py"), atomically: false, encoding: .utf8)
    let undone = try desk.shell("python3 \(desk.path("undo.py")) \(path)")
    try #require(undone.status == 0, "\(undone.errors)")
    let before = try Data(contentsOf: URL(filePath: path))

    let result = try readOnly("$SWPROF tasks list")

    #expect(result.status == 0, "\(result.errors)")
    #expect(result.output.contains("app (7)"))
    #expect(try Data(contentsOf: URL(filePath: path)) == before)
  }
}
