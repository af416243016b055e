import CommandRunning
import Foundation
import Testing

extension EndToEnd.NetworkTests {
  private func startEventLoop(_ options: [String] = []) throws -> HTTPServer {
    // All workloads are compiled before the first one starts: scripts/vm-test takes them from there.
    _ = try bench.compile("waiting_client")
    let command = try bench.start([try bench.compile("event_loop")] + options)
    let port = try command.waitForLine(startingWith: "ready").dropFirst("ready ".count)
    let path = options.first.flatMap { $0.hasPrefix("/") ? $0 : nil }
    return HTTPServer(command: command, place: path ?? String(port))
  }

  private func startWaitingClient(_ server: HTTPServer, _ options: [String]) throws -> RunningCommand {
    try bench.startWorkload([try bench.compile("waiting_client"), server.place] + options)
  }

  @Test(arguments: sourceKinds)
  func `a request that waits for a blocked event loop has taken as long as its client waited`(source: [String]) throws {
    let server = try startEventLoop()
    let client = try startWaitingClient(server, ["10", "200"])

    let capture = try bench.startNetwork(["--pid", "\(server.pid)"] + source)
    let truth = try bench.finish(client: client)
    let view = try bench.finish(capture)

    let endpoint = try #require(view.endpoints.first { $0.path == "/wait" })
    #expect(endpoint.totals.finished == 10)
    #expect(endpoint.totals.startsFrom == "arrival")
    let mean = (endpoint.totals.duration.meanNs ?? 0) / 1000
    // It waits for 170 of 200 ms; some packets' times are known to a tick only, which is up to 10 ms.
    #expect(truth["mean_us"] > 150_000)
    #expect(abs(mean - Double(truth["mean_us"])) < 9_000)
  }

  @Test func `over a unix socket the time starts with the read, which is said`() throws {
    let server = try startEventLoop([bench.path("socket")])
    let client = try startWaitingClient(server, ["5", "200"])

    let capture = try bench.startNetwork(["--pid", "\(server.pid)"])
    let truth = try bench.finish(client: client)
    let view = try bench.finish(capture)

    let endpoint = try #require(view.endpoints.first { $0.path == "/wait" })
    #expect(endpoint.totals.startsFrom == "first_read")
    #expect(truth["mean_us"] > 150_000)
    #expect((endpoint.totals.duration.meanNs ?? .infinity) / 1000 < 50_000)
    let report = try bench.run([bench.swprof, "report", "--db", bench.database])
    #expect(report.output.contains("a server's times start when a request is first read"))
  }

  @Test(arguments: sourceKinds)
  func `answers that TCP holds back are told with the client's delay`(source: [String]) throws {
    for options in [["in-two-writes"], []] {
      let server = try startEventLoop(options)
      let client = try startWaitingClient(server, ["25"])

      let capture = try bench.startNetwork(["--pid", "\(server.pid)"] + source)
      let truth = try bench.finish(client: client)
      let view = try bench.finish(capture)

      // Its second connection is idle.
      let edge = view.edges(server: server.pid).first { $0.protocol == "http/1" }
      let totals = try #require(edge?.serverView)
      #expect(totals.requests.finished == 25)
      guard !options.isEmpty else {
        #expect((totals.heldMessages, view.findings) == (0, []))
        continue
      }
      let finding = try #require(view.findings.first)
      #expect((finding.kind, finding.evidence) == ("held_answers", "tcp_acknowledgements"))
      // The first answer of a connection is acknowledged at once.
      #expect((20...25).contains(totals.heldMessages))
      // What the client has waited is held back, and little else.
      let held = Double(totals.heldNs) / 25 / 1000
      #expect(truth["mean_us"] > 30_000)
      #expect(abs(held - Double(truth["mean_us"])) < 9_000)
      #expect(finding.text.contains("Nagle's algorithm"))
    }
  }

  @Test(arguments: sourceKinds)
  func `a capture lasts as long as it counts, and rates are those of a client's clock`(source: [String]) throws {
    let server = try startEventLoop()
    let client = try startWaitingClient(server, ["0", "every", "5"])
    client.send(SIGUSR1)
    try client.waitForLine(startingWith: "begun")

    let result = try bench.run(bench.network(["--pid", "\(server.pid)", "--duration", "3s", "--json"] + source))

    try #require(result.status == 0, "\(result.errors)")
    let view = try NetworkView(decoding: result.output)
    let seconds = Double(try #require(try bench.latestTask().durationNanoseconds)) / 1e9
    #expect((3.0..<3.1).contains(seconds))
    let count = Double(try #require(view.endpoints.first).totals.finished)
    #expect(abs(count / seconds / 200 - 1) < 0.015, "\(count) in \(seconds) s")
  }

  @Test func `short clients of one program are one node with their number`() throws {
    let server = try bench.startServer()
    let client = try bench.compile("http_client")
    let lasting = try bench.startClient(["-o"], of: server, ["/ok/0*3"])

    let capture = try bench.startNetwork(["--pid", "\(server.pid)"])
    _ = try bench.finish(client: lasting)
    let script = "i=0; while [ $i -lt 30 ]; do \(client) \(server.place) '/ok/0*2' || exit 1; i=$((i + 1)); done"
    let clients = try bench.run(["sh", "-c", script])
    try #require(clients.status == 0, "\(clients.errors)")
    try waitUntil("the ends of all connections") { try server.truths().count == 30 }
    let view = try bench.finish(capture)

    let nodes = view.nodes.filter { $0.name == "http_client" }
    #expect(nodes.map(\.count) == [1, 30] || nodes.map(\.count) == [30, 1])
    let group = try #require(view.edges.first { view.nodes[$0.client].count == 30 }?.serverView)
    #expect((group.connections, group.requests.finished, group.requests.duration.count) == (30, 60, 60))
    let alone = try #require(view.edges(client: lasting.pid).first?.serverView)
    #expect((alone.connections, alone.requests.finished) == (1, 3))
    for form in ["--svg", "--dot", "--html"] {
      let report = try bench.run([bench.swprof, "report", "--db", bench.database, form])
      #expect(report.output.contains("http_client ×30"), "\(form)")
    }
    let report = try bench.run([bench.swprof, "report", "--db", bench.database])
    #expect(report.output.contains("http_client ×30"))
  }
}
