import ProfileModel

/// Who talks to whom as lines of text: each client, and below it the servers that it talks to.
struct NetworkTree {
  private let profile: NetworkProfile
  private let elapsedNanoseconds: UInt64?
  private let limit: Int

  /// - Parameter limit: how many edges are shown.
  init(_ profile: NetworkProfile, elapsedNanoseconds: UInt64?, limit: Int) {
    self.profile = profile
    self.elapsedNanoseconds = elapsedNanoseconds
    self.limit = limit
  }

  var lines: [String] {
    let figures = profile.edges.map(NetworkEdgeFigures.init)
    let ranked = figures.enumerated().sorted { ($1.element.weight, $0.offset) < ($0.element.weight, $1.offset) }
    let shown = ranked.prefix(limit).map(\.element)
    // In the order of their heaviest edges.
    var clients: [Int] = []
    for edge in shown where !clients.contains(edge.edge.client) { clients.append(edge.edge.client) }
    var lines = clients.flatMap { client in
      [cut(name(client), indent: 2)] + branches(shown.filter { $0.edge.client == client })
    }
    let rest = ranked.dropFirst(limit).map(\.element)
    if !rest.isEmpty {
      let connections = rest.reduce(UInt64(0)) { $0 &+ $1.connections }
      let bytes = rest.reduce(UInt64(0)) { $0 &+ $1.bytes }
      lines.append(
        "  and \(NetworkText.count(UInt64(rest.count), "smaller edge")),"
          + " \(NetworkText.count(connections, "connection")), \(NetworkText.bytes(bytes)); --json has them all")
    }
    return lines
  }

  private func name(_ node: Int) -> String {
    let node = profile.nodes[node]
    guard node.isTarget else { return NetworkText.name(of: node) }
    return DisplayText.truncatedInMiddle(NetworkText.name(of: node), to: 80) + " [target]"
  }

  private func branches(_ edges: [NetworkEdgeFigures]) -> [String] {
    edges.enumerated().flatMap { index, edge in
      let isLast = index == edges.count - 1
      let stem = "  \(isLast ? " " : "│")    "
      return [cut("\(isLast ? "└" : "├")─ \(name(edge.edge.server))", indent: 2)]
        + details(edge).map { DisplayText.truncatedAtEnd(stem + $0, to: NetworkSummary.lineWidth) }
    }
  }

  private func details(_ edge: NetworkEdgeFigures) -> [String] {
    var lines = ["\(NetworkText.language(of: edge.edge)): \(edge.connectionPhrase)"]
    lines.append("requests \(edge.requestPhrase(elapsedNanoseconds: elapsedNanoseconds))")
    let endings = edge.requests.map(NetworkText.endings) ?? []
    if !endings.isEmpty { lines.append("answers  \(endings.joined(separator: "; "))") }
    if edge.requests != nil { lines.append("latency  \(edge.latencyPhrase)") }
    lines.append("traffic  \(edge.trafficPhrase)")
    return lines
  }

  private func cut(_ text: String, indent: Int) -> String {
    let spaces = String(repeating: " ", count: indent)
    return DisplayText.truncatedInMiddle(spaces + DisplayText.visible(text), to: NetworkSummary.lineWidth)
  }
}
