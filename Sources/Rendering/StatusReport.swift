package import ProfileModel

/// How a watch is doing: policies by how often they started a task, and the processes that they watch.
package struct StatusReport {
  private let state: WatchState?
  private let updatedAt: WallTime?
  /// Whether the watch still runs.
  private let isRunning: Bool
  private let rows: [Row]
  private let since: WallTime

  /// What became of a policy's rules.
  private struct Row {
    var name: String
    var policy: WatchState.Policy?
    var started = 0
    var failed = 0
    var heldBack = 0
    var last: TriggerLogEntry?
  }

  /// - Parameters:
  ///   - state: what the watch has last said of itself; nil where there never was one.
  ///   - triggers: the decisions since `since`, oldest first.
  package init(
    state: (updatedAt: WallTime, state: WatchState)?, isRunning: Bool, triggers: [TriggerLogEntry], since: WallTime
  ) {
    self.state = state?.state
    updatedAt = state?.updatedAt
    self.isRunning = isRunning
    self.since = since
    var rows = (state?.state.policies ?? []).map { Row(name: $0.name, policy: $0) }
    for trigger in triggers {
      let index = rows.firstIndex { $0.name == trigger.policy } ?? rows.count
      if index == rows.count { rows.append(Row(name: trigger.policy)) }
      switch trigger.outcome {
      case .started: rows[index].started += 1
      case .failed: rows[index].failed += 1
      case .heldBack: rows[index].heldBack += 1
      }
      if trigger.outcome != .heldBack { rows[index].last = trigger }
    }
    // Most triggered first; the order of the file among equals.
    self.rows = rows.enumerated().sorted { ($1.element.started, $0.offset) < ($0.element.started, $1.offset) }
      .map(\.element)
  }

  package var text: String {
    var lines = [head, ""]
    var table = TextTable([
      .init("POLICY", limit: 40), .init("TASK"), .init("PROCESSES", isRightAligned: true),
      .init("STARTED", isRightAligned: true), .init("FAILED", isRightAligned: true),
      .init("HELD BACK", isRightAligned: true), .init("LAST TRIGGER"), .init("OF", limit: 30),
    ])
    for row in rows {
      table.add([
        row.name, row.policy?.kind.rawValue ?? "(gone)", row.policy.map { "\($0.processCount)" } ?? "",
        "\(row.started)", "\(row.failed)", "\(row.heldBack)", row.last.map { TimeText.utc($0.firedAt) } ?? "—",
        row.last.map { "\($0.processName) (\($0.process))" } ?? "",
      ])
    }
    lines += table.lines
    lines += processLines + lossLines
    return lines.map { $0 + "\n" }.joined()
  }

  private var head: String {
    guard let state, let updatedAt else { return "no watch has kept its state in this database" }
    let running = state.runningTasks == 1 ? "1 task records" : "\(state.runningTasks) tasks record"
    return isRunning
      ? "watching as process \(state.pid) since \(TimeText.utc(state.startedAt)) by \(DisplayText.visible(state.policyFile)); \(running) now"
      : "no watch runs; the last one was seen at \(TimeText.utc(updatedAt)), by \(DisplayText.visible(state.policyFile))"
  }

  private var processLines: [String] {
    guard isRunning, rows.contains(where: { $0.policy?.processes.isEmpty == false }) else { return [] }
    var table = TextTable([
      .init("POLICY", limit: 40), .init("PID", isRightAligned: true), .init("NAME"),
      .init("CPU %", isRightAligned: true),
      .init("THREADS", isRightAligned: true), .init("MIB", isRightAligned: true),
      .init("COOLDOWN", isRightAligned: true),
    ])
    for policy in rows.compactMap(\.policy) {
      for process in policy.processes {
        table.add([
          policy.name, "\(process.pid)", process.name, Self.number(process.cpu, 1), Self.number(process.threads, 0),
          Self.number(process.residentMiB, 1),
          process.cooldownSeconds.map { TimeText.duration(nanoseconds: UInt64(max(0, $0)) * 1_000_000_000) } ?? "—",
        ])
      }
      let hidden = policy.processCount - policy.processes.count
      if hidden > 0 { table.add([policy.name, "", "and \(hidden) more", "", "", "", ""]) }
    }
    return [""] + table.lines
  }

  /// What rules about requests have not counted.
  private var lossLines: [String] {
    let losses = NetworkLoss.allCases.compactMap { loss -> String? in
      guard let count = state?.requestLosses?[loss], count > 0 else { return nil }
      return "  \(NumberText.grouped(count)) \(loss.explanation)"
    }
    return losses.isEmpty ? [] : ["", "not counted by rules about requests:"] + losses
  }

  private static func number(_ value: Double?, _ digits: Int) -> String {
    value.flatMap { NumberText.decimal($0, digits: digits) } ?? "—"
  }

  package var json: String {
    var writer = JSONWriter()
    writer.document(schema: "swprof.status", version: 1) { writer in
      writer.key("running")
      writer.bool(isRunning)
      writer.key("pid")
      if let state { writer.integer(state.pid.rawValue) } else { writer.null() }
      writer.key("policy_file")
      writer.string(state?.policyFile)
      writer.key("updated_at_unix_ns")
      if let updatedAt { writer.integer(updatedAt.nanoseconds) } else { writer.null() }
      writer.key("since_unix_ns")
      writer.integer(since.nanoseconds)
      writer.key("running_tasks")
      writer.integer(state?.runningTasks ?? 0)
      writer.key("request_losses")
      if let losses = state?.requestLosses {
        // Every cause, also the ones at zero: a reader must not wonder whether a cause was counted.
        writer.object { writer in
          for loss in NetworkLoss.allCases {
            writer.key(loss.rawValue)
            writer.integer(losses[loss] ?? 0)
          }
        }
      } else {
        writer.null()
      }
      writer.key("policies")
      writer.array { writer in
        for row in rows { Self.write(row, to: &writer) }
      }
    }
    return writer.text + "\n"
  }

  private static func write(_ row: Row, to writer: inout JSONWriter) {
    writer.object { writer in
      writer.key("name")
      writer.string(row.name)
      writer.key("kind")
      writer.string(row.policy?.kind.rawValue)
      writer.key("rules")
      writer.strings(row.policy?.rules ?? [])
      for (key, number) in [("started", row.started), ("failed", row.failed), ("held_back", row.heldBack)] {
        writer.key(key)
        writer.integer(number)
      }
      writer.key("last_trigger_unix_ns")
      if let last = row.last { writer.integer(last.firedAt.nanoseconds) } else { writer.null() }
      writer.key("process_count")
      writer.integer(row.policy?.processCount ?? 0)
      writer.key("processes")
      writer.array { writer in
        for process in row.policy?.processes ?? [] { write(process, to: &writer) }
      }
    }
  }

  private static func write(_ process: WatchState.Process, to writer: inout JSONWriter) {
    writer.object(isInline: true) { writer in
      writer.key("pid")
      writer.integer(process.pid.rawValue)
      writer.key("name")
      writer.string(process.name)
      for (key, value) in [
        ("cpu_percent", process.cpu), ("threads", process.threads), ("resident_mib", process.residentMiB),
      ] {
        writer.key(key)
        if let value { writer.decimal(value, digits: 1) } else { writer.null() }
      }
      writer.key("cooldown_s")
      if let seconds = process.cooldownSeconds { writer.integer(seconds) } else { writer.null() }
    }
  }
}
