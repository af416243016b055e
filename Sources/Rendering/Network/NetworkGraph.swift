import ProfileModel

/// What a map draws: the nodes and edges of a profile, the smallest of them folded where there are too many.
struct NetworkGraph {
  /// More boxes than this are no picture any more.
  static let nodeLimit = 60
  static let edgeLimit = 120

  enum Node: Equatable {
    case node(NetworkNode)
    /// The smallest that ask others.
    case otherClients(Int)
    /// The smallest that are only asked.
    case otherServers(Int)
  }

  private(set) var nodes: [Node]
  private(set) var edges: [NetworkEdge]
  /// How many nodes stand in `other` boxes.
  private(set) var foldedCount = 0
  /// How many edges are not drawn.
  private(set) var hiddenEdgeCount = 0

  init(_ profile: NetworkProfile, nodeLimit: Int = Self.nodeLimit, edgeLimit: Int = Self.edgeLimit) {
    nodes = profile.nodes.map(Node.node)
    edges = profile.edges
    if nodes.count > nodeLimit { fold(to: nodeLimit) }
    guard edges.count > edgeLimit else { return }
    hiddenEdgeCount = edges.count - edgeLimit
    let ranked = edges.indices.sorted { left, right in
      let weights = (NetworkEdgeFigures(edges[left]).weight, NetworkEdgeFigures(edges[right]).weight)
      return (weights.1, left) < (weights.0, right)
    }
    edges = ranked.prefix(edgeLimit).sorted().map { edges[$0] }
  }

  /// Puts the lightest nodes into two boxes. Targets weigh most.
  private mutating func fold(to limit: Int) {
    var weights = nodes.map { node -> Double in
      if case .node(let node) = node, node.isTarget { return 1e30 }
      return 0
    }
    var asks = [Bool](repeating: false, count: nodes.count)
    for edge in edges {
      let weight = NetworkEdgeFigures(edge).weight
      weights[edge.client] += weight
      weights[edge.server] += weight
      asks[edge.client] = true
    }
    let ranked = nodes.indices.sorted { (weights[$1], $0) < (weights[$0], $1) }
    let kept = ranked.prefix(max(0, limit - 2)).sorted()
    let folded = ranked.dropFirst(max(0, limit - 2))
    foldedCount = folded.count
    var places = [Int](repeating: 0, count: nodes.count)
    for (place, node) in kept.enumerated() { places[node] = place }
    var drawn = kept.map { nodes[$0] }
    for isClient in [true, false] {
      let members = folded.filter { asks[$0] == isClient }
      guard !members.isEmpty else { continue }
      for node in members { places[node] = drawn.count }
      drawn.append(isClient ? .otherClients(members.count) : .otherServers(members.count))
    }
    nodes = drawn
    merge(places)
  }

  private struct Kind: Hashable {
    let client: Int
    let server: Int
    let transport: NetworkTransport
    let speaks: NetworkProtocol
    let isTLS: Bool
  }

  /// Moves the ends of edges, and adds up those that then are one.
  private mutating func merge(_ places: [Int]) {
    var known: [Kind: Int] = [:]
    var merged: [NetworkEdge] = []
    for var edge in edges {
      edge.client = places[edge.client]
      edge.server = places[edge.server]
      let kind = Kind(
        client: edge.client, server: edge.server, transport: edge.transport, speaks: edge.speaks, isTLS: edge.isTLS)
      if let index = known[kind] {
        merged[index].add(edge)
      } else {
        known[kind] = merged.count
        merged.append(edge)
      }
    }
    edges = merged
  }
}
