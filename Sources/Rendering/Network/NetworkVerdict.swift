import ProfileModel

/// What came out of a network capture in one sentence.
enum NetworkVerdict {
  static func sentence(_ task: ProfilingTask, _ profile: NetworkProfile) -> String {
    guard !profile.edges.isEmpty else { return "\(task.target): no connection was seen" }
    let retransmits = profile.edges.reduce(UInt64(0)) { $0 &+ (NetworkEdgeFigures($1).retransmits ?? 0) }
    return "\(deed(task, profile)); \(NetworkText.count(retransmits, "retransmit"))"
  }

  private static func time(_ task: ProfilingTask) -> String {
    task.elapsedNanoseconds.map { " in \(TimeText.duration(nanoseconds: $0))" } ?? ""
  }

  /// What the process with most requests did; without requests, what moved.
  private static func deed(_ task: ProfilingTask, _ profile: NetworkProfile) -> String {
    guard let busiest = busiest(profile) else {
      let figures = profile.edges.map(NetworkEdgeFigures.init)
      let up = figures.reduce(UInt64(0)) { $0 &+ $1.bytesToServer }
      let down = figures.reduce(UInt64(0)) { $0 &+ $1.bytesToClient }
      return "\(task.target): \(NetworkText.count(profile.connectionCount, "connection")), \(NetworkText.bytes(up)) to"
        + " servers and \(NetworkText.bytes(down)) back\(time(task)), no HTTP requests"
    }
    let requests = busiest.requests
    let failures = requests.clientErrors &+ requests.serverErrors
    let verb = busiest.isServer ? "answered" : "made"
    let number = busiest.isServer ? requests.answered : requests.count
    return "\(busiest.name) \(verb) \(NetworkText.count(number, "request"))\(time(task)),"
      + " \(NetworkText.percent(failures, of: requests.answered)) failed,"
      + " p99 \(NetworkText.latency(requests.durations.percentile(0.99)))"
  }

  private struct Worker {
    let name: String
    let isServer: Bool
    var requests = RequestTotals()
  }

  /// The process with most requests, as a server before as a client.
  private static func busiest(_ profile: NetworkProfile) -> Worker? {
    var servers: [Int: Worker] = [:]
    var clients: [Int: Worker] = [:]
    for edge in profile.edges {
      if let view = edge.serverView {
        let name = NetworkText.name(of: profile.nodes[edge.server])
        servers[edge.server, default: Worker(name: name, isServer: true)].requests.add(view.requests)
      }
      if let view = edge.clientView {
        let name = NetworkText.name(of: profile.nodes[edge.client])
        clients[edge.client, default: Worker(name: name, isServer: false)].requests.add(view.requests)
      }
    }
    for workers in [servers, clients] {
      let ranked = workers.filter { $0.value.requests.count > 0 }
      let best = ranked.max { ($0.value.requests.count, $1.key) < ($1.value.requests.count, $0.key) }
      if let best { return best.value }
    }
    return nil
  }
}
