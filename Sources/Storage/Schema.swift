import GRDB

/// The tables, their versions, and how a file is known to be ours.
///
/// `PRAGMA application_id` is "swpr"; `PRAGMA user_version` is the number of migrations that were applied. A new loss
/// or defect cause needs no new version, because readers report causes that they do not know. A new `TaskKind`,
/// `TaskStatus`, `TaskSpec.Side`, `FrameOrigin` or case within a `NetworkProfile` does.
enum Schema {
  static let applicationID: Int32 = 0x7377_7072
  static var version: Int { migrations.count }

  /// What a file is, as its header and its list of tables tell.
  enum Identity: Equatable {
    case empty
    case foreign
    case ours(version: Int)
    /// Ours, with SQL of another hand in it that would run when we read or write: a trigger, or a view for a table.
    case altered

    init(of database: Database) throws {
      let application = try Int32.fetchOne(database, sql: "PRAGMA application_id") ?? 0
      let version = try Int.fetchOne(database, sql: "PRAGMA user_version") ?? 0
      let tables = try Int.fetchOne(database, sql: "SELECT count(*) FROM sqlite_master") ?? 0
      switch application {
      case Schema.applicationID: self = try Self.isAltered(database) ? .altered : .ours(version: version)
      case 0 where tables == 0 && version == 0: self = .empty
      default: self = .foreign
      }
    }

    private static func isAltered(_ database: Database) throws -> Bool {
      let tables = Schema.tables.map { "'\($0)'" }.joined(separator: ", ")
      let sql = """
        SELECT count(*) FROM sqlite_master
        WHERE type = 'trigger' OR type = 'view' AND lower(name) IN (\(tables))
        """
      return try Int.fetchOne(database, sql: sql) ?? 0 > 0
    }
  }

  private static let tables = [
    "task", "profile", "module", "frame", "label_set", "thread", "network_profile", "cooldown", "metric_history",
    "trigger_log", "watch",
  ]

  /// Marks an empty file as ours, so that no other swprof takes half-made tables for those of another program.
  static func mark(_ database: Database) throws {
    // Pages of removed tasks are given back to the file system; this must come before the first table.
    try database.execute(sql: "PRAGMA auto_vacuum = INCREMENTAL")
    try database.execute(sql: "PRAGMA application_id = \(applicationID)")
  }

  /// Applies the migrations that are missing. Two processes may do this at once.
  static func migrate(_ queue: DatabaseQueue) throws {
    var migrator = DatabaseMigrator()
    for (index, sql) in migrations.enumerated() {
      let version = index + 1
      migrator.registerMigration("\(version)", foreignKeyChecks: .immediate) { database in
        // The migrator looks before it begins its transaction.
        guard try Int.fetchOne(database, sql: "PRAGMA user_version") ?? 0 < version else { throw AppliedMeanwhile() }
        try database.execute(sql: sql)
        try database.execute(sql: "PRAGMA user_version = \(version)")
      }
    }
    for _ in 0...migrations.count {
      do {
        return try migrator.migrate(queue)
      } catch is AppliedMeanwhile {
        continue
      }
    }
    // A version without the migrations that lead to it: no swprof leaves a database like that.
    throw StoreError.damaged(path: queue.path)
  }

  private struct AppliedMeanwhile: Error {}

  /// The SQL of each version; never changed once released. 64-bit unsigned numbers are stored by their bits.
  private static let migrations = [
    """
    CREATE TABLE task (
      id INTEGER PRIMARY KEY AUTOINCREMENT,
      kind TEXT NOT NULL,
      target TEXT NOT NULL,
      parameters TEXT NOT NULL, -- JSON object
      host TEXT NOT NULL,
      kernel TEXT NOT NULL,
      started_at INTEGER NOT NULL, -- ns since the Unix epoch
      ended_at INTEGER,
      status TEXT NOT NULL,
      error TEXT,
      ticks INTEGER NOT NULL,
      taken INTEGER NOT NULL,
      losses TEXT NOT NULL, -- JSON object, samples by cause
      defects TEXT NOT NULL, -- JSON object, samples by cause
      note TEXT,
      trigger TEXT, -- JSON document
      warnings TEXT NOT NULL, -- JSON array
      owner_pid INTEGER NOT NULL,
      owner_start_ticks INTEGER NOT NULL,
      owner_boot_id TEXT NOT NULL,
      owner_pid_namespace INTEGER NOT NULL
    ) STRICT;
    CREATE INDEX task_by_status ON task (status);

    CREATE TABLE profile (
      task INTEGER PRIMARY KEY REFERENCES task ON DELETE CASCADE,
      stacks BLOB NOT NULL -- see StackTreeCoding
    ) STRICT;

    CREATE TABLE module (
      task INTEGER NOT NULL REFERENCES task ON DELETE CASCADE,
      number INTEGER NOT NULL, -- from 0, without gaps
      path TEXT NOT NULL,
      build_id TEXT,
      PRIMARY KEY (task, number)
    ) STRICT, WITHOUT ROWID;

    CREATE TABLE frame (
      task INTEGER NOT NULL REFERENCES task ON DELETE CASCADE,
      number INTEGER NOT NULL, -- from 0, without gaps
      function TEXT NOT NULL,
      module INTEGER, -- module.number
      address INTEGER NOT NULL,
      origin INTEGER NOT NULL, -- code of FrameOrigin
      is_inlined INTEGER NOT NULL,
      source_file TEXT,
      source_line INTEGER,
      PRIMARY KEY (task, number)
    ) STRICT, WITHOUT ROWID;

    CREATE TABLE thread (
      task INTEGER NOT NULL REFERENCES task ON DELETE CASCADE,
      number INTEGER NOT NULL, -- from 0, without gaps
      pid INTEGER NOT NULL,
      tid INTEGER NOT NULL,
      process_name TEXT NOT NULL,
      name TEXT NOT NULL,
      weights BLOB NOT NULL, -- see WeightCoding
      PRIMARY KEY (task, number)
    ) STRICT, WITHOUT ROWID;
    """,
    """
    ALTER TABLE task ADD COLUMN lost_ns INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE task ADD COLUMN left_out TEXT NOT NULL DEFAULT '{}'; -- JSON object, count and ns by phase
    ALTER TABLE thread ADD COLUMN extremes BLOB; -- see ExtremesCoding; NULL where time is not measured one by one
    """,
    """
    ALTER TABLE profile ADD COLUMN timeline BLOB; -- see TimelineCoding; NULL where only sums are known
    """,
    """
    CREATE TABLE network_profile (
      task INTEGER PRIMARY KEY REFERENCES task ON DELETE CASCADE,
      document BLOB NOT NULL -- JSON, gzip; see NetworkRecord
    ) STRICT;
    """,
    """
    CREATE TABLE cooldown (
      policy TEXT NOT NULL,
      pid INTEGER NOT NULL,
      start_ticks INTEGER NOT NULL,
      boot_id TEXT NOT NULL,
      until_s INTEGER NOT NULL, -- of CLOCK_MONOTONIC of that boot
      PRIMARY KEY (policy, pid, start_ticks, boot_id)
    ) STRICT, WITHOUT ROWID;

    CREATE TABLE metric_history (
      resolution INTEGER NOT NULL, -- seconds an entry
      start INTEGER NOT NULL, -- s since the Unix epoch, of the first entry
      pid INTEGER NOT NULL,
      start_ticks INTEGER NOT NULL,
      process_name TEXT NOT NULL,
      entries BLOB NOT NULL, -- see MetricHistoryCoding
      PRIMARY KEY (resolution, start, pid, start_ticks)
    ) STRICT, WITHOUT ROWID;

    CREATE TABLE trigger_log (
      id INTEGER PRIMARY KEY,
      fired_at INTEGER NOT NULL, -- ns since the Unix epoch
      policy TEXT NOT NULL,
      pid INTEGER NOT NULL,
      process_name TEXT NOT NULL,
      outcome TEXT NOT NULL,
      reason TEXT,
      task INTEGER REFERENCES task ON DELETE SET NULL
    ) STRICT;
    CREATE INDEX trigger_log_by_time ON trigger_log (fired_at);
    CREATE INDEX trigger_log_by_task ON trigger_log (task);

    CREATE TABLE watch (
      id INTEGER PRIMARY KEY CHECK (id = 1),
      updated_at INTEGER NOT NULL, -- ns since the Unix epoch
      document TEXT NOT NULL -- JSON object, see WatchState
    ) STRICT;
    """,
    """
    ALTER TABLE frame ADD COLUMN language TEXT; -- of an interpreted function
    """,
    """
    CREATE TABLE label_set (
      task INTEGER NOT NULL REFERENCES task ON DELETE CASCADE,
      number INTEGER NOT NULL, -- from 1, without gaps
      key TEXT NOT NULL,
      value TEXT NOT NULL,
      PRIMARY KEY (task, number, key, value)
    ) STRICT, WITHOUT ROWID;
    ALTER TABLE thread ADD COLUMN labels BLOB; -- see LabelCoding; NULL where no value has labels
    """,
    """
    ALTER TABLE task ADD COLUMN version TEXT; -- of the swprof that recorded it
    """,
    """
    -- No table changes: `frame.origin` may be 6, which earlier versions do not know.
    """,
  ]
}
