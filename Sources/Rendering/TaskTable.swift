package import ProfileModel

/// Tasks as a table, for `tasks list`.
package enum TaskTable {
  /// A heading and a line for each task, in the given order.
  package static func render(_ tasks: [ProfilingTask]) -> String {
    var table = TextTable([
      .init("ID", isRightAligned: true), .init("KIND"), .init("TARGET", limit: 40), .init("START"),
      .init("DURATION", isRightAligned: true), .init("SAMPLES", isRightAligned: true),
      .init("LOST", isRightAligned: true), .init("STATUS"), .init("TRIGGER", limit: 40),
    ])
    for task in tasks {
      table.add([
        task.id.description, task.kind.rawValue, task.target, TimeText.utc(task.startedAt),
        task.elapsedNanoseconds.map(TimeText.duration(nanoseconds:)) ?? "—",
        NumberText.grouped(task.account.taken), NumberText.grouped(task.account.lost), task.status.rawValue,
        task.trigger.map { json in TriggerReport.trigger(json).map { "\($0.policy): \($0.metric)" } ?? json } ?? "—",
      ])
    }
    return table.lines.map { $0 + "\n" }.joined()
  }
}
