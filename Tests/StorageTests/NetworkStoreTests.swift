import Foundation
import ProfileModel
import Storage
import Testing

@Suite struct NetworkStoreTests {
  private let directory: TemporaryDirectory
  private let store: TaskStore

  init() throws {
    directory = try TemporaryDirectory()
    store = try TaskStore.open(path: directory.database)
  }

  private static var task: ProfilingTask {
    var task = Sample.task()
    task.status = .done
    task.spec.kind = .network(NetworkOptions(uris: ["^/api/\"x\""], reasons: [.serverError], bodyBytes: 4096))
    return task
  }

  private func add(_ profile: NetworkProfile) throws -> TaskID {
    var task = Self.task
    task.id = try store.begin(task)
    try store.finish(task, network: profile)
    return task.id
  }

  /// Every kind of node, and a member of each list.
  private static let profile: NetworkProfile = {
    var totals = NetworkTotals()
    totals.connections = .max
    totals.bytesSent = 1 << 60
    totals.roundTrip.add(nanoseconds: 45_000)
    totals.heldMessages = 2
    totals.heldNanoseconds = 84_000_000
    totals.requests.count = 3
    totals.requests.statusClasses = [0, 1, 0, 1, 1]
    totals.requests.durations.add(nanoseconds: 5_000_000_000_000_000)
    let client = ProcessID(rawValue: 7)
    return NetworkProfile(
      source: NetworkSource(kind: .systemCalls, received: .sockets, sent: .systemCalls, hasCallTimes: true),
      nodes: [
        .process(client, name: "a\0\u{1F525}\n", isTarget: true, cgroup: "/x"),
        .remote(address: "::1", port: 80, name: "host"), .remote(address: "@abstract", port: nil, name: nil),
        .other(count: 12), .program(name: "curl", count: 120, isTarget: false, cgroup: nil),
        .remote(address: "127.0.0.1", port: 80, name: nil, namespace: 4_026_532_201),
      ],
      edges: [
        NetworkEdge(client: 0, server: 1, transport: .tcp, speaks: .http1, isTLS: true, clientView: totals),
        NetworkEdge(client: 3, server: 0, transport: .unixDatagram, speaks: .unknown, serverView: totals),
      ],
      connections: [
        NetworkConnection(
          edge: 1, role: .server, process: client, processName: "a", descriptor: 9, local: "", remote: "[::1]:80",
          openedAt: WallTime(nanoseconds: -1), totals: totals)
      ], connectionCount: 77,
      endpoints: [
        HTTPEndpoint(
          process: client, processName: "a", role: .client, method: "GET", path: "/\u{202E}", totals: totals.requests)
      ],
      samples: [
        RequestSample(
          reason: .clientError, process: client, processName: "a", role: .server, method: "PUT", path: "/", status: 404,
          startedAt: WallTime(nanoseconds: 5), durationNanoseconds: 1, firstByteNanoseconds: 2, requestBytes: 3,
          responseBytes: 4, peer: "p", request: "PUT / HTTP/1.1\r\n\r\n", response: nil)
      ], drops: ["NO_SOCKET": 3], losses: [.connectionTableFull: 1, .tlsUnbound: 2])
  }()

  @Test func `the document of an earlier swprof is read, and what it does not say is not known`() throws {
    let document = """
      {"source": {"kind": "sockets", "received": "sockets", "sent": "sockets", "hasCallTimes": false},
      "nodes": [{"remote": {"address": "127.0.0.1", "port": 80}},
      {"process": {"_0": 7, "name": "a", "isTarget": true, "cgroup": "/x"}}],
      "edges": [{"client": 1, "server": 0, "transport": "tcp", "speaks": "http/1", "isTLS": false, "clientView": {}}],
      "connections": [{"edge": 0, "role": "client", "process": 7, "processName": "a", "local": "", "remote": "",
      "totals": {}}], "connectionCount": 1, "endpoints": [], "samples": [], "drops": {}, "losses": {}}
      """

    let profile = try JSONDecoder().decode(NetworkProfile.self, from: Data(document.utf8))

    #expect(profile.nodes[0] == .remote(address: "127.0.0.1", port: 80, name: nil))
    #expect(profile.requestStart(of: profile.edges[0], .server) == .firstRead)
    #expect(profile.connections[0].namespace == nil)
    #expect(profile.edges[0].clientView?.heldMessages == 0)
  }

  @Test func `a network task and its profile come back whole`() throws {
    let id = try add(Self.profile)
    var expected = Self.task
    expected.id = id
    #expect(try store.task(id) == expected)
    #expect(try store.networkProfile(of: id) == Self.profile)
    #expect(try TaskStore.openReadOnly(path: directory.database).networkProfile(of: id) == Self.profile)
  }

  @Test func `it is the latest task, and leaves with its profile`() throws {
    let older = try store.add()
    let id = try add(Self.profile)
    #expect(try store.latest()?.id == id)
    #expect(try store.latest()?.kind == .network)
    try store.remove([id])
    #expect(try store.latest()?.id == older)
    #expect(throws: StoreError.noProfile(id)) { try store.networkProfile(of: id) }
  }

  @Test func `stacks and networks are not taken for each other`() throws {
    let network = try add(Self.profile)
    let stacks = try store.add()
    #expect(throws: StoreError.noProfile(network)) { try store.profile(of: network) }
    #expect(throws: StoreError.noProfile(stacks)) { try store.networkProfile(of: stacks) }
  }

  @Test func `a task that is not there can't be finished`() throws {
    var task = Self.task
    task.id = TaskID(rawValue: 77)
    #expect(throws: StoreError.noSuchTasks([task.id])) { try store.finish(task, network: Self.profile) }
  }

  @Test func `places that are not there are refused`() throws {
    var profile = Self.profile
    profile.edges[0].server = profile.nodes.count
    var id = try add(profile)
    #expect(throws: StoreError.malformedTask(id, detail: "its network profile is damaged")) {
      try store.networkProfile(of: id)
    }
    profile = Self.profile
    profile.connections[0].edge = -1
    id = try add(profile)
    #expect(throws: StoreError.malformedTask(id, detail: "its network profile is damaged")) {
      try store.networkProfile(of: id)
    }
  }

  @Test func `a document with any bytes changed is an error that names the task`() throws {
    let directory = try TemporaryDirectory()
    var task = Self.task
    // A store that is closed leaves nothing in its log.
    func record() throws -> TaskID {
      let store = try TaskStore.open(path: directory.database)
      task.id = try store.begin(task)
      try store.finish(task, network: Self.profile)
      return task.id
    }
    let id = try record()
    let whole = Data(try directory.bytes())
    // The magic number of gzip, and the method that it always has.
    let start = try #require(whole.range(of: Data([0x1F, 0x8B, 8]))).lowerBound
    for offset in stride(from: 12, to: 400, by: 13) {
      var bytes = whole
      bytes[start + offset] ^= 0x55
      try directory.write(bytes)
      let error = #expect(throws: StoreError.self) {
        try TaskStore.openReadOnly(path: directory.database).networkProfile(of: id)
      }
      #expect(error == .malformedTask(id, detail: "its network profile is damaged"))
    }
  }

  @Test func `10,000 connections take at most 1 MB and come back`() throws {
    var profile = Self.profile
    var totals = profile.edges[0].clientView ?? NetworkTotals()
    totals.connections = 1
    for index in 0..<10_000 {
      totals.bytesSent = UInt64(index * 7919 % 100_003)
      totals.bytesReceived = UInt64(index * 104_729 % 1_000_003)
      totals.requests.count = UInt64(index % 97)
      totals.requests.durations.add(nanoseconds: UInt64(index * 7907 % 1009) * 1000)
      profile.connections.append(
        NetworkConnection(
          edge: 0, role: .server, process: ProcessID(rawValue: 7), processName: "nginx", descriptor: Int32(index % 500),
          local: "127.0.0.1:80", remote: "10.0.\(index / 250).\(index % 250):\(1024 + index * 31 % 60_000)",
          openedAt: WallTime(nanoseconds: Int64(index) * 1_000_003), totals: totals))
    }
    profile.connectionCount = 10_001
    let directory = try TemporaryDirectory()
    // Closing the store writes its log into the file.
    func record() throws -> TaskID {
      let store = try TaskStore.open(path: directory.database)
      var task = Self.task
      task.id = try store.begin(task)
      try store.finish(task, network: profile)
      return task.id
    }
    let id = try record()
    let size = try directory.bytes().count
    #expect(size <= 1_000_000, "\(size)")
    #expect(try TaskStore.openReadOnly(path: directory.database).networkProfile(of: id) == profile)
  }
}
