import ProfileModel

/// What is shown of an edge: the numbers of both its views put together. Nil is what is not known.
struct NetworkEdgeFigures {
  let edge: NetworkEdge

  init(_ edge: NetworkEdge) { self.edge = edge }

  private var views: [NetworkTotals] { [edge.clientView, edge.serverView].compactMap { $0 } }

  /// Both ends see the same connections, but one may have missed some.
  var connections: UInt64 { views.map(\.connections).max() ?? 0 }
  var opened: UInt64 { views.map(\.opened).max() ?? 0 }
  var closed: UInt64 { views.map(\.closed).max() ?? 0 }
  var resets: UInt64 { views.map(\.resets).max() ?? 0 }
  /// The client's alone.
  var failed: UInt64? { edge.clientView?.failed }

  var bytesToServer: UInt64 { edge.clientView?.bytesSent ?? edge.serverView?.bytesReceived ?? 0 }
  var bytesToClient: UInt64 { edge.clientView?.bytesReceived ?? edge.serverView?.bytesSent ?? 0 }
  var bytes: UInt64 { bytesToServer &+ bytesToClient }

  /// HTTP requests; nil where none could be read.
  var requests: RequestTotals? {
    if let seen = views.map(\.requests).first(where: { $0.count > 0 || $0.answered > 0 }) { return seen }
    return edge.speaks == .http1 ? RequestTotals() : nil
  }

  /// How long requests took as the client, and as the server saw it.
  var clientDurations: LatencyHistogram? { Self.known(edge.clientView?.requests.durations) }
  var serverDurations: LatencyHistogram? { Self.known(edge.serverView?.requests.durations) }
  /// The client's, else the server's.
  var durations: LatencyHistogram? { clientDurations ?? serverDurations }
  var connectTime: LatencyHistogram? { Self.known(edge.clientView?.connectTime) }
  var roundTrip: LatencyHistogram? { Self.known(edge.clientView?.roundTrip) ?? Self.known(edge.serverView?.roundTrip) }

  /// Requests that were answered with a status of 4xx or 5xx.
  var errors: UInt64 { requests.map { $0.clientErrors &+ $0.serverErrors } ?? 0 }
  /// Segments that either end sent again; both count their own.
  var retransmits: UInt64? { edge.transport == .tcp ? sum(\.retransmits) : nil }
  var drops: UInt64? { edge.transport == .tcp || edge.transport == .udp ? sum(\.drops) : nil }

  /// Whether something went wrong that a program noticed.
  var isFailing: Bool { errors > 0 || (failed ?? 0) > 0 || resets > 0 }

  /// What edges are ranked by: bytes, with a bonus for requests, connections and, above all, failures, so that an edge
  /// that only fails is not passed over.
  var weight: Double {
    let failures = Double(errors) + Double(failed ?? 0) + Double(resets)
    return Double(bytes) + 1e3 * (Double(requests?.count ?? 0) + Double(connections)) + 1e5 * failures
  }

  private func sum(_ count: KeyPath<NetworkTotals, UInt64>) -> UInt64 { views.reduce(0) { $0 &+ $1[keyPath: count] } }

  private static func known(_ histogram: LatencyHistogram?) -> LatencyHistogram? {
    histogram.flatMap { $0.count > 0 ? $0 : nil }
  }

  // MARK: - Phrases

  /// `64 connections (60 opened, 58 closed), 2 failed to connect, 1 reset`.
  var connectionPhrase: String {
    let failed = failed.map(NumberText.grouped) ?? NetworkText.unknown
    return NetworkText.count(connections, "connection")
      + " (\(NumberText.grouped(opened)) opened, \(NumberText.grouped(closed)) closed),"
      + " \(failed) failed to connect, \(NetworkText.count(resets, "reset"))"
  }

  /// `12,345, 411/s, 0.4 % errors, 0 unanswered`.
  func requestPhrase(elapsedNanoseconds: UInt64?) -> String {
    guard let requests else { return NetworkText.unknown }
    return "\(NumberText.grouped(requests.count)),"
      + " \(NetworkText.rate(requests.count, elapsedNanoseconds: elapsedNanoseconds))/s,"
      + " \(NetworkText.percent(errors, of: requests.answered)) errors,"
      + " \(NumberText.grouped(requests.unanswered)) unanswered"
  }

  /// Mean and p99 as each end saw them.
  var latencyPhrase: String {
    let views = [("client", clientDurations), ("server", serverDurations)].compactMap { name, histogram in
      histogram.map {
        "\(name) mean \(NetworkText.latency($0.meanNanoseconds)), p99 \(NetworkText.latency($0.percentile(0.99)))"
      }
    }
    return views.isEmpty ? NetworkText.unknown : views.joined(separator: "; ")
  }

  /// `1.2 MB sent, 30 MB back; connect 120us, RTT 45us; 3 retransmits, 0 drops`.
  var trafficPhrase: String {
    "\(NetworkText.bytes(bytesToServer)) sent, \(NetworkText.bytes(bytesToClient)) back;"
      + " connect \(NetworkText.latency(connectTime?.meanNanoseconds)),"
      + " RTT \(NetworkText.latency(roundTrip?.meanNanoseconds));"
      + " \(NetworkText.count(retransmits, "retransmit")), \(NetworkText.count(drops, "drop"))"
  }
}
