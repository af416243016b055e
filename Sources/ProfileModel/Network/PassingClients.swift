/// Clients of one program that came and went, such as the hundred `curl` of a script, as one node with their number.
extension NetworkProfile {
  fileprivate struct Link: Hashable {
    let server: Int
    let transport: NetworkTransport
    let speaks: NetworkProtocol
    let isTLS: Bool
  }

  /// What clients must have in common.
  private struct Likeness: Hashable {
    let name: String
    let isTarget: Bool
    let cgroup: String?
    let links: Set<Link>
  }

  private struct Kind: Hashable {
    let client: Int
    let link: Link
  }

  private struct EndpointKey: Hashable {
    let group: Int
    let role: NetworkRole
    let isTLS: Bool
    let method: String
    let path: String
  }

  /// Puts clients together that have the same name and talk to the same servers in the same way. No sum changes.
  ///
  /// A process that is a server too stays alone, as do those without a name.
  ///
  /// - Parameter isPassing: whether a process has ended, or has begun, within the capture, and was not asked for by its
  ///   number. Asked of processes that are like another one only.
  package func groupingPassingClients(_ isPassing: (ProcessID) -> Bool) -> NetworkProfile {
    let groups = likeClients().compactMap { members -> [Int]? in
      guard members.count > 1 else { return nil }
      let passing = members.filter { nodes[$0].process.map(isPassing) ?? false }
      return passing.count > 1 ? passing : nil
    }
    guard !groups.isEmpty else { return self }
    let processes = groups.map { $0.compactMap { nodes[$0].process } }
    var grouped = self
    let places = grouped.replaceNodes(groups)
    grouped.mergeEdges(places)
    grouped.mergeEndpoints(of: processes)
    return grouped
  }

  /// Clients that could be one node, in the order of the first of each.
  private func likeClients() -> [[Int]] {
    var links = [Set<Link>](repeating: [], count: nodes.count)
    var serves = [Bool](repeating: false, count: nodes.count)
    for edge in edges {
      links[edge.client].insert(edge.link)
      serves[edge.server] = true
    }
    var members: [Likeness: [Int]] = [:]
    for (index, node) in nodes.enumerated() where !serves[index] && !links[index].isEmpty {
      guard case .process(_, let name, let isTarget, let cgroup) = node, !name.isEmpty else { continue }
      members[Likeness(name: name, isTarget: isTarget, cgroup: cgroup, links: links[index]), default: []].append(index)
    }
    return members.values.sorted { $0[0] < $1[0] }
  }

  /// Puts a node where the first of each group is, and takes the others out.
  ///
  /// - Returns: the new places of all nodes.
  private mutating func replaceNodes(_ groups: [[Int]]) -> [Int] {
    var first: [Int: Int] = [:]
    for group in groups {
      guard case .process(_, let name, let isTarget, let cgroup) = nodes[group[0]] else { continue }
      nodes[group[0]] = .program(name: name, count: UInt64(group.count), isTarget: isTarget, cgroup: cgroup)
      for member in group.dropFirst() { first[member] = group[0] }
    }
    var places: [Int] = []
    var kept: [NetworkNode] = []
    for (index, node) in nodes.enumerated() {
      if let first = first[index] {
        places.append(places[first])
      } else {
        places.append(kept.count)
        kept.append(node)
      }
    }
    nodes = kept
    return places
  }

  private mutating func mergeEdges(_ places: [Int]) {
    var known: [Kind: Int] = [:]
    var merged: [NetworkEdge] = []
    var edgePlaces: [Int] = []
    for var edge in edges {
      (edge.client, edge.server) = (places[edge.client], places[edge.server])
      let kind = Kind(client: edge.client, link: edge.link)
      if let place = known[kind] {
        merged[place].add(edge)
        edgePlaces.append(place)
      } else {
        known[kind] = merged.count
        edgePlaces.append(merged.count)
        merged.append(edge)
      }
    }
    edges = merged
    for index in connections.indices { connections[index].edge = edgePlaces[connections[index].edge] }
  }

  private mutating func mergeEndpoints(of groups: [[ProcessID]]) {
    var group: [ProcessID: Int] = [:]
    var processes: [EndpointKey: Set<ProcessID>] = [:]
    var known: [EndpointKey: Int] = [:]
    var merged: [HTTPEndpoint] = []
    for (index, members) in groups.enumerated() {
      for process in members { group[process] = index }
    }
    for endpoint in endpoints {
      guard let group = group[endpoint.process] else {
        merged.append(endpoint)
        continue
      }
      let key = EndpointKey(
        group: group, role: endpoint.role, isTLS: endpoint.isTLS, method: endpoint.method, path: endpoint.path)
      processes[key, default: []].insert(endpoint.process)
      if let place = known[key] {
        merged[place].totals.add(endpoint.totals)
      } else {
        known[key] = merged.count
        merged.append(endpoint)
      }
    }
    for (key, place) in known {
      if let count = processes[key]?.count, count > 1 { merged[place].instances = UInt64(count) }
    }
    endpoints = merged
  }
}

extension NetworkEdge {
  fileprivate var link: NetworkProfile.Link {
    NetworkProfile.Link(server: server, transport: transport, speaks: speaks, isTLS: isTLS)
  }
}

extension NetworkNode {
  /// Whether the capture was about it.
  package var isTarget: Bool {
    switch self {
    case .process(_, _, let isTarget, _), .program(_, _, let isTarget, _): isTarget
    case .remote, .other: false
    }
  }

  /// The one process that it is.
  package var process: ProcessID? {
    if case .process(let process, _, _, _) = self { return process }
    return nil
  }
}
