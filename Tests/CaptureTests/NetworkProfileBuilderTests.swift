import CProbes
import ProfileModel
import Testing

@testable import Capture

/// What connections of known ends are put together to.
@Suite struct NetworkProfileBuilderTests {
  @Test func `a connection within the host is one edge with a view from each end`() throws {
    var builder = NetworkProfileBuilder()
    builder.add(
      tcp(process: 10, "client", local: (1, 40000), remote: (1, 80), flags: SWPROF_CONNECTION_CLIENT, sent: 100))
    builder.add(
      tcp(process: 20, "server", local: (1, 80), remote: (1, 40000), flags: SWPROF_CONNECTION_SERVER, sent: 900))

    let profile = builder.profile()

    let edge = try #require(profile.edges.first)
    #expect(profile.edges.count == 1)
    #expect(name(profile.nodes[edge.client]) == "client")
    #expect(name(profile.nodes[edge.server]) == "server")
    #expect(edge.clientView?.bytesSent == 100)
    #expect(edge.serverView?.bytesSent == 900)
    #expect(profile.connections.map(\.local) == ["127.0.0.1:80", "127.0.0.1:40000"])
  }

  @Test func `a process that becomes another program has the name of its latest connection, whatever their order`() {
    for names in [["sh", "client"], ["client", "sh"]] {
      var builder = NetworkProfileBuilder()
      for (port, name) in zip([40000, 40001] as [UInt16], names) {
        builder.add(
          tcp(
            process: 10, name, local: (1, port), remote: (7, 80), flags: SWPROF_CONNECTION_CLIENT,
            firstNs: name == "client" ? 2 : 1))
      }

      let profile = builder.profile()

      #expect(profile.edges.count == 1)
      #expect(profile.nodes.map(name).contains("client"))
    }
  }

  @Test func `a process that ends while it is looked up stays one node`() {
    var builder = NetworkProfileBuilder()
    builder.add(
      tcp(process: 10, "client", local: (1, 40000), remote: (1, 80), flags: SWPROF_CONNECTION_CLIENT))
    builder.add(
      tcp(process: 20, "server", local: (1, 80), remote: (1, 40000), flags: SWPROF_CONNECTION_SERVER))
    var looks = 0
    var surroundings = NetworkProfileBuilder.Surroundings.none
    surroundings.cgroup = { _ in
      looks += 1
      return looks > 2 ? nil : "/a"
    }

    let profile = builder.profile(
      source: NetworkSource(kind: .sockets, received: .sockets, sent: .sockets, hasCallTimes: false), endpoints: [],
      samples: [], times: [:], surroundings: surroundings)

    #expect(profile.nodes.count == 2)
    #expect(profile.edges.map { $0.clientView != nil && $0.serverView != nil } == [true])
  }

  @Test func `connections that are too many to list are counted`() {
    var builder = NetworkProfileBuilder()
    for port in 1...2500 as ClosedRange<UInt16> {
      builder.add(tcp(process: 10, "client", local: (1, port), remote: (7, 80), flags: SWPROF_CONNECTION_CLIENT))
    }

    let profile = builder.profile()

    #expect(profile.connections.count == 1000)
    #expect(builder.unlistedCount == 1500)
  }

  @Test func `an encrypted connection of which one direction was read is counted as not read`() {
    var builder = NetworkProfileBuilder()
    for sizes in [(4, 0), (4, 4)] as [(UInt8, UInt8)] {
      var raw = tcp(
        process: 10, "curl", local: (1, 40000), remote: (7, 443),
        flags: SWPROF_CONNECTION_CLIENT | SWPROF_CONNECTION_TLS
      ).raw
      raw.prefix_size = sizes
      builder.add(ConnectionRecord(raw))
    }
    var surroundings = NetworkProfileBuilder.Surroundings.none
    surroundings.speaks = { _ in .tls }
    builder.fold(surroundings)

    #expect(builder.unreadCount == 1)
    #expect(builder.unreadSentences.first?.contains("in one direction only") ?? false)
  }

  @Test func `encrypted connections that were not read are counted by process and reason`() {
    var builder = NetworkProfileBuilder()
    for (process, name, flags) in [
      (10, "node", SWPROF_CONNECTION_CLIENT), (10, "node", SWPROF_CONNECTION_CLIENT),
      (11, "curl", SWPROF_CONNECTION_CLIENT | SWPROF_CONNECTION_TLS), (12, "go", SWPROF_CONNECTION_SERVER),
    ] as [(UInt32, String, Int32)] {
      builder.add(tcp(process: process, name, local: (1, 40000), remote: (7, 443), flags: flags))
    }
    var surroundings = NetworkProfileBuilder.Surroundings.none
    surroundings.speaks = { _ in .tls }
    surroundings.unreadReason = { "reason \($0.process)" }
    builder.fold(surroundings)

    #expect(builder.unreadCount == 3)
    #expect(
      builder.unreadSentences == [
        "process 10 (node): 2 encrypted connections not read: reason 10",
        "process 12 (go): 1 encrypted connection not read: reason 12",
      ])
  }

  @Test func `clients from elsewhere are one node for each address, whatever their ports`() {
    var builder = NetworkProfileBuilder()
    for port in [40000, 40001, 40002] as [UInt16] {
      builder.add(tcp(process: 20, "server", local: (1, 80), remote: (7, port), flags: SWPROF_CONNECTION_SERVER))
    }

    let profile = builder.profile()

    #expect(profile.edges.count == 1)
    #expect(profile.edges[0].serverView?.connections == 3)
    #expect(profile.nodes.contains(.remote(address: "127.0.0.7", port: nil, name: nil)))
  }

  @Test func `the same loopback ends in two network namespaces are two connections, and no peers of each other`() throws
  {
    var builder = NetworkProfileBuilder()
    for (namespace, client, server) in [(1, 10, 20), (2, 11, 21)] as [(UInt32, UInt32, UInt32)] {
      builder.add(
        tcp(
          process: client, "client", local: (1, 40000), remote: (1, 80), flags: SWPROF_CONNECTION_CLIENT,
          namespace: namespace))
      builder.add(
        tcp(
          process: server, "server", local: (1, 80), remote: (1, 40000), flags: SWPROF_CONNECTION_SERVER,
          namespace: namespace))
    }
    // Its other end is in a third one, and nobody's.
    builder.add(
      tcp(
        process: 12, "alone", local: (1, 40000), remote: (1, 80), flags: SWPROF_CONNECTION_CLIENT, namespace: 3))

    let profile = builder.profile()

    let pairs = profile.edges.map {
      [profile.nodes[$0.client].process?.rawValue, profile.nodes[$0.server].process?.rawValue]
    }
    #expect(pairs == [[10, 20], [11, 21], [12, nil]])
    #expect(profile.nodes.last == .remote(address: "127.0.0.1", port: 80, name: nil, namespace: 3))
    #expect(profile.connections.allSatisfy { $0.namespace != nil })
  }

  @Test(
    arguments: [
      // The other end is in the same namespace, in another one, or in one of two.
      ([1], 1, 10), ([2], 1, 10), ([2, 3], 1, nil), ([1, 2], 1, 10), ([2, 2], 1, 10),
    ] as [([UInt32], UInt32, Int32?)])
  func `an end at another address is found in any namespace, unless several have it`(
    namespaces: [UInt32], own: UInt32, expected: Int32?
  ) {
    let client = Endpoint([UInt8](repeating: 0, count: 10) + [255, 255, 10, 0, 0, 1], port: 40000)
    let server = Endpoint([UInt8](repeating: 0, count: 10) + [255, 255, 10, 0, 0, 2], port: 80)
    var owners = FlowOwners<Int32>()
    for (index, namespace) in namespaces.enumerated() {
      let process: Int32 = namespaces[0] == namespace ? 10 : 10 + Int32(index)
      owners.note(ConnectionFlow(local: client, remote: server, namespace: namespace, type: 1), process)
    }

    let seen = ConnectionFlow(local: server, remote: client, namespace: own, type: 1)

    #expect(owners.owner(of: seen.reversed) == expected)
    // Nor is the end of a datagram socket that of a stream.
    #expect(owners.owner(of: ConnectionFlow(local: client, remote: server, namespace: own, type: 2)) == nil)
  }

  @Test func `servers elsewhere keep their ports, and have the names of the hosts file`() {
    var builder = NetworkProfileBuilder()
    builder.add(tcp(process: 10, "client", local: (1, 40000), remote: (7, 5432), flags: SWPROF_CONNECTION_CLIENT))

    let profile = builder.profile(hosts: HostNames("127.0.0.7 database db # the one\n\n# 127.0.0.8 other\n"))

    #expect(profile.nodes.contains(.remote(address: "127.0.0.7", port: 5432, name: "database")))
  }

  @Test func `the distribution of a peer's requests is counted once, however many connections it has`() {
    var builder = NetworkProfileBuilder()
    for port in [40000, 40001] as [UInt16] {
      builder.add(
        tcp(
          process: 20, "server", local: (1, 80), remote: (7, port),
          flags: SWPROF_CONNECTION_SERVER | SWPROF_CONNECTION_HTTP | SWPROF_CONNECTION_HTTP_SERVER, peer: 5))
    }
    var times = LatencyHistogram()
    for _ in 0..<10 { times.add(nanoseconds: 1_000_000) }

    let profile = builder.profile(times: [.init(process: 20, kind: .received, peer: 5): times])

    #expect(profile.edges.map { $0.serverView?.requests.durations.count } == [10])
    #expect(profile.edges[0].speaks == .http1)
  }

  @Test func `of many connections those with most bytes are listed, and all are summed up`() {
    var builder = NetworkProfileBuilder()
    for index in 0..<3000 {
      builder.add(
        tcp(
          process: 20, "server", local: (1, 80), remote: (7, UInt16(index + 1)), flags: SWPROF_CONNECTION_SERVER,
          sent: UInt64(index)))
    }

    let profile = builder.profile()

    #expect(profile.connectionCount == 3000)
    #expect(profile.connections.count == 1000)
    #expect(profile.connections.allSatisfy { $0.totals.bytesSent >= 2000 })
    #expect(profile.edges[0].serverView?.bytesSent == 2999 * 3000 / 2)
  }

  @Test func `TCP's own counts are taken where calls did not show all`() {
    var raw = tcp(process: 1, "a", local: (1, 1), remote: (7, 2), flags: SWPROF_CONNECTION_CLIENT, sent: 10).raw
    raw.tcp.is_known = 1
    // The SYN counts as a byte; that of the end has been taken off in the kernel.
    raw.tcp.bytes_acked = 11
    raw.tcp.bytes_received = 5000
    raw.tcp.retransmits = 3

    let totals = ConnectionRecord(raw).totals

    #expect(totals.bytesSent == 10)
    #expect(totals.bytesReceived == 5000)
    #expect(totals.retransmits == 3)
  }

  @Test func `paths are put together as they are shown, the busiest first`() {
    let raw: [(swprof_endpoint_key, swprof_endpoint)] = [
      endpoint("/users/1", requests: 2, status: 2), endpoint("/users/2", requests: 3, status: 5),
      endpoint("/", requests: 4, status: 2),
    ]
    var surroundings = NetworkProfileBuilder.Surroundings.none
    surroundings.shownPath = { $0.hasPrefix("/users/") ? "/users/{id}" : $0 }

    let endpoints = NetworkProfileBuilder.endpoints(raw, surroundings)

    #expect(endpoints.map(\.path) == ["/users/{id}", "/"])
    #expect(endpoints[0].totals.count == 5)
    #expect(endpoints[0].totals.statusClasses == [0, 2, 0, 0, 3])
  }

  // MARK: -

  private func name(_ node: NetworkNode) -> String? {
    if case .process(_, let name, _, _) = node { return name }
    return nil
  }

  /// Addresses are those of 127.0.0.N.
  private func tcp(
    process: UInt32, _ name: String, local: (UInt8, UInt16), remote: (UInt8, UInt16), flags: Int32, sent: UInt64 = 0,
    peer: UInt64 = 0, firstNs: UInt64 = 0, namespace: UInt32 = 0
  ) -> ConnectionRecord {
    var raw = swprof_connection()
    raw.netns = namespace
    raw.first_ns = firstNs
    raw.tgid = process
    raw.family = 2
    raw.type = 1
    raw.flags = UInt32(flags | SWPROF_CONNECTION_CLOSED | SWPROF_CONNECTION_TCP)
    raw.local_port = local.1
    raw.remote_port = remote.1
    raw.bytes.1 = sent
    raw.peer = peer
    raw.fd = -1
    withUnsafeMutableBytes(of: &raw.local) {
      $0.copyBytes(from: [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 255, 127, 0, 0, local.0])
    }
    withUnsafeMutableBytes(of: &raw.remote) {
      $0.copyBytes(from: [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 255, 127, 0, 0, remote.0])
    }
    withUnsafeMutableBytes(of: &raw.comm) { $0.copyBytes(from: name.utf8.prefix(15)) }
    return ConnectionRecord(raw)
  }

  private func endpoint(_ path: String, requests: UInt64, status: Int) -> (swprof_endpoint_key, swprof_endpoint) {
    var key = swprof_endpoint_key()
    key.tgid = 1
    key.method = 1
    key.is_server = 1
    key.path_hash = UInt64(path.utf8.reduce(7) { $0 &* 31 &+ Int($1) })
    var value = swprof_endpoint()
    value.requests = requests
    if status == 2 { value.finished.1 = requests } else { value.finished.4 = requests }
    value.path_size = UInt32(path.utf8.count)
    withUnsafeMutableBytes(of: &value.path) { $0.copyBytes(from: path.utf8) }
    return (key, value)
  }
}

/// The text of addresses.
@Suite struct EndpointTests {
  @Test(
    arguments: [
      ([0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 255, 10, 0, 0, 1], "10.0.0.1:80"),
      ([0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1], "[::1]:80"),
      ([0xfe, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2], "[fe80::2]:80"),
      ([0x20, 1, 0xd, 0xb8, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 1], "[2001:db8:0:1::1]:80"),
      ([0, 1, 0, 2, 0, 3, 0, 4, 0, 5, 0, 6, 0, 7, 0, 8], "[1:2:3:4:5:6:7:8]:80"),
      ([UInt8](repeating: 0, count: 16), "[::]:80"),
    ] as [([UInt8], String)])
  func `addresses are written as users write them`(address: [UInt8], text: String) {
    #expect(Endpoint(address, port: 80).text == text)
  }
}

extension NetworkProfileBuilder.Surroundings {
  /// Nothing is known of anything.
  static var none: Self {
    Self(
      owner: { _ in nil }, isTarget: { _ in true }, name: { _ in nil }, cgroup: { _ in nil }, hostName: { _ in nil },
      isListed: { _ in true }, shownPath: { $0 }, speaks: { _ in .unknown }, unreadReason: { _ in "" },
      wallTime: { WallTime(nanoseconds: Int64($0)) })
  }
}

extension NetworkProfileBuilder {
  fileprivate mutating func profile(
    times: [PeerKey: LatencyHistogram] = [:], hosts: HostNames = HostNames("")
  ) -> NetworkProfile {
    var surroundings = Surroundings.none
    surroundings.hostName = { hosts[$0] }
    return profile(
      source: NetworkSource(kind: .sockets, received: .sockets, sent: .sockets, hasCallTimes: false), endpoints: [],
      samples: [], times: times, surroundings: surroundings)
  }
}
