import CommandRunning
import Foundation
import Testing

extension EndToEnd {
  /// Connections and requests: against what the clients and servers themselves have counted.
  @Suite struct NetworkTests {
    let bench: Workbench

    init() throws { bench = try Workbench() }

    /// Whether the best way to look at calls is enough, as in the machines of scripts/vm-test.
    private static let hasOneSource = ProcessInfo.processInfo.environment["SWPROF_TEST_ONE_SOURCE"] != nil

    /// Each way to look at calls and their data; a kernel without the better ones takes the next.
    static let sources =
      hasOneSource
      ? [[]]
      : [
        [], ["--without-feature", "send-content"], ["--without-feature", "packet-content"],
        ["--without-feature", "socket-tracepoints"],
      ]

    /// The best way, and the one that looks at system calls alone.
    static let sourceKinds = hasOneSource ? [[]] : [[], ["--without-feature", "socket-tracepoints"]]

    /// A client's way to send requests.
    private struct Traffic {
      let options: [String]
      let requests: [String]
      /// Where the server listens, and in what way it answers.
      var server = ["127.0.0.1"]
      var connections = 1
    }

    private static let mixed = [
      "/ok/0*10", "/status/204*3", "/status/304*3", "/status/404*2", "/status/503*2", "/chunked*3", "/big",
      "/sendfile", "/writev", "/pieces*2", "/continue*2", "/ok/0",
    ]

    private func traffic() -> [Traffic] {
      [
        Traffic(options: [], requests: Self.mixed),
        Traffic(options: ["-p", "16"], requests: ["/ok/0*64"]),
        Traffic(options: ["-p", "16"], requests: ["/ok/0*64"], server: ["127.0.0.1", "together"]),
        Traffic(options: ["-s"], requests: ["/ok/0*5", "/chunked"]),
        Traffic(options: [], requests: Self.mixed, server: ["127.0.0.1", "in-pieces"]),
        Traffic(options: [], requests: Self.mixed, server: ["127.0.0.1", "without-waiting"]),
        Traffic(
          options: ["-p", "16"], requests: ["/ok/0*16", "/pieces*16"],
          server: ["127.0.0.1", "together", "without-waiting"]),
        Traffic(options: ["-m", "HEAD"], requests: ["/ok/0*3", "/big", "/chunked", "/ok/0*2"]),
        Traffic(options: ["-m", "POST", "-b", "5000"], requests: ["/ok/0*5", "/continue"]),
        Traffic(options: ["-m", "POST", "-b", "5000", "-u"], requests: ["/ok/0*5"]),
        Traffic(options: ["-k"], requests: Self.mixed),
        Traffic(options: ["-t"], requests: Self.mixed),
        Traffic(options: ["-M"], requests: Self.mixed, server: ["127.0.0.1", "mptcp"]),
        Traffic(options: ["-M", "-k"], requests: Self.mixed, server: ["::1", "mptcp"]),
        Traffic(options: [], requests: Self.mixed, server: ["127.0.0.1", "mptcp"]),
        Traffic(options: ["-n"], requests: ["/close*3", "/ok/0*3"], connections: 6),
        Traffic(options: ["-n"], requests: ["/close*3", "/ok/0*3"], server: [bench.path("socket")], connections: 6),
        Traffic(
          options: ["-n", "-M"], requests: ["/close*3", "/ok/0*3"], server: ["127.0.0.1", "mptcp"], connections: 6),
        Traffic(options: ["-c", "8"], requests: ["/ok/0*5", "/big"], connections: 8),
        Traffic(options: [], requests: Self.mixed, server: ["::1"]),
        Traffic(options: ["-p", "8"], requests: ["/ok/0*16"], server: ["::1"]),
        Traffic(options: [], requests: Self.mixed, server: [bench.path("socket")]),
        Traffic(options: ["-s"], requests: ["/ok/0*5"], server: [bench.path("socket")]),
      ]
    }

    @Test(arguments: sources)
    func `requests and bytes are those of clients and servers`(source: [String]) throws {
      let traffic = traffic()
      var servers: [[String]: HTTPServer] = [:]
      for server in traffic.map(\.server) where servers[server] == nil {
        servers[server] = try bench.startServer(at: server[0], Array(server.dropFirst()))
      }
      let clients = try traffic.map {
        try bench.startClient($0.options, of: try #require(servers[$0.server]), $0.requests)
      }
      let pids = (servers.values.map(\.pid) + clients.map(\.pid)).map(String.init).joined(separator: ",")

      let capture = try bench.startNetwork(["--pid", pids] + source)
      let truths = try clients.map { try bench.finish(client: $0) }
      try waitUntil("the ends of all connections") {
        try servers.values.reduce(0) { $0 + (try $1.truths().count) } == traffic.reduce(0) { $0 + $1.connections }
      }
      let view = try bench.finish(capture)

      #expect(view.actualLosses == [:])
      for ((traffic, client), truth) in zip(zip(traffic, clients), truths) {
        let name = Comment(rawValue: "\(traffic)")
        let server = try #require(servers[traffic.server])
        let edges = view.edges(client: client.pid, server: server.pid)
        try #require(edges.count == 1, name)
        #expect(edges[0].protocol == "http/1", name)
        let ours = try #require(edges[0].clientView, name)
        let theirs = try #require(edges[0].serverView, name)
        #expect(ours.bytesSent == truth["bytes_sent"], name)
        #expect(ours.bytesReceived == truth["bytes_received"], name)
        #expect(theirs.bytesSent == truth["bytes_received"], name)
        #expect(theirs.bytesReceived == truth["bytes_sent"], name)
        for view in [ours, theirs] {
          #expect(view.connections == traffic.connections, name)
          #expect(view.opened == traffic.connections, name)
          #expect(view.requests.count == truth["requests"], name)
          #expect(view.requests.finished == truth["requests"], name)
          let expected = traffic.requests == Self.mixed ? ["2xx": 24, "3xx": 3, "4xx": 2, "5xx": 2] : nil
          #expect(expected == nil || view.requests.statuses.filter { $0.value > 0 } == expected, name)
        }
      }
    }
  }
}
