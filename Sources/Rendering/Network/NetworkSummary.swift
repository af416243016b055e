package import ProfileModel

/// What a person reads of a network capture on a terminal: the verdict, what was recorded and missed, who talks to whom,
/// the busiest endpoints, the worst requests, and what to type next.
package enum NetworkSummary {
  static let lineWidth = 100
  private static let endpointCount = 10
  private static let edgeCount = 20
  private static let sampleCountOfReason = 5
  private static let findingCount = 5

  /// No line is wider than 100 columns, save errors, warnings and the last ones, which must not be cut.
  ///
  /// - Parameter isColored: whether escape sequences for a terminal are written.
  package static func render(task: ProfilingTask, profile: NetworkProfile, isColored: Bool) -> String {
    let elapsed = task.elapsedNanoseconds
    var lines = header(task, profile, isColored: isColored)
    if !profile.edges.isEmpty {
      lines += ["", heading(topologyTitle(profile), isColored)]
      lines += NetworkTree(profile, elapsedNanoseconds: elapsed, limit: edgeCount).lines
    }
    let findings = NetworkFinding.all(of: profile)
    if !findings.isEmpty {
      lines += ["", heading("what stands out", isColored)]
      lines += findings.prefix(findingCount).flatMap { $0.lines(width: lineWidth) }
    }
    if !profile.endpoints.isEmpty {
      lines += [""] + endpoints(profile, elapsed, isColored)
    }
    if !profile.samples.isEmpty { lines += [""] + samples(task, profile, isColored) }
    let warnings = warnings(task)
    if !warnings.isEmpty { lines.append("") }
    lines += warnings.map { isColored ? "\u{1B}[33mwarning:\u{1B}[0m \($0)" : "warning: \($0)" }
    if task.id.rawValue != 0 {
      lines += [""] + ["svg", "html"].map { "swprof report \(task.id) --\($0) -o \(task.id).\($0)" }
    }
    return lines.map { $0.trimmingTrailingSpaces + "\n" }.joined()
  }

  /// The account in one line, and a line for each warning: what goes beside a format that has no place for them.
  package static func account(of task: ProfilingTask, _ profile: NetworkProfile) -> [String] {
    let name = task.id.rawValue == 0 ? "" : "task \(task.id): "
    let phrases =
      ["connections: \(TaskDescription(task: task).samples)"] + missed(task, profile).map { "\($0.name): \($0.text)" }
    return [name + phrases.joined(separator: "; ")] + warnings(task).map { "warning: " + $0 }
  }

  private static func warnings(_ task: ProfilingTask) -> [String] {
    ([TaskDescription(task: task).imbalance].compactMap(\.self) + task.warnings).map { DisplayText.visible($0) }
  }

  /// What was lost or not seen, and what packets were dropped.
  static func missed(_ task: ProfilingTask, _ profile: NetworkProfile) -> [(name: String, text: String)] {
    let description = TaskDescription(task: task)
    let missed = NetworkLoss.allCases.compactMap { loss -> (String, String)? in
      guard let count = profile.losses[loss], count > 0 else { return nil }
      return ("missed", "\(NumberText.grouped(count)) \(loss.explanation)")
    }
    return description.losses.map { ("lost", $0) } + description.defects.map { ("defect", $0) } + missed
  }

  /// Packets that the kernel dropped, the most frequent reason first.
  static func drops(_ profile: NetworkProfile) -> [(reason: String, count: UInt64)] {
    profile.drops.filter { $0.value > 0 }.sorted { ($1.value, $0.key) < ($0.value, $1.key) }
      .map { ($0.key, $0.value) }
  }

  // MARK: - Parts

  private static func header(_ task: ProfilingTask, _ profile: NetworkProfile, isColored: Bool) -> [String] {
    let description = TaskDescription(task: task)
    let name = task.id.rawValue == 0 ? task.kind.rawValue : "task \(task.id), \(task.kind.rawValue)"
    var lines = [
      heading(
        DisplayText.truncatedInMiddle("\(name): \(DisplayText.visible(task.target))", to: lineWidth), isColored),
      DisplayText.truncatedInMiddle(DisplayText.visible(NetworkVerdict.sentence(task, profile)), to: lineWidth),
      field("started", "\(TimeText.utc(task.startedAt)) on \(task.host), Linux \(task.kernel)"),
      field("capture", "\(description.duration) \(description.captureWord) \(description.capture)"),
      field("source", NetworkText.source(profile.source)),
      field(task.kind.unit, description.samples),
    ]
    if let kept = description.keptRequests { lines.insert(field("kept", kept), at: 4) }
    if profile.connections.count < profile.connectionCount {
      let listed = NumberText.grouped(UInt64(profile.connections.count))
      lines.append(field("listed", "\(listed) of \(NumberText.grouped(profile.connectionCount)) connections"))
    }
    if let error = task.error { lines.append("  failed       \(DisplayText.visible(error))") }
    lines += missed(task, profile).map { field($0.name, $0.text) }
    let drops = drops(profile)
    if !drops.isEmpty {
      let all = drops.reduce(UInt64(0)) { $0 &+ $1.count }
      let reasons = drops.prefix(6).map { "\($0.reason) \(NumberText.grouped($0.count))" }
      lines.append(field("dropped", "\(NetworkText.count(all, "packet")): \(reasons.joined(separator: ", "))"))
    }
    return lines
  }

  private static func field(_ name: String, _ text: String) -> String {
    DisplayText.truncatedInMiddle("  \(DisplayText.padded(name, to: 13))\(DisplayText.visible(text))", to: lineWidth)
  }

  private static func heading(_ text: String, _ isColored: Bool) -> String {
    isColored ? "\u{1B}[1m\(text)\u{1B}[0m" : text
  }

  private static func topologyTitle(_ profile: NetworkProfile) -> String {
    "who talks to whom: \(NetworkText.count(UInt64(profile.nodes.count), "node")),"
      + " \(NetworkText.count(UInt64(profile.edges.count), "edge"))"
  }

  // MARK: - Tables

  /// The endpoints with most requests, the busiest first.
  static func busiestEndpoints(_ profile: NetworkProfile, limit: Int) -> [HTTPEndpoint] {
    let ranked = profile.endpoints.enumerated().sorted { left, right in
      (right.element.totals.count, left.offset) < (left.element.totals.count, right.offset)
    }
    return ranked.prefix(limit).map(\.element)
  }

  private static func endpoints(
    _ profile: NetworkProfile, _ elapsed: UInt64?, _ isColored: Bool
  ) -> [String] {
    let shown = busiestEndpoints(profile, limit: endpointCount)
    let who = shown.map { "\(NetworkText.owner(of: $0))\($0.role == .client ? " asks" : "")" }
    let isOfOne = Set(who).count == 1
    let owner = isOfOne ? " of \(DisplayText.truncatedInMiddle(DisplayText.visible(who[0]), to: 40))" : ""
    let more = profile.endpoints.count > shown.count ? ", \(shown.count) of \(profile.endpoints.count)" : ""
    // The sizes make room for the processes.
    let figures = isOfOne ? 10 : 8
    let headings = ["COUNT", "/S", "4XX %", "5XX %", "MEAN", "P50", "P90", "P99", "IN", "OUT"].prefix(figures)
    var table = FittingTable(
      ["REQUEST"] + headings + (isOfOne ? [] : ["PROCESS"]), leftAligned: isOfOne ? [0] : [0, figures + 1],
      stretching: 0)
    for (endpoint, who) in zip(shown, who) {
      let cells = EndpointFigures(endpoint.totals, elapsedNanoseconds: elapsed).cells.prefix(figures)
      table.add(
        ["\(endpoint.method) \(endpoint.path)"] + cells
          + (isOfOne ? [] : [DisplayText.truncatedInMiddle(DisplayText.visible(who), to: 20)]))
    }
    let endings = endings(profile).map {
      DisplayText.truncatedInMiddle("  \(DisplayText.visible($0))", to: lineWidth)
    }
    return [heading("busiest HTTP endpoints\(owner)\(more)", isColored)]
      + table.lines(width: lineWidth - 2).map { "  " + $0 } + endings
      + (NetworkText.starts(of: profile, shown).map { ["  \($0)"] } ?? [])
  }

  /// What the figures of endpoints leave out: requests without an answer that was seen whole, a line for each endpoint.
  static func endings(_ profile: NetworkProfile) -> [String] {
    profile.endpoints.compactMap { endpoint in
      let endings = NetworkText.endings(endpoint.totals)
      return endings.isEmpty ? nil : "\(endpoint.method) \(endpoint.path): \(endings.joined(separator: "; "))"
    }.prefix(endpointCount).map { $0 }
  }

  /// The worst of each reason, the reason that weighs most first.
  static func worstSamples(_ profile: NetworkProfile, limit: Int) -> [RequestSample] {
    [RequestSample.Reason.serverError, .clientError, .slow].flatMap { reason in
      let ranked = profile.samples.enumerated().filter { $0.element.reason == reason }.sorted { left, right in
        (right.element.leastNanoseconds, left.offset) < (left.element.leastNanoseconds, right.offset)
      }
      return ranked.prefix(limit).map(\.element)
    }
  }

  private static func samples(_ task: ProfilingTask, _ profile: NetworkProfile, _ isColored: Bool) -> [String] {
    let shown = worstSamples(profile, limit: sampleCountOfReason)
    var table = FittingTable(
      ["WHY", "STATUS", "TIME", "FIRST BYTE", "AFTER", "PEER", "REQUEST"], leftAligned: [0, 5, 6], stretching: 6)
    for sample in shown {
      table.add([
        sample.reason.rawValue, "\(sample.status)", NetworkText.latency(sample.durationNanoseconds.map { Double($0) }),
        NetworkText.latency(sample.firstByteNanoseconds), after(sample, task),
        DisplayText.truncatedInMiddle(DisplayText.visible(sample.peer), to: 22), "\(sample.method) \(sample.path)",
      ])
    }
    let more = profile.samples.count > shown.count ? ", \(shown.count) of \(profile.samples.count)" : ""
    return [heading("slowest and failed requests\(more)", isColored)]
      + table.lines(width: lineWidth - 2).map { "  " + $0 }
  }

  /// How long after the start of the capture a request began.
  static func after(_ sample: RequestSample, _ task: ProfilingTask) -> String {
    let (time, overflow) = sample.startedAt.nanoseconds.subtractingReportingOverflow(task.startedAt.nanoseconds)
    return overflow || time < 0 ? NetworkText.unknown : NetworkText.latency(UInt64(time))
  }
}

/// The numbers of an endpoint as its row shows them.
struct EndpointFigures {
  /// Number, rate, shares of errors, latencies, and mean sizes of request and response.
  let cells: [String]

  static let headings = [
    "requests", "per second", "4xx %", "5xx %", "mean", "p50", "p90", "p99", "request", "response",
  ]

  init(_ totals: RequestTotals, elapsedNanoseconds: UInt64?) {
    let durations = totals.durations
    func meanSize(_ bytes: UInt64, _ count: UInt64) -> String {
      count == 0 ? NetworkText.unknown : NetworkText.bytes(bytes / count)
    }
    cells =
      [
        NumberText.grouped(totals.count), NetworkText.rate(totals.count, elapsedNanoseconds: elapsedNanoseconds),
        NetworkText.share(totals.clientErrors, of: totals.answered),
        NetworkText.share(totals.serverErrors, of: totals.answered), NetworkText.latency(durations.meanNanoseconds),
      ] + [0.5, 0.9, 0.99].map { NetworkText.latency(durations.percentile($0)) }
      + [meanSize(totals.requestBytes, totals.count), meanSize(totals.responseBytes, totals.answered)]
  }
}

/// A table one column of which takes the room that the others leave.
private struct FittingTable {
  private let headings: [String]
  private let leftAligned: Set<Int>
  private let stretching: Int
  private var rows: [[String]] = []

  init(_ headings: [String], leftAligned: Set<Int>, stretching: Int) {
    self.headings = headings
    self.leftAligned = leftAligned
    self.stretching = stretching
  }

  mutating func add(_ cells: [String]) { rows.append(cells.map { DisplayText.visible($0) }) }

  func lines(width: Int) -> [String] {
    let fixed = headings.indices.filter { $0 != stretching }.map { column in
      ([headings] + rows).map { DisplayText.width($0[column]) }.max() ?? 0
    }
    let room = max(12, width - fixed.reduce(0, +) - 2 * fixed.count)
    var table = TextTable(
      headings.indices.map { column in
        .init(
          headings[column], isRightAligned: !leftAligned.contains(column),
          limit: column == stretching ? room : .max)
      })
    for row in rows { table.add(row) }
    return table.lines
  }
}

extension RequestSample {
  /// How long it took at least: until the first byte of an answer whose end was not seen.
  var leastNanoseconds: UInt64 { durationNanoseconds ?? firstByteNanoseconds }
}
