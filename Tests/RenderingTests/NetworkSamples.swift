import ProfileModel

extension LatencyHistogram {
  /// Times in us, each as often as it is given.
  init(microseconds: [UInt64: UInt64]) {
    self.init()
    for (time, count) in microseconds.sorted(by: { $0.key < $1.key }) {
      for _ in 0..<count { add(nanoseconds: time * 1000) }
    }
  }
}

extension Sample {
  static let networkTask: ProfilingTask = {
    var task = Sample.task
    task.target = "comm nginx"
    task.spec = TaskSpec(
      kind: .network(NetworkOptions(uris: ["^/api"], bodyBytes: 4096)), durationNanoseconds: 10_000_000_000)
    task.event = "sock_send_length"
    task.account = SampleAccount(ticks: 133, taken: 131, losses: [.ringBufferFull: 2])
    task.warnings = ["1 process could not be examined"]
    task.trigger = nil
    return task
  }()

  /// A load generator, a proxy that is a target, an application behind it that is one too, its database on another
  /// machine, a cache on a unix socket, name lookups, and clients that are not on this machine.
  static let network: NetworkProfile = {
    var profile = NetworkProfile(
      source: NetworkSource(kind: .sockets, received: .sockets, sent: .systemCalls, hasCallTimes: true),
      nodes: [
        process(911, "wrk", isTarget: false), process(812, "nginx", isTarget: true),
        process(1200, "gunicorn", isTarget: true), .remote(address: "10.0.0.7", port: 5432, name: "db.internal"),
        .remote(address: "/run/redis.sock", port: nil, name: nil),
        .remote(address: "2001:db8::53", port: 53, name: nil), .remote(address: "192.0.2.17", port: nil, name: nil),
      ])
    let front = totals(connections: 64, sent: 1_250_000, received: 30_400_000, requests: (12_000, 40, 8))
    var frontServer = front
    swap(&frontServer.bytesSent, &frontServer.bytesReceived)
    frontServer.requests.durations = LatencyHistogram(microseconds: [400: 11_900, 9_000: 100, 30_000: 48])
    frontServer.failed = 0
    var outside = totals(connections: 3, sent: 9_000_000, received: 12_000, requests: (300, 0, 0))
    outside.retransmits = 17
    outside.resets = 1
    outside.requests.unanswered = 2
    outside.requests.count += 2
    let back = totals(connections: 8, sent: 2_000_000, received: 28_000_000, requests: (11_900, 40, 8))
    var database = totals(connections: 4, sent: 500_000, received: 7_000_000)
    database.failed = 2
    let edges = [
      NetworkEdge(
        client: 0, server: 1, transport: .tcp, speaks: .http1, clientView: front, serverView: frontServer),
      NetworkEdge(client: 6, server: 1, transport: .tcp, speaks: .http1, isTLS: true, serverView: outside),
      NetworkEdge(client: 1, server: 2, transport: .tcp, speaks: .http1, clientView: back),
      NetworkEdge(client: 2, server: 3, transport: .tcp, speaks: .postgresql, isTLS: true, clientView: database),
      NetworkEdge(
        client: 2, server: 4, transport: .unix, speaks: .redis,
        clientView: totals(connections: 2, sent: 800, received: 90)),
      NetworkEdge(
        client: 2, server: 5, transport: .udp, speaks: .dns, clientView: totals(connections: 1, sent: 64, received: 128)
      ),
    ]
    profile.edges = edges
    profile.connectionCount = 131
    profile.connections = [
      NetworkConnection(
        edge: 0, role: .server, process: ProcessID(rawValue: 812), processName: "nginx", descriptor: 9,
        local: "127.0.0.1:80", remote: "127.0.0.1:52114", openedAt: WallTime(nanoseconds: 1_795_408_831_300_000_000),
        totals: totals(connections: 1, sent: 480_000, received: 20_000, requests: (190, 1, 0))),
      NetworkConnection(
        edge: 4, role: .client, process: ProcessID(rawValue: 1200), processName: "gunicorn", local: "",
        remote: "/run/redis.sock", totals: totals(connections: 1, sent: 400, received: 45)),
    ]
    profile.endpoints = [
      endpoint("GET", "/api/orders", (9_000, 0, 8)), endpoint("POST", "/api/orders", (2_000, 40, 0)),
      endpoint("GET", "/static/" + String(repeating: "long/", count: 30) + "logo.svg", (1_000, 0, 0)),
    ]
    profile.samples = [
      sample(.serverError, "/api/orders", 502, 30), sample(.clientError, "/api/orders", 404, 1),
      sample(.slow, "/api/orders", 200, 410),
    ]
    profile.drops = ["TCP_OFOMERGE": 3, "NO_SOCKET": 12]
    profile.losses = [.connectionRecordLost: 2, .payloadSkipped: 1042]
    return profile
  }()

  static func process(_ id: Int32, _ name: String, isTarget: Bool) -> NetworkNode {
    .process(ProcessID(rawValue: id), name: name, isTarget: isTarget, cgroup: isTarget ? "/system.slice/web" : nil)
  }

  /// - Parameter requests: answered with 2xx, 4xx and 5xx.
  static func totals(
    connections: UInt64, sent: UInt64, received: UInt64, requests: (UInt64, UInt64, UInt64)? = nil
  ) -> NetworkTotals {
    var totals = NetworkTotals()
    totals.connections = connections
    totals.opened = connections
    totals.closed = connections / 2
    totals.bytesSent = sent
    totals.bytesReceived = received
    totals.sends = sent / 1000 + 1
    totals.receives = received / 1000 + 1
    totals.connectTime = LatencyHistogram(microseconds: [120: connections])
    totals.roundTrip = LatencyHistogram(microseconds: [45: connections])
    if let requests { totals.requests = answered(requests) }
    return totals
  }

  private static func answered(_ requests: (UInt64, UInt64, UInt64)) -> RequestTotals {
    let (fine, notFound, failed) = requests
    var totals = RequestTotals()
    totals.count = fine + notFound + failed
    totals.statusClasses = [0, fine, 0, notFound, failed]
    totals.durations = LatencyHistogram(microseconds: [600: fine, 1_500: notFound, 30_000: failed])
    totals.firstByteNanoseconds = totals.count * 500_000
    totals.requestBytes = totals.count * 100
    totals.responseBytes = totals.count * 2500
    return totals
  }

  static func endpoint(_ method: String, _ path: String, _ requests: (UInt64, UInt64, UInt64)) -> HTTPEndpoint {
    HTTPEndpoint(
      process: ProcessID(rawValue: 812), processName: "nginx", role: .server, method: method, path: path,
      totals: answered(requests))
  }

  static func sample(
    _ reason: RequestSample.Reason, _ path: String, _ status: Int, _ milliseconds: UInt64
  ) -> RequestSample {
    RequestSample(
      reason: reason, process: ProcessID(rawValue: 812), processName: "nginx", role: .server, method: "GET", path: path,
      status: status, startedAt: WallTime(nanoseconds: 1_795_408_834_500_000_000),
      durationNanoseconds: milliseconds * 1_000_000, firstByteNanoseconds: milliseconds * 900_000, requestBytes: 80,
      responseBytes: 0, peer: "127.0.0.1:52114", request: "GET \(path) HTTP/1.1\r\nAuthorization: ***\r\n\r\n",
      response: "HTTP/1.1 \(status) -\r\n\r\n<b>&]]>")
  }

  /// One edge between two processes with a name for all that has one.
  static func network(named name: String) -> NetworkProfile {
    var profile = NetworkProfile(
      source: network.source,
      nodes: [
        .process(ProcessID(rawValue: 1), name: name, isTarget: true, cgroup: name),
        .remote(address: name, port: 80, name: name), .remote(address: name, port: nil, name: nil),
      ],
      edges: [
        NetworkEdge(client: 0, server: 1, transport: .tcp, speaks: .http1, clientView: network.edges[0].clientView),
        NetworkEdge(client: 0, server: 2, transport: .unix, speaks: .unknown, clientView: NetworkTotals()),
      ])
    profile.connectionCount = 1
    profile.connections = [
      NetworkConnection(
        edge: 0, role: .client, process: ProcessID(rawValue: 1), processName: name, local: name, remote: name,
        totals: NetworkTotals())
    ]
    var endpoint = endpoint(name, name, (5, 1, 1))
    endpoint.processName = name
    profile.endpoints = [endpoint]
    var sample = sample(.slow, name, 200, 300)
    (sample.processName, sample.method, sample.peer, sample.request, sample.response) = (name, name, name, name, name)
    profile.samples = [sample]
    profile.drops = [name: 5]
    return profile
  }
}
