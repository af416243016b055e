/// What the time of a request starts from.
package enum RequestStart: String, Hashable, Sendable, CaseIterable {
  /// A client wrote its first byte.
  case firstWrite = "first_write"
  /// It arrived at the server, be it read then or later: waiting for the server counts.
  case arrival
  /// The server read its first byte: how long it had waited for that is not known.
  case firstRead = "first_read"
}

extension NetworkProfile {
  /// What the times of a view of an edge start from.
  package func requestStart(of edge: NetworkEdge, _ role: NetworkRole) -> RequestStart {
    guard role == .server else { return .firstWrite }
    return source.hasArrivalTimes == true && edge.transport == .tcp ? .arrival : .firstRead
  }

  /// What the times of the requests that a process answered or made start from: several for a server that has them over
  /// different transports; none where it has no edge.
  package func requestStarts(of process: ProcessID, _ role: NetworkRole) -> [RequestStart] {
    guard role == .server else { return [.firstWrite] }
    let starts = edges.filter {
      nodes[$0.server].process == process && ($0.serverView?.requests.count ?? 0) > 0
    }.map { requestStart(of: $0, .server) }
    return RequestStart.allCases.filter(starts.contains)
  }
}
