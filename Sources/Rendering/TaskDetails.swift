package import ProfileModel

/// Everything about one task but its profile, for `tasks show`.
package enum TaskDetails {
  package static func render(_ task: ProfilingTask) -> String {
    let description = TaskDescription(task: task)
    var lines: [(String, String)] = []
    if task.id.rawValue != 0 { lines.append(("id", task.id.description)) }
    lines += [("kind", task.kind.rawValue), ("target", task.target), ("status", task.status.rawValue)]
    if let error = task.error { lines.append(("error", error)) }
    lines += [
      ("host", task.host), ("kernel", task.kernel), ("started", TimeText.utc(task.startedAt)),
      ("ended", task.endedAt.map(TimeText.utc) ?? "—"), ("duration", description.duration),
      ("capture", description.capture),
      (task.kind.words.total, NumberText.grouped(task.account.ticks)),
      (task.kind.unit, description.samples),
    ]
    if let version = task.version { lines.append(("swprof", version)) }
    if let seed = task.jitterSeed { lines.append(("jitter", "drawn by seed \(seed)")) }
    if let kept = description.keptRequests { lines.append(("kept", kept)) }
    lines += description.losses.map { ("lost", $0) }
    lines += description.leftOut.map { ("left out", $0) }
    lines += description.defects.map { ("defect", $0) }
    lines += trigger(task.trigger)
    if let note = task.note { lines.append(("note", note)) }
    lines += ([description.imbalance].compactMap(\.self) + task.warnings).map { ("warning", $0) }
    let width = 2 + (lines.map(\.0.count).max() ?? 0)
    return lines.map { name, text in
      DisplayText.padded(name, to: width) + DisplayText.visible(text) + "\n"
    }.joined()
  }

  private static func trigger(_ json: String?) -> [(String, String)] {
    guard let trigger = TriggerReport.trigger(json) else { return [("trigger", json ?? "—")] }
    let values = trigger.values.map { value in
      value.flatMap { NumberText.decimal($0, digits: 1) }.map { ($0, trigger.matches(value ?? .nan)) }
        .map { $1 ? "*\($0)" : $0 } ?? "-"
    }
    return [
      ("trigger", TriggerReport.sentence(trigger)),
      ("values", values.joined(separator: " ") + (trigger.unit.isEmpty ? "" : " \(trigger.unit)")),
    ]
  }
}
