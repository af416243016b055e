import CommandRunning
import Foundation
import Testing

extension EndToEnd.NetworkTests {
  @Test(arguments: sources)
  func `connections older than the capture are counted, and their requests read`(source: [String]) throws {
    let program = try bench.compile("http_client")
    let server = try bench.startServer()
    let client = try bench.startWorkload([program, "-W", "-o", server.place, "/ok/0*20", "/big"])

    let capture = try bench.startNetwork(["--pid", "\(server.pid),\(client.pid)"] + source)
    let truth = try bench.finish(client: client)
    let view = try bench.finish(capture)

    #expect(view.actualLosses == [:])
    let edge = try #require(view.edges(client: client.pid, server: server.pid).first)
    for (view, sent, received) in [
      (edge.clientView, truth["bytes_sent"], truth["bytes_received"]),
      (edge.serverView, truth["bytes_received"], truth["bytes_sent"]),
    ] {
      let view = try #require(view)
      #expect((view.connections, view.opened, view.closed) == (1, 0, 0))
      #expect((view.requests.count, view.requests.finished) == (21, 21))
      #expect((view.bytesSent, view.bytesReceived) == (sent, received))
    }
  }

  @Test func `a command is watched from its first connection on, and its peer is named`() throws {
    let client = try bench.compile("http_client")
    let server = try bench.startServer()
    let file = bench.path("view.json")

    let result = try bench.run(bench.network(["--json", "-o", file, "--", client, server.place, "/ok/0*20"]))

    try #require(result.status == 0, "\(result.errors)")
    let truth = NetworkTruth(result.output)
    let json = try String(contentsOfFile: file, encoding: .utf8)
    let view = try NetworkView(decoding: json)
    #expect(view.actualLosses == [:])
    let edge = try #require(view.edges.first { $0.transport == "tcp" })
    let (ours, theirs) = (view.nodes[edge.client], view.nodes[edge.server])
    #expect(ours.name == "http_client" && ours.isTarget == true, "\(json)")
    #expect(theirs.name == "http_server" && theirs.isTarget == false && theirs.pid == server.pid)
    #expect(edge.serverView == nil)
    let totals = try #require(edge.clientView)
    #expect(totals.requests.count == 20)
    #expect((totals.bytesSent, totals.bytesReceived) == (truth["bytes_sent"], truth["bytes_received"]))
    // The map draws both.
    for form in ["--svg", "--dot"] {
      let map = try bench.run([bench.swprof, "report", "--db", bench.database, form])
      #expect(map.output.contains("http_client") && map.output.contains("http_server"), "\(form)")
    }
  }

  @Test func `a connection that is refused has failed`() throws {
    let client = try bench.compile("http_client")
    let server = try bench.startServer()
    // Nobody listens at its port from now on.
    server.command.kill()
    let file = bench.path("view.json")

    let result = try bench.run(bench.network(["--json", "-o", file, "--", client, server.place, "/ok/0"]))

    #expect(result.errors.contains("Connection refused"))
    let view = try NetworkView(decoding: String(contentsOfFile: file, encoding: .utf8))
    let totals = try #require(view.edges.first { $0.transport == "tcp" }?.clientView)
    #expect((totals.connections, totals.failed) == (1, 1))
    #expect((totals.bytesSent, totals.bytesReceived, totals.requests.count) == (0, 0, 0))
  }

  @Test(arguments: sources)
  func `a connection that a child goes on with is one connection`(source: [String]) throws {
    let client = try bench.compile("http_client")
    let server = try bench.startServer()
    let file = bench.path("view.json")

    let result = try bench.run(
      bench.network(["--json", "-o", file] + source + ["--", client, "-f", server.place, "/ok/0*20"]))

    try #require(result.status == 0, "\(result.errors)")
    let view = try NetworkView(decoding: String(contentsOfFile: file, encoding: .utf8))
    #expect(view.actualLosses == [:])
    let totals = try #require(view.edges(server: server.pid).first?.clientView)
    #expect(totals.connections == 1)
    #expect((totals.requests.count, totals.requests.finished) == (20, 20))
    #expect(totals.bytesSent == NetworkTruth(result.output)["bytes_sent"])
  }

  /// How many short connections each of four threads opens: an emulated CPU needs a while for each.
  private var shortConnections: Int {
    ProcessInfo.processInfo.environment["SWPROF_TEST_PATIENCE"] == nil ? 500 : 50
  }

  @Test func `short connections with the same descriptors are all counted`() throws {
    let server = try bench.startServer()
    let client = try bench.startClient(["-n", "-c", "4"], of: server, ["/ok/0*\(shortConnections)"])

    let capture = try bench.startNetwork(["--pid", "\(server.pid),\(client.pid)"])
    let truth = try bench.finish(client: client)
    try waitUntil("the ends of all connections") { try server.truths().count == 4 * shortConnections }
    let view = try bench.finish(capture)

    #expect(view.actualLosses == [:])
    let edge = try #require(view.edges(client: client.pid, server: server.pid).first)
    for (totals, sent) in [(edge.clientView, "bytes_sent"), (edge.serverView, "bytes_received")] {
      #expect(totals?.connections == 4 * shortConnections)
      #expect(totals?.requests.finished == 4 * shortConnections)
      #expect(totals?.bytesSent == truth[sent])
    }
    let task = try bench.task(try bench.latestTask().id)
    #expect((task.ticks, task.taken, task.lost) == (view.connectionCount, view.connectionCount, 0))
  }

  /// Fifty thousand; where memory is short, as in the virtual machines, fewer.
  private var manyConnections: Int {
    ProcessInfo.processInfo.environment["SWPROF_TEST_PATIENCE"] == nil ? 50_000 : 20_000
  }

  @Test(arguments: sourceKinds)
  func `fifty thousand connections at once are all counted`(source: [String]) throws {
    let workload = try bench.startWorkload([try bench.compile("many_connections"), "\(manyConnections)"])

    let capture = try bench.startNetwork(["--comm", "many_clients"] + source)
    let truth = try bench.finish(client: workload)
    let status = try String(contentsOfFile: "/proc/\(capture.pid)/status", encoding: .utf8)
    let view = try bench.finish(capture)

    // While it goes on, connections are in the kernel alone.
    let peak = status.split(separator: "\n").first { $0.hasPrefix("VmHWM:") }?.split(whereSeparator: \.isWhitespace)
    #expect(try #require(peak.flatMap { Int($0[1]) }) < 100 << 10)
    #expect(view.actualLosses == [:])
    #expect(truth["requests"] == manyConnections)
    // Foundation leaves a unix socket open in what it starts, which the clients inherit.
    #expect((0...1).contains(view.connectionCount - manyConnections))
    let totals = view.edges.filter { $0.transport == "tcp" }.compactMap(\.clientView)
    #expect(totals.reduce(0) { $0 + $1.connections } == manyConnections)
    #expect(totals.reduce(0) { $0 + $1.requests.finished } == manyConnections)
    #expect(totals.reduce(0) { $0 + $1.bytesSent } == truth["bytes_sent"])
    #expect(totals.reduce(0) { $0 + $1.bytesReceived } == truth["bytes_received"])
  }

  @Test func `of fifty thousand connections that end at once none is uncounted`() throws {
    let workload = try bench.startWorkload([try bench.compile("many_connections"), "\(manyConnections)"])

    let capture = try bench.startNetwork(["--comm", "many_clients"])
    _ = try bench.finish(client: workload)
    workload.kill()
    try waitUntil("the end of the clients") {
      try FileManager.default.contentsOfDirectory(atPath: "/proc").allSatisfy {
        (try? String(contentsOfFile: "/proc/\($0)/comm", encoding: .utf8)) != "many_clients\n"
      }
    }
    let view = try bench.finish(capture)

    let counted = view.connectionCount + (view.losses["connection_record_lost"] ?? 0)
    #expect((0...1).contains(counted - manyConnections))
    #expect(view.endpoints.reduce(0) { $0 + $1.totals.finished } == manyConnections)
  }

  @Test func `connections that a tiny ring buffer loses are counted and reported`() throws {
    let server = try bench.startServer()
    let client = try bench.startClient(["-n", "-c", "4"], of: server, ["/ok/0*\(shortConnections)"])

    let capture = try bench.startNetwork(["--pid", "\(client.pid)", "--ring-buffer-size", "4k"])
    _ = try bench.finish(client: client)
    // The capture ends with its only target.
    let result = try capture.wait()

    try #require(result.status == 0, "\(result.errors)")
    let view = try NetworkView(decoding: result.output)
    let task = try bench.task(try bench.latestTask().id)
    #expect(task.lost > 0)
    #expect(task.lost == view.losses["connection_record_lost"])
    #expect(task.taken == view.connectionCount)
    #expect(task.ticks == task.taken + task.lost)
    // Foundation leaves a socket open in what it starts, by which it notices the end.
    #expect((0...1).contains(task.ticks - 4 * shortConnections))
    // Requests are summed up in the kernel.
    #expect(view.endpoints.reduce(0) { $0 + $1.totals.finished } == 4 * shortConnections)
    #expect(result.errors.contains("lost"))
  }

  @Test func `connections that find no place in the table are reported`() throws {
    let server = try bench.startServer()
    let client = try bench.startClient(["-c", "20", "-o"], of: server, ["/ok/0*3"])

    let capture = try bench.startNetwork(["--pid", "\(client.pid)", "--table-size", "8"])
    _ = try bench.finish(client: client)
    capture.send(SIGTERM)
    let result = try capture.wait()

    try #require(result.status == 0, "\(result.errors)")
    let view = try NetworkView(decoding: result.output)
    #expect(view.connectionCount == 8)
    #expect(view.losses["connection_table_full"] ?? 0 > 0)
    #expect(result.errors.contains("connections that found no place in the table"))
  }
}
