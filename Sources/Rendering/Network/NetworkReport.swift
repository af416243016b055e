package import ProfileModel

/// A network task as one page: what came out, why it ran, the map, endpoints, requests, latencies, connections, and what
/// is missing.
///
/// The page has no script, asks for nothing from outside, and its policy lets nothing out. Equal input gives equal bytes.
package enum NetworkReport {
  private static let endpointLimit = 100
  private static let connectionLimit = 200
  private static let sampleLimitOfReason = 30

  package static func render(_ task: ProfilingTask, _ profile: NetworkProfile, title: String) -> String {
    let body = [
      "<h1>\(HTML.text(NetworkVerdict.sentence(task, profile)))</h1>",
      "<p class=\"quiet\">\(HTML.text(title))</p>",
      HTML.section("Why it ran", id: "why", TriggerReport.render(task.trigger)),
      HTML.section("What was recorded", id: "card", card(task, profile)),
      profile.edges.isEmpty
        ? "<p>No connection was seen.</p>"
        : HTML.section("Who talks to whom", id: "map", map(task, profile, title: title)),
      HTML.section("What stands out", id: "findings", findings(profile)),
      HTML.section("HTTP endpoints", id: "endpoints", endpoints(task, profile)),
      HTML.section("Slow and failed requests", id: "samples", samples(task, profile)),
      HTML.section("Lengths of time", id: "latency", latencies(profile)),
      HTML.section("Connections", id: "connections", connections(profile)),
      HTML.section("Dropped packets", id: "drops", drops(profile)),
      HTML.section("What is missing", id: "quality", quality(task, profile)),
    ].filter { !$0.isEmpty }.joined(separator: "\n")
    return HTMLDocument(
      title: title, body: body, style: WebFile.pageStyle,
      innerStyles: profile.edges.isEmpty ? [] : [WebFile.networkMapStyle]
    ).text
  }

  /// The map with its style, for this page.
  private static func map(_ task: ProfilingTask, _ profile: NetworkProfile, title: String) -> String {
    "<style>\(WebFile.networkMapStyle)</style>\n<div class=\"map\">"
      + NetworkMap.picture(task, profile, title: title) + "</div>"
  }

  private static func card(_ task: ProfilingTask, _ profile: NetworkProfile) -> String {
    let description = TaskDescription(task: task)
    var pairs = [
      ("target", task.target), ("kind", task.kind.rawValue), ("recorded", description.capture),
      ("source", NetworkText.source(profile.source)), ("started", TimeText.utc(task.startedAt)),
      ("duration", description.duration), (task.kind.unit, description.samples),
      ("host", "\(task.host), Linux \(task.kernel)"),
    ]
    if let kept = description.keptRequests { pairs.insert(("requests kept", kept), at: 3) }
    if let note = task.note { pairs.append(("note", note)) }
    if task.id.rawValue > 0 { pairs.append(("task", "\(task.id)")) }
    return HTML.definitions(pairs)
  }

  private static func findings(_ profile: NetworkProfile) -> String {
    let findings = NetworkFinding.all(of: profile)
    return findings.isEmpty ? "" : HTML.list(findings.map(\.sentence))
  }

  // MARK: - Tables

  private static func endpoints(_ task: ProfilingTask, _ profile: NetworkProfile) -> String {
    let shown = NetworkSummary.busiestEndpoints(profile, limit: endpointLimit)
    guard !shown.isEmpty else { return "" }
    let rows = shown.map { endpoint in
      [
        NetworkText.owner(of: endpoint), endpoint.role.rawValue,
        endpoint.isTLS ? "TLS" : "",
      ] + EndpointFigures(endpoint.totals, elapsedNanoseconds: task.elapsedNanoseconds).cells
        + ["\(endpoint.method) \(endpoint.path)"]
    }
    let starts = NetworkText.starts(of: profile, shown).map { "\n<p class=\"quiet\">\(HTML.text($0))</p>" } ?? ""
    return table(["process", "as", ""] + EndpointFigures.headings + ["endpoint"], rows)
      + more(profile.endpoints.count - shown.count, "endpoint")
      + NetworkSummary.endings(profile).map { "\n<p class=\"quiet\">\(HTML.text($0))</p>" }.joined() + starts
  }

  private static func connections(_ profile: NetworkProfile) -> String {
    let shown = profile.connections.prefix(connectionLimit)
    guard !shown.isEmpty else { return "" }
    let rows = shown.map { connection -> [String] in
      let totals = connection.totals
      let edge = profile.edges[connection.edge]
      let hasSegments = edge.transport == .tcp
      return [
        NetworkText.process(connection.processName, connection.process), connection.role.rawValue,
        connection.descriptor.map { "\($0)" } ?? NetworkText.unknown, NetworkText.bytes(totals.bytesSent),
        NetworkText.bytes(totals.bytesReceived), NumberText.grouped(totals.sends),
        NumberText.grouped(totals.receives),
        totals.requests.count > 0 || edge.speaks == .http1
          ? NumberText.grouped(totals.requests.count) : NetworkText.unknown,
        NetworkText.latency(totals.requests.durations.percentile(0.99)),
        NetworkText.latency(totals.connectTime.meanNanoseconds),
        NetworkText.latency(totals.roundTrip.meanNanoseconds),
        hasSegments ? NumberText.grouped(totals.retransmits) : NetworkText.unknown,
        NetworkText.language(of: edge), "\(place(connection.local)) to \(place(connection.remote))",
      ]
    }
    let listed = profile.connectionCount > UInt64(shown.count) ? profile.connectionCount - UInt64(shown.count) : 0
    return table(
      [
        "process", "as", "fd", "sent", "received", "sends", "receives", "requests", "p99", "connect", "round trip",
        "retransmits", "protocol", "addresses",
      ], rows) + more(Int(clamping: listed), "connection")
  }

  private static func place(_ address: String) -> String { address.isEmpty ? NetworkText.unknown : address }

  private static func table(_ head: [String], _ rows: [[String]]) -> String {
    let head = "<tr>" + head.map { "<th>\(HTML.text($0))</th>" }.joined() + "</tr>"
    let rows = rows.map { "<tr>" + $0.map { "<td>\(HTML.text($0))</td>" }.joined() + "</tr>\n" }
    return "<div class=\"scroll\"><table>\n<thead>\(head)</thead>\n<tbody>\n\(rows.joined())</tbody>\n</table></div>"
  }

  private static func more(_ count: Int, _ noun: String) -> String {
    count > 0 ? "\n<p class=\"quiet\">and \(NetworkText.count(UInt64(count), noun)) more</p>" : ""
  }

  // MARK: - Requests and latencies

  private static func samples(_ task: ProfilingTask, _ profile: NetworkProfile) -> String {
    let shown = NetworkSummary.worstSamples(profile, limit: sampleLimitOfReason)
    guard !shown.isEmpty else { return "" }
    let rows = shown.map { sample in
      [
        sample.reason.rawValue, "\(sample.status)", NetworkText.latency(sample.durationNanoseconds.map { Double($0) }),
        NetworkText.latency(sample.firstByteNanoseconds), NetworkSummary.after(sample, task),
        NetworkText.bytes(sample.requestBytes), NetworkText.bytes(sample.responseBytes),
        NetworkText.process(sample.processName, sample.process), sample.role.rawValue, sample.peer,
        "\(sample.method) \(sample.path)",
      ]
    }
    let messages = shown.filter { $0.request != nil || $0.response != nil }.map(message)
    return table(
      [
        "why", "status", "time", "first byte", "after", "request", "response", "process", "as", "peer", "endpoint",
      ], rows) + more(profile.samples.count - shown.count, "request") + messages.map { "\n" + $0 }.joined()
  }

  /// What was kept of a request and its answer.
  private static func message(_ sample: RequestSample) -> String {
    let title =
      "\(sample.reason.rawValue): \(sample.method) \(sample.path), status \(sample.status),"
      + " \(NetworkText.latency(sample.durationNanoseconds.map { Double($0) }))"
    let parts = [sample.request, sample.response].compactMap { $0 }.map { "<pre>\(HTML.preformatted($0))</pre>" }
    return "<details>\n<summary>\(HTML.text(title))</summary>\n\(parts.joined(separator: "\n"))\n</details>"
  }

  /// Each kind of time that was measured, over all edges.
  private static func latencies(_ profile: NetworkProfile) -> String {
    var drawings: [String] = []
    for (side, verb, view) in [
      ("server", "answered", \NetworkEdge.serverView), ("client", "made", \NetworkEdge.clientView),
    ] {
      var sum = NetworkTotals()
      for edge in profile.edges {
        if let totals = edge[keyPath: view] { sum.add(totals) }
      }
      drawings += [
        ("requests \(verb)", sum.requests.durations), ("\(side)s, connecting", sum.connectTime),
        ("\(side)s, until accepted", sum.acceptDelay), ("\(side)s, send calls", sum.sendTime),
        ("\(side)s, receive calls, waiting included", sum.receiveTime),
        ("\(side)s, round trip, a value for each connection", sum.roundTrip),
      ].map { HistogramDrawing.render($0.0, $0.1) }
    }
    let shown = drawings.filter { !$0.isEmpty }
    guard !shown.isEmpty else { return "" }
    return "<p class=\"quiet\">The dashed line is p99.</p>\n" + shown.joined(separator: "\n")
  }

  // MARK: - Quality

  private static func drops(_ profile: NetworkProfile) -> String {
    let drops = NetworkSummary.drops(profile)
    return drops.isEmpty ? "" : HTML.definitions(drops.map { ($0.reason, NumberText.grouped($0.count)) })
  }

  private static func quality(_ task: ProfilingTask, _ profile: NetworkProfile) -> String {
    var items = [
      "connections: \(TaskDescription(task: task).samples)", "source: \(NetworkText.source(profile.source))",
    ]
    if !profile.source.hasCallTimes { items.append("the times of calls were not measured") }
    items += NetworkSummary.missed(task, profile).map { "\($0.name): \($0.text)" }
    items += [TaskDescription(task: task).imbalance].compactMap { $0 } + task.warnings
    return HTML.list(items)
  }
}
