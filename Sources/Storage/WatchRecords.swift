import FoundationEssentials
import GRDB
package import ProfileModel

/// What `watch` keeps beside tasks: cooldowns, decisions, the history of values, and how it is doing.
extension TaskStore {
  // MARK: - Cooldowns

  /// Keeps cooldowns of this boot, and forgets those that are over and those of other boots.
  ///
  /// - Parameter now: in s of the monotonic clock.
  package func keep(_ cooldowns: [Cooldown], now: Int) throws(StoreError) {
    let boot = try bootID()
    try connection.write { database in
      try database.execute(sql: "DELETE FROM cooldown WHERE boot_id <> ? OR until_s <= ?", arguments: [boot, now])
      for cooldown in cooldowns {
        try database.execute(
          sql: "INSERT OR REPLACE INTO cooldown (policy, pid, start_ticks, boot_id, until_s) VALUES (?, ?, ?, ?, ?)",
          arguments: [
            cooldown.policy, cooldown.process.process.rawValue, Int64(bitPattern: cooldown.process.startTicks), boot,
            cooldown.until,
          ])
      }
    }
  }

  package func removeCooldown(_ cooldown: Cooldown) throws(StoreError) {
    try connection.write { database in
      try database.execute(
        sql: "DELETE FROM cooldown WHERE policy = ? AND pid = ? AND start_ticks = ?",
        arguments: [
          cooldown.policy, cooldown.process.process.rawValue, Int64(bitPattern: cooldown.process.startTicks),
        ])
    }
  }

  /// The cooldowns of this boot.
  package func cooldowns() throws(StoreError) -> [Cooldown] {
    let boot = try bootID()
    return try connection.read { database in
      try Row.fetchAll(
        database, sql: "SELECT policy, pid, start_ticks, until_s FROM cooldown WHERE boot_id = ?", arguments: [boot]
      ).compactMap { row in
        var reader = RowReader(row)
        // A row that cannot be read mutes nothing.
        return try? Cooldown(
          policy: reader.text(),
          process: ProcessKey(process: ProcessID(rawValue: reader.integer()), startTicks: reader.bits()),
          until: reader.integer { (second: Int) in (0...1 << 40).contains(second) ? second : nil })
      }
    }
  }

  // MARK: - Decisions

  package func log(_ entries: [TriggerLogEntry]) throws(StoreError) {
    try connection.write { database in
      for entry in entries {
        try database.execute(
          sql: """
            INSERT INTO trigger_log (fired_at, policy, pid, process_name, outcome, reason, task)
            VALUES (?, ?, ?, ?, ?, ?, ?)
            """,
          arguments: [
            entry.firedAt.nanoseconds, StoredText(entry.policy), entry.process.rawValue, StoredText(entry.processName),
            entry.outcome.rawValue, StoredText(entry.reason), entry.task?.rawValue,
          ])
      }
    }
  }

  /// The decisions since a time, oldest first.
  package func triggers(since: WallTime) throws(StoreError) -> [TriggerLogEntry] {
    try connection.read { database in
      let sql = """
        SELECT fired_at, policy, pid, process_name, outcome, reason, task FROM trigger_log WHERE fired_at >= ?
        ORDER BY fired_at, id
        """
      return try Row.fetchAll(database, sql: sql, arguments: [since.nanoseconds]).map { row in
        var reader = RowReader(row)
        do {
          return try TriggerLogEntry(
            firedAt: reader.time(), policy: reader.text(), process: ProcessID(rawValue: reader.integer()),
            processName: reader.text(), outcome: reader.text(TriggerLogEntry.Outcome.init),
            reason: reader.optionalText(), task: reader.optionalInteger().map(TaskID.init(rawValue:)))
        } catch let error as RowReader.Malformed { throw malformed("a decision of a watch", error) }
      }
    }
  }

  // MARK: - History

  package func append(_ histories: [MetricHistory]) throws(StoreError) {
    try connection.write { database in
      let statement = try database.makeStatement(
        sql: """
          INSERT OR REPLACE INTO metric_history (resolution, start, pid, start_ticks, process_name, entries)
          VALUES (?, ?, ?, ?, ?, ?)
          """)
      for history in histories {
        try statement.execute(arguments: [
          history.resolution, history.start, history.process.process.rawValue,
          Int64(bitPattern: history.process.startTicks), StoredText(history.processName),
          Data(MetricHistoryCoding.encode(history.entries)),
        ])
      }
    }
  }

  /// What was measured of all processes that had a number, in the order of time.
  package func history(of process: ProcessID, since: WallTime) throws(StoreError) -> [MetricHistory] {
    let earliest = since.nanoseconds / 1_000_000_000
    return try connection.read { database in
      let sql = """
        SELECT resolution, start, start_ticks, process_name, entries FROM metric_history
        WHERE pid = ? AND start >= ? - resolution * \(MetricHistoryCoding.entryLimit) ORDER BY start, resolution
        """
      return try Row.fetchAll(database, sql: sql, arguments: [process.rawValue, earliest]).map { row in
        var reader = RowReader(row)
        do {
          let resolution = try reader.integer { (seconds: Int) in Self.resolutions.contains(seconds) ? seconds : nil }
          let start = try reader.integer { (second: Int64) in second.magnitude < 1 << 32 ? second : nil }
          return try MetricHistory(
            process: ProcessKey(process: process, startTicks: reader.bits()), processName: reader.text(),
            resolution: resolution, start: start, entries: MetricHistoryCoding.decode(reader.bytes()))
        } catch let error as RowReader.Malformed {
          throw malformed("values of process \(process)", error)
        } catch let error as VarintReader.Malformed {
          throw StoreError.malformed(
            path: connection.path, detail: "values of process \(process) are damaged at byte \(error.position)")
        }
      }
    }
  }

  /// The seconds that an entry of a history may stand for.
  private static let resolutions = 1...60

  private func malformed(_ what: String, _ error: RowReader.Malformed) -> StoreError {
    .malformed(path: connection.path, detail: "\(what): column '\(error.column)' has a value that cannot be")
  }

  // MARK: - State

  /// Keeps how the watch is doing: one JSON object, over the one before.
  package func keepWatchState(_ document: String, at time: WallTime) throws(StoreError) {
    try connection.write { database in
      try database.execute(
        sql: "INSERT OR REPLACE INTO watch (id, updated_at, document) VALUES (1, ?, ?)",
        arguments: [time.nanoseconds, document])
    }
  }

  /// How the watch was doing last; nil where there never was one.
  package func watchState() throws(StoreError) -> (updatedAt: WallTime, state: WatchState)? {
    try connection.read { (database) -> (updatedAt: WallTime, state: WatchState)? in
      guard let row = try Row.fetchOne(database, sql: "SELECT updated_at, document FROM watch WHERE id = 1") else {
        return nil
      }
      var reader = RowReader(row)
      do {
        return (try reader.time(), try reader.watchState())
      } catch let error as RowReader.Malformed { throw malformed("the state of the last watch", error) }
    }
  }

  // MARK: - Bounds

  /// What may be kept for how long.
  package struct Retention: Sendable {
    /// Tasks that a policy has started, decisions, and the coarse history, in s.
    package var seconds: Int
    /// The history of one second, in s.
    package var fineHistorySeconds = 3600
    /// The coarse history, in s.
    package var coarseHistorySeconds = 48 * 3600
    /// Of the file, without the pages that are free; nil for no bound.
    package var maximumBytes: Int64?

    package init(seconds: Int, maximumBytes: Int64?) {
      self.seconds = seconds
      self.maximumBytes = maximumBytes
    }
  }

  /// Removes what is older than it may be and, where the file is larger than it may be, the oldest tasks that do not run.
  ///
  /// Tasks that a person has started are removed by the bound of the file's size alone.
  ///
  /// - Returns: how many tasks were removed.
  @discardableResult
  package func keepWithin(_ retention: Retention, now: WallTime) throws(StoreError) -> Int {
    try connection.write { database in
      let seconds = now.nanoseconds / 1_000_000_000
      try database.execute(
        sql: "DELETE FROM task WHERE started_at < ? AND trigger IS NOT NULL AND status <> ?",
        arguments: [now.nanoseconds - Int64(retention.seconds) * 1_000_000_000, TaskStatus.running.rawValue])
      var count = database.changesCount
      try database.execute(
        sql: "DELETE FROM trigger_log WHERE fired_at < ?",
        arguments: [now.nanoseconds - Int64(retention.seconds) * 1_000_000_000])
      for (resolution, age) in [(1, retention.fineHistorySeconds), (10, retention.coarseHistorySeconds)] {
        try database.execute(
          sql: "DELETE FROM metric_history WHERE resolution = ? AND start < ?",
          arguments: [resolution, seconds - Int64(age)])
      }
      if let bound = retention.maximumBytes {
        while try Self.usedBytes(database) > bound {
          try database.execute(
            sql: "DELETE FROM task WHERE id = (SELECT min(id) FROM task WHERE status <> ?)",
            arguments: [TaskStatus.running.rawValue])
          guard database.changesCount > 0 else { break }
          count += 1
        }
      }
      try Self.giveBackPages(database)
      return count
    }
  }

  private static func usedBytes(_ database: Database) throws -> Int64 {
    func number(_ name: String) throws -> Int64 { try Int64.fetchOne(database, sql: "PRAGMA \(name)") ?? 0 }
    return (try number("page_count") - number("freelist_count")) * (try number("page_size"))
  }

  private func bootID() throws(StoreError) -> String { try owner().bootID }
}

extension RowReader {
  fileprivate mutating func watchState() throws(Malformed) -> WatchState {
    try text { document in
      let state = try? JSONDecoder().decode(WatchState.self, from: Data(document.utf8))
      return state.flatMap { $0.isConsistent ? $0 : nil }
    }
  }
}
