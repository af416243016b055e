package import ProfileModel

/// The tasks of some hours: who was profiled how often and why, when, and what came out.
package struct WindowReport {
  private let tasks: [ProfilingTask]
  private let window: Range<WallTime>

  /// What tasks were about, with how often they were triggered.
  private struct Target {
    let name: String
    var taskCount = 0
    var triggerCount = 0
    var lastTrigger: WallTime?
    var causes: Set<String> = []
  }

  /// A page of this size opens everywhere; what has no room is said.
  private static let byteLimit = 2_000_000

  /// - Parameters:
  ///   - tasks: those that started in the window, the newest first.
  ///   - window: up to now.
  package init(tasks: [ProfilingTask], window: Range<WallTime>) {
    self.tasks = tasks
    self.window = window
  }

  private var length: String {
    TimeText.duration(nanoseconds: UInt64(max(0, window.upperBound.nanoseconds - window.lowerBound.nanoseconds)))
  }

  private var verdict: String {
    let triggered = tasks.count { $0.trigger != nil }
    return
      "\(count(tasks.count, "task")) of \(count(targets.count, "target")) in the last \(length), \(triggered) of them"
      + " started by a rule"
  }

  private func count(_ number: Int, _ noun: String) -> String { "\(number) \(noun)\(number == 1 ? "" : "s")" }

  /// By number of triggers, then of tasks.
  private var targets: [Target] {
    var byName: [String: Target] = [:]
    for task in tasks {
      let trigger = TriggerReport.trigger(task.trigger)
      let name = trigger.map { "\($0.processName) (\($0.process))" } ?? task.target
      var target = byName[name] ?? Target(name: name)
      target.taskCount += 1
      if task.trigger != nil {
        target.triggerCount += 1
        target.lastTrigger = max(target.lastTrigger ?? task.startedAt, task.startedAt)
        target.causes.insert(trigger.map { "\($0.policy): \($0.metric)" } ?? "unknown")
      }
      byName[name] = target
    }
    return byName.values.sorted { left, right in
      if left.triggerCount != right.triggerCount { return left.triggerCount > right.triggerCount }
      return left.taskCount != right.taskCount ? left.taskCount > right.taskCount : left.name < right.name
    }
  }

  // MARK: - Text

  /// The same for a terminal, without profiles.
  package var text: String {
    var lines = [verdict, ""]
    if !tasks.isEmpty {
      lines.append("TRIGGERS  TASKS  LAST TRIGGER          TARGET")
      lines += targets.map { target in
        let last = target.lastTrigger.map(TimeText.utc) ?? "-"
        return DisplayText.padded("\(target.triggerCount)", to: 8, isRightAligned: true)
          + DisplayText.padded("\(target.taskCount)", to: 7, isRightAligned: true) + "  "
          + DisplayText.padded(last, to: 20) + "  " + DisplayText.visible(target.name)
      }
      lines.append("")
    }
    return lines.map { $0 + "\n" }.joined() + (tasks.isEmpty ? "" : TaskTable.render(tasks))
  }

  // MARK: - Page

  /// What came out of a task.
  package enum Outcome {
    case profile(Profile)
    case network(NetworkProfile)
  }

  /// - Parameter outcome: of a task; nil where it has none. Asked for the triggered tasks first, then for the newest.
  package func html(outcome: (ProfilingTask) throws -> Outcome?) rethrows -> String {
    let (details, leftOut) = try sections(outcome)
    let body = [
      "<h1>\(HTML.text(verdict))</h1>",
      "<p class=\"quiet\">\(TimeText.utc(window.lowerBound)) to \(TimeText.utc(window.upperBound))</p>",
      HTML.section("Targets", id: "targets", tasks.isEmpty ? "<p>No task started in this time.</p>" : targetTable),
      HTML.section("Tasks over time", id: "timeline", tasks.isEmpty ? "" : timeline),
      HTML.section("What rules saw", id: "metrics", metrics),
      HTML.section("Tasks", id: "tasks", tasks.isEmpty ? "" : taskTable),
      details,
      leftOut == 0
        ? "" : "<p>\(count(leftOut, "task")) had no room here; <code>swprof report ID --html</code> shows one.</p>",
    ].filter { !$0.isEmpty }.joined(separator: "\n")
    return HTMLDocument(
      title: "swprof: \(verdict)", body: body, style: WebFile.pageStyle,
      innerStyles: [FlameStyle.pageSheet(.onCPU), FlameStyle.pageSheet(.offCPU), WebFile.networkMapStyle]
    ).text
  }

  private func table(_ head: [String], _ rows: [[String]]) -> String {
    let head = "<tr>" + head.map { "<th>\(HTML.text($0))</th>" }.joined() + "</tr>"
    let rows = rows.map { "<tr>" + $0.map { "<td>\($0)</td>" }.joined() + "</tr>\n" }
    return "<div class=\"scroll\"><table>\n<thead>\(head)</thead>\n<tbody>\n\(rows.joined())</tbody>\n</table></div>"
  }

  private var targetTable: String {
    table(
      ["triggers", "tasks", "last trigger", "rules", "target"],
      targets.map { target in
        [
          "\(target.triggerCount)", "\(target.taskCount)", target.lastTrigger.map(TimeText.utc) ?? "-",
          HTML.text(target.causes.sorted().joined(separator: ", ")), HTML.text(target.name),
        ]
      })
  }

  private var taskTable: String {
    table(
      ["task", "kind", "start", "duration", "samples", "lost", "cause", "target"],
      tasks.map { task in
        [
          link(task), task.kind.rawValue, TimeText.utc(task.startedAt),
          task.elapsedNanoseconds.map(TimeText.duration(nanoseconds:)) ?? task.status.rawValue,
          NumberText.grouped(task.account.taken), NumberText.grouped(task.account.lost), HTML.text(cause(task)),
          HTML.text(task.target),
        ]
      })
  }

  private func link(_ task: ProfilingTask) -> String { "<a href=\"#task-\(task.id)\">\(task.id)</a>" }

  private func cause(_ task: ProfilingTask) -> String {
    guard let json = task.trigger else { return "by hand" }
    guard let trigger = TriggerReport.trigger(json) else { return "by a rule" }
    return "\(trigger.policy): \(trigger.metric)"
  }

  /// A lane for each kind, a bar for each task, as wide as it was long.
  private var timeline: String {
    let kinds = TaskKind.allCases.filter { kind in tasks.contains { $0.kind == kind } }
    let (width, lane) = (900.0, 24)
    var marks: [String] = []
    for (row, kind) in kinds.enumerated() {
      let y = 4 + row * lane
      marks.append("<text x=\"0\" y=\"\(y + 13)\">\(kind.rawValue)</text>")
      for task in tasks where task.kind == kind {
        let start = place(task.startedAt) * (width - 70) + 70
        let end = task.endedAt.map { place($0) * (width - 70) + 70 } ?? start
        let title = "task \(task.id), \(kind.rawValue), \(task.target), \(TimeText.utc(task.startedAt)), \(cause(task))"
        marks.append(
          "<a href=\"#task-\(task.id)\"><rect class=\"\(kind.words.chartClass)\" x=\"\(number(start))\" y=\"\(y)\""
            + " width=\"\(number(max(3, end - start)))\" height=\"16\"><title>\(HTML.text(title))</title></rect></a>")
      }
    }
    let bottom = 8 + kinds.count * lane
    for step in 0...6 {
      let x = number(70 + (width - 70) * Double(step) / 6)
      let moment = WallTime(
        nanoseconds: window.lowerBound.nanoseconds
          + (window.upperBound.nanoseconds - window.lowerBound.nanoseconds) / 6 * Int64(step))
      marks.append("<line class=\"axis\" x1=\"\(x)\" x2=\"\(x)\" y1=\"0\" y2=\"\(bottom)\"/>")
      let anchor = step == 6 ? "end" : step == 0 ? "start" : "middle"
      marks.append(
        "<text x=\"\(x)\" y=\"\(bottom + 12)\" text-anchor=\"\(anchor)\">\(TimeText.utc(moment).dropFirst(5).prefix(11))</text>"
      )
    }
    return
      "<svg class=\"chart\" viewBox=\"0 0 \(Int(width)) \(bottom + 18)\" role=\"img\" aria-label=\"tasks over time\">\n"
      + marks.joined(separator: "\n") + "\n</svg>"
  }

  /// Where a moment lies in the window, from 0 to 1.
  private func place(_ time: WallTime) -> Double {
    let whole = Double(window.upperBound.nanoseconds - window.lowerBound.nanoseconds)
    return min(1, max(0, Double(time.nanoseconds - window.lowerBound.nanoseconds) / max(1, whole)))
  }

  private func number(_ value: Double) -> String { NumberText.decimal(value, digits: 1) ?? "0.0" }

  /// The values of each trigger, with the threshold, by process and metric.
  private var metrics: String {
    let triggers = tasks.compactMap { task in TriggerReport.trigger(task.trigger).map { (task, $0) } }
    return triggers.prefix(40).map { task, trigger in
      "<p>\(link(task)): \(HTML.text(TriggerReport.sentence(trigger)))</p>\n" + TriggerReport.chart(trigger)
    }.joined(separator: "\n")
  }

  /// What came out of tasks, as many as there is room for.
  private func sections(_ outcome: (ProfilingTask) throws -> Outcome?) rethrows -> (text: String, leftOut: Int) {
    var text: [String] = []
    var bytes = 0
    var leftOut = 0
    let ranked = tasks.filter { $0.trigger != nil } + tasks.filter { $0.trigger == nil }
    for task in ranked {
      guard bytes < Self.byteLimit * 3 / 4, let outcome = try outcome(task) else {
        if task.status == .done { leftOut += 1 }
        continue
      }
      let (summary, drawing) = Self.parts(task, outcome)
      let section =
        "<section id=\"task-\(task.id)\">\n<h2>Task \(task.id): \(task.kind.rawValue), \(HTML.text(task.target))</h2>\n"
        + "<p class=\"quiet\">\(TimeText.utc(task.startedAt)), \(HTML.text(cause(task)))</p>\n"
        + "<pre>\(HTML.preformatted(summary))</pre>\n\(drawing)\n</section>"
      guard bytes + section.utf8.count < Self.byteLimit * 3 / 4 else {
        leftOut += 1
        continue
      }
      bytes += section.utf8.count
      text.append(section)
    }
    return (text.joined(separator: "\n"), leftOut)
  }

  /// What a terminal would show of a task, and a picture.
  private static func parts(_ task: ProfilingTask, _ outcome: Outcome) -> (summary: String, drawing: String) {
    switch outcome {
    case .network(let profile):
      let map = NetworkMap.picture(task, profile, title: task.target)
      return (
        NetworkSummary.render(task: task, profile: profile, isColored: false),
        profile.edges.isEmpty ? "" : "<style>\(WebFile.networkMapStyle)</style>\n<div class=\"map\">\(map)</div>"
      )
    case .profile(let profile):
      let isOffCPU = task.kind == .offCPU
      let measure: WeightMeasure = isOffCPU ? .microseconds : .count
      let graph = SVG.still(
        profile, title: task.target, unit: isOffCPU ? "microseconds" : task.kind.unit,
        palette: isOffCPU ? .offCPU : .onCPU, root: .process, measure: measure, minimumPerMille: 5)
      return (
        TopReport.render(task: task, profile: profile, measure: measure, nextCommands: [], isColored: false),
        profile.values.isEmpty ? "" : graph
      )
    }
  }
}
