package import ProfileModel

/// What a person wants to know when a capture ends: what was recorded, what was lost, where the time went.
package enum Summary {
  private static let functionCount = 10
  private static let lineWidth = 100
  /// With the numbers and the gaps, a line of the tables then fits.
  private static let functionWidth = 55
  private static let moduleWidth = 24

  /// Renders a finished task and its profile; no line is wider than 100 columns, save errors, warnings
  /// and the last one, which must not be cut.
  ///
  /// - Parameters:
  ///   - isColored: whether escape sequences for a terminal are written.
  ///   - reportCommand: the last line, the command that draws the profile; nil stands for `swprof report` with the
  ///     task's id, or for no line where the task was not stored.
  package static func render(
    task: ProfilingTask, profile: Profile, isColored: Bool, reportCommand: String? = nil
  ) -> String {
    let paint = Paint(isColored: isColored)
    var lines = header(task, paint)
    let totals = FunctionTotals(profile)
    let isOffCPU = task.kind == .offCPU
    if totals.userStacks > 0 {
      let share = NumberText.percent(totals.completeUserStacks, of: totals.userStacks, decimals: 1)
      lines.append(field("stacks", "\(share) % of user stacks complete"))
    }
    if let shares = GILShares(profile, measure: isOffCPU ? .nanoseconds : .count) {
      lines.append(field("GIL", shares.sentence))
    }
    if isOffCPU, totals.total > 0 { lines += waits(task, profile, paint) }
    if !isOffCPU, totals.total > 0 {
      lines += ["", paint.bold("hottest functions by self")] + table(totals.hottestByOwn(limit: functionCount), totals)
      lines += ["", paint.bold("hottest functions by total")]
      lines += table(totals.hottestByTotal(limit: functionCount), totals)
    }
    let warnings = [TaskDescription(task: task).imbalance].compactMap(\.self) + task.warnings
    if !warnings.isEmpty { lines.append("") }
    lines += warnings.map { paint.warning("warning:") + " " + DisplayText.visible($0) }
    if let command = reportCommand ?? defaultReportCommand(task.id) { lines += ["", DisplayText.visible(command)] }
    return lines.map { $0 + "\n" }.joined()
  }

  /// The account in one line, and a line for each warning: what goes beside a format that has no place for them.
  package static func account(of task: ProfilingTask) -> [String] {
    let description = TaskDescription(task: task)
    let name = task.id.rawValue == 0 ? "" : "task \(task.id): "
    let phrases =
      ["\(task.kind.unit): \(description.samples)"] + description.losses.map { "lost: \($0)" } + description.defects
    let warnings = [description.imbalance].compactMap(\.self) + task.warnings
    return [name + phrases.joined(separator: "; ")] + warnings.map { "warning: " + DisplayText.visible($0) }
  }

  private static func defaultReportCommand(_ id: TaskID) -> String? {
    id.rawValue == 0 ? nil : "swprof report \(id) --svg -o \(id).svg"
  }

  private static func header(_ task: ProfilingTask, _ paint: Paint) -> [String] {
    let description = TaskDescription(task: task)
    let name = task.id.rawValue == 0 ? task.kind.rawValue : "task \(task.id), \(task.kind.rawValue)"
    var lines = [
      paint.bold(DisplayText.truncatedInMiddle("\(name): \(DisplayText.visible(task.target))", to: lineWidth)),
      field("started", "\(TimeText.utc(task.startedAt)) on \(task.host), Linux \(task.kernel)"),
      field("capture", "\(description.duration) \(description.captureWord) \(description.capture)"),
    ]
    if let error = task.error { lines.append(paint.warning("  failed   \(DisplayText.visible(error))")) }
    let samples = field(task.kind.unit, description.samples)
    lines.append(task.account.lost > 0 ? paint.warning(samples) : samples)
    lines += description.losses.map { field("lost", $0) }
    lines += description.defects.map { field("defect", $0) }
    lines += description.leftOut.map { field("left out", $0) }
    return lines
  }

  /// The longest and the most frequent waits, and apart from them those that look idle.
  private static func waits(_ task: ProfilingTask, _ profile: Profile, _ paint: Paint) -> [String] {
    let sites = WaitSites(profile, elapsedNanoseconds: task.elapsedNanoseconds)
    var lines: [String] = []
    for (title, ranked) in [
      ("longest waits", sites.busy(by: \.nanoseconds, limit: functionCount)),
      ("most frequent waits", sites.busy(by: \.count, limit: functionCount)),
      ("idle-looking: few waits, a tenth of the capture or more each", sites.idle(limit: functionCount)),
    ] where !ranked.isEmpty {
      lines += ["", paint.bold(title)] + table(ranked, of: sites.total)
    }
    return lines
  }

  private static func table(_ sites: [WaitSites.Site], of total: UInt64) -> [String] {
    var table = TextTable([
      .init("TIME %", isRightAligned: true), .init("TIME", isRightAligned: true), .init("WAITS", isRightAligned: true),
      .init("MEAN", isRightAligned: true), .init("MAX", isRightAligned: true), .init("FUNCTION", limit: 38),
      .init("IN", limit: 20),
    ])
    for site in sites {
      let weight = site.weight
      table.add([
        NumberText.percent(weight.nanoseconds, of: total, decimals: 1),
        TimeText.duration(nanoseconds: weight.nanoseconds), NumberText.grouped(weight.count),
        TimeText.duration(nanoseconds: weight.nanoseconds / max(1, weight.count)),
        site.longest.map(TimeText.duration(nanoseconds:)) ?? "", site.function, site.waitsIn,
      ])
    }
    return table.lines.map { "  " + $0 }
  }

  private static func field(_ name: String, _ text: String) -> String {
    DisplayText.truncatedInMiddle("  \(DisplayText.padded(name, to: 9))\(DisplayText.visible(text))", to: lineWidth)
  }

  private static func table(_ functions: [FunctionTotals.Function], _ totals: FunctionTotals) -> [String] {
    var table = TextTable([
      .init("SELF %", isRightAligned: true), .init("TOTAL %", isRightAligned: true),
      .init("FUNCTION", limit: functionWidth), .init("MODULE", limit: moduleWidth),
    ])
    for function in functions {
      // The name is cut first, so that its mark stays whole.
      let mark = Frame(function: function.name, origin: function.origin).annotation
      let name = DisplayText.truncatedInMiddle(DisplayText.visible(function.name), to: functionWidth - mark.count)
      table.add([
        NumberText.percent(function.own, of: totals.total, decimals: 1),
        NumberText.percent(function.total, of: totals.total, decimals: 1), name + mark, function.place ?? "",
      ])
    }
    return table.lines.map { "  " + $0 }
  }
}

/// Colors of a terminal, or none.
private struct Paint {
  let isColored: Bool

  func bold(_ text: String) -> String { wrapped(text, in: "1") }
  func warning(_ text: String) -> String { wrapped(text, in: "33") }

  private func wrapped(_ text: String, in code: String) -> String {
    isColored ? "\u{1B}[\(code)m\(text)\u{1B}[0m" : text
  }
}
