import ProfileModel
import Testing

/// Clients that come and go, as one node.
@Suite struct PassingClientTests {
  @Test func `a hundred short clients of one program are one node, and all sums stay`() throws {
    let profile = profile(clients: 120)

    let grouped = profile.groupingPassingClients { _ in true }

    #expect(grouped.nodes == [server, .program(name: "curl", count: 120, isTarget: false, cgroup: nil)])
    let edge = try #require(grouped.edges.first)
    #expect(grouped.edges.count == 1)
    #expect((edge.client, edge.server) == (1, 0))
    #expect(edge.serverView?.connections == 120)
    #expect(edge.serverView?.bytesReceived == (1...120).reduce(0, +))
    #expect(edge.serverView?.requests.durations.count == 120)
    #expect(grouped.connections.map(\.process) == profile.connections.map(\.process))
    #expect(grouped.isConsistent)
    let endpoint = try #require(grouped.endpoints.first)
    #expect(grouped.endpoints.count == 1)
    #expect((endpoint.instances, endpoint.totals.count) == (120, 120))
  }

  @Test func `who was asked for, or was there all the time, stays alone`() {
    let lasting: Set<Int32> = [101, 102]

    let grouped = profile(clients: 5).groupingPassingClients { !lasting.contains($0.rawValue) }

    #expect(grouped.nodes.compactMap(\.process?.rawValue) == [1, 101, 102])
    #expect(grouped.nodes.last == .program(name: "curl", count: 3, isTarget: false, cgroup: nil))
    #expect(grouped.edges.map { $0.serverView?.connections } == [1, 1, 3])
  }

  @Test func `one client is no group`() {
    let profile = profile(clients: 1)

    #expect(profile.groupingPassingClients { _ in true } == profile)
  }

  @Test(arguments: ["name", "server", "protocol", "transport", "tls", "target", "cgroup", "serves", "unnamed"])
  func `clients that differ are not put together`(difference: String) {
    var profile = profile(clients: 2)
    let id = ProcessID(rawValue: 102)
    switch difference {
    case "name": profile.nodes[2] = .process(id, name: "wget", isTarget: false, cgroup: nil)
    case "server":
      profile.nodes.append(.remote(address: "10.0.0.1", port: 80, name: nil))
      profile.edges[1].server = 3
    case "protocol": profile.edges[1].speaks = .http2
    case "transport": profile.edges[1].transport = .unix
    case "tls": profile.edges[1].isTLS = true
    case "target": profile.nodes[2] = .process(id, name: "curl", isTarget: true, cgroup: nil)
    case "cgroup": profile.nodes[2] = .process(id, name: "curl", isTarget: false, cgroup: "/x")
    case "serves":
      profile.edges.append(NetworkEdge(client: 0, server: 2, transport: .tcp, speaks: .unknown))
    default:
      for index in [1, 2] {
        profile.nodes[index] = .process(
          ProcessID(rawValue: 100 + Int32(index)), name: "", isTarget: false, cgroup: nil)
      }
    }

    #expect(profile.groupingPassingClients { _ in true } == profile)
  }

  // MARK: -

  private let server = NetworkNode.process(ProcessID(rawValue: 1), name: "nginx", isTarget: true, cgroup: "/web")

  /// Clients 101 and so on, each with one connection that has sent as many bytes as its number is over 100.
  private func profile(clients: Int) -> NetworkProfile {
    var profile = NetworkProfile(
      source: NetworkSource(kind: .sockets, received: .sockets, sent: .sockets, hasCallTimes: false), nodes: [server])
    for index in 1...clients {
      let process = ProcessID(rawValue: 100 + Int32(index))
      profile.nodes.append(.process(process, name: "curl", isTarget: false, cgroup: nil))
      var totals = NetworkTotals()
      totals.connections = 1
      totals.bytesReceived = UInt64(index)
      totals.requests.count = 1
      totals.requests.durations.add(nanoseconds: 1_000_000)
      profile.edges.append(
        NetworkEdge(client: index, server: 0, transport: .tcp, speaks: .http1, serverView: totals))
      profile.connections.append(
        NetworkConnection(
          edge: index - 1, role: .server, process: ProcessID(rawValue: 1), processName: "nginx", local: "a",
          remote: "b", totals: totals))
      profile.endpoints.append(
        HTTPEndpoint(
          process: process, processName: "curl", role: .client, method: "GET", path: "/", totals: totals.requests))
    }
    return profile
  }
}
