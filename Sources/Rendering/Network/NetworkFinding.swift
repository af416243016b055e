import ProfileModel

/// Something about an edge that its numbers show and that a reader should not have to find.
struct NetworkFinding: Equatable {
  enum Kind: String {
    /// The server's TCP held back the end of answers until the client acknowledged earlier bytes.
    case heldAnswers = "held_answers"
    /// The same of requests, by the client's TCP.
    case heldRequests = "held_requests"
    /// Clients had answers long after the server had written them, for another reason.
    case lateAnswers = "late_answers"
  }

  /// What it is known by.
  enum Evidence: String {
    /// TCP's own state: bytes written, sent and acknowledged.
    case tcp = "tcp_acknowledgements"
    /// The times of one edge as both of its ends saw them.
    case views = "both_ends"
  }

  let kind: Kind
  let evidence: Evidence
  /// Its place in the profile.
  let edge: Int
  /// How many messages it is about.
  let count: UInt64
  let meanNanoseconds: UInt64
  let sentence: String

  /// Shorter delays are not worth a word: the kernel's tick is up to 10 ms.
  private static let leastNanoseconds: UInt64 = 10_000_000
  /// Of so many messages of an edge, one has to be concerned.
  private static let leastShare: UInt64 = 100
  private static let nameWidth = 40

  /// All of a profile, the one that costs most time first.
  static func all(of profile: NetworkProfile) -> [NetworkFinding] {
    let findings = profile.edges.indices.flatMap { of(profile.edges[$0], $0, profile) }
    func cost(_ finding: NetworkFinding) -> Double { Double(finding.count) * Double(finding.meanNanoseconds) }
    return findings.enumerated().sorted { (cost($1.element), $0.offset) < (cost($0.element), $1.offset) }.map(\.element)
  }

  /// The sentence in lines with an indent.
  func lines(width: Int) -> [String] {
    var lines: [String] = []
    var line = " "
    for word in DisplayText.visible(sentence).split(separator: " ") {
      if DisplayText.width(line) + 1 + DisplayText.width(word) > width {
        lines.append(line)
        line = "   "
      }
      line += " \(word)"
    }
    return lines + [line]
  }

  // MARK: -

  private static func of(_ edge: NetworkEdge, _ index: Int, _ profile: NetworkProfile) -> [NetworkFinding] {
    let held = [heldAnswers(edge, index, profile), heldRequests(edge, index, profile)].compactMap { $0 }
    return held.isEmpty ? [lateAnswers(edge, index, profile)].compactMap { $0 } : held
  }

  private static func heldAnswers(_ edge: NetworkEdge, _ index: Int, _ profile: NetworkProfile) -> NetworkFinding? {
    guard let view = edge.serverView, let mean = meanDelay(view, of: view.requests.finished) else { return nil }
    let (client, server) = names(edge, profile)
    let sentence =
      "\(share(view.heldMessages, of: view.requests.finished)) answers reached \(client) \(NetworkText.latency(mean))"
      + " after \(server) had written them (mean): TCP held back their last bytes until earlier ones were acknowledged,"
      + " as Nagle's algorithm does while the client delays its acknowledgement. Write each answer at once, or set"
      + " TCP_NODELAY.\(bothMeans(edge))"
    return NetworkFinding(
      kind: .heldAnswers, evidence: .tcp, edge: index, count: view.heldMessages, meanNanoseconds: mean,
      sentence: sentence)
  }

  private static func heldRequests(_ edge: NetworkEdge, _ index: Int, _ profile: NetworkProfile) -> NetworkFinding? {
    guard let view = edge.clientView, let mean = meanDelay(view, of: view.requests.count) else { return nil }
    let (client, server) = names(edge, profile)
    let sentence =
      "\(share(view.heldMessages, of: view.requests.count)) requests reached \(server) \(NetworkText.latency(mean))"
      + " after \(client) had written them (mean): TCP held back their last bytes until earlier ones were acknowledged,"
      + " as Nagle's algorithm does while the server delays its acknowledgement. Write each request at once, or set"
      + " TCP_NODELAY."
    return NetworkFinding(
      kind: .heldRequests, evidence: .tcp, edge: index, count: view.heldMessages, meanNanoseconds: mean,
      sentence: sentence)
  }

  /// Where both ends are known and the client's times are longer by far.
  private static func lateAnswers(_ edge: NetworkEdge, _ index: Int, _ profile: NetworkProfile) -> NetworkFinding? {
    guard let times = means(edge), times.client - times.server >= Double(leastNanoseconds),
      times.client >= 1.5 * times.server
    else { return nil }
    let (client, server) = names(edge, profile)
    let delay = UInt64(min(times.client - times.server, 9e18))
    let sentence =
      "\(client) waited \(NetworkText.latency(delay)) longer for an answer than \(server) took for it (means of"
      + " \(NetworkText.latency(times.client)) and \(NetworkText.latency(times.server))): the time went by on the way,"
      + " or before the client read."
    return NetworkFinding(
      kind: .lateAnswers, evidence: .views, edge: index, count: edge.clientView?.requests.finished ?? 0,
      meanNanoseconds: delay, sentence: sentence)
  }

  /// The mean delay of what was held back; nil where that is too little, or too seldom, to speak of.
  private static func meanDelay(_ view: NetworkTotals, of messages: UInt64) -> UInt64? {
    guard view.heldMessages > 0, view.heldMessages >= messages / leastShare else { return nil }
    let mean = view.heldNanoseconds / view.heldMessages
    return mean >= leastNanoseconds ? mean : nil
  }

  private static func means(_ edge: NetworkEdge) -> (client: Double, server: Double)? {
    guard let client = edge.clientView?.requests.durations.meanNanoseconds,
      let server = edge.serverView?.requests.durations.meanNanoseconds
    else { return nil }
    return (client, server)
  }

  private static func bothMeans(_ edge: NetworkEdge) -> String {
    means(edge).map {
      " Requests took \(NetworkText.latency($0.client)) for the client and \(NetworkText.latency($0.server)) for the"
        + " server (means)."
    } ?? ""
  }

  private static func share(_ part: UInt64, of whole: UInt64) -> String {
    part < whole ? "\(NumberText.grouped(part)) of \(NumberText.grouped(whole))" : "all \(NumberText.grouped(part))"
  }

  private static func names(_ edge: NetworkEdge, _ profile: NetworkProfile) -> (client: String, server: String) {
    func name(_ node: Int) -> String {
      DisplayText.truncatedInMiddle(DisplayText.visible(NetworkText.name(of: profile.nodes[node])), to: nameWidth)
    }
    return (name(edge.client), name(edge.server))
  }
}
