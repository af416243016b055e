import CommandRunning
import Foundation
import SeededRandom
import Testing

extension EndToEnd.NetworkTests {
  // Answers as servers write them, and connections that end or change hands in the middle.

  /// Shapes of `http_shapes`, each with a status of its own class, so that one that is shifted shows.
  private static let shapes = [
    "/200/plain", "/404/vectors64", "/500/vectors1024", "/301/chunks", "/404/head", "/200/parts", "/503/plain",
    "/201/file", "/404/plain",
  ]

  private static func status(of path: String) -> String { "\(path.dropFirst().prefix(1))xx" }

  private func startShapes() throws -> (command: RunningCommand, port: String) {
    let command = try bench.start([try bench.compile("http_shapes")])
    return (command, String(try command.waitForLine(startingWith: "ready").dropFirst("ready ".count)))
  }

  private func startShapesClient(_ options: [String], _ port: String, _ paths: [String]) throws -> RunningCommand {
    try bench.startWorkload([try bench.compile("http_client"), "-w"] + options + [port] + paths)
  }

  @Test(arguments: sources)
  func `of a thousand requests on one connection each has its own answer, however that is written`(
    source: [String]
  ) throws {
    let server = try startShapes()
    var random = SplitMix(state: 14)
    let paths = (0..<1000).map { _ in Self.shapes.randomElement(using: &random) ?? "" }
    let client = try startShapesClient([], server.port, paths)

    let capture = try bench.startNetwork(["--pid", "\(server.command.pid),\(client.pid)"] + source)
    #expect(try bench.finish(client: client)["requests"] == 1000)
    let view = try bench.finish(capture)

    let counts = Dictionary(grouping: paths) { $0 }.mapValues(\.count)
    for (path, count) in counts {
      for (pid, role) in [(server.command.pid, "server"), (client.pid, "client")] {
        let name: Comment = "\(path), \(role)"
        let totals = try #require(view.endpoints.first { $0.pid == pid && $0.path == path }?.totals, name)
        // What the kernel sends from a file is in no memory that its sender's view could be read from.
        let isSeen = role == "client" || !path.hasSuffix("/file")
        #expect(totals.count == count, name)
        #expect(totals.finished == (isSeen ? count : 0), name)
        #expect(totals.unpaired == (isSeen ? 0 : count), name)
        #expect(totals.answers == (isSeen ? [Self.status(of: path): count] : [:]), name)
        #expect((totals.unanswered, totals.notEnded, totals.endsMissed) == (0, 0, 0), name)
      }
    }
    #expect(view.endpoints.count == 2 * counts.count)
    #expect(view.actualLosses == ["request_unpaired": counts["/201/file"] ?? 0])
    let edge = try #require(view.edges(client: client.pid, server: server.command.pid).first)
    #expect(edge.clientView?.requests.finished == 1000)
    #expect(edge.serverView?.requests.finished == 1000 - (counts["/201/file"] ?? 0))
  }

  @Test(arguments: sources)
  func `a request head of 64 kB is counted by its first line`(source: [String]) throws {
    let server = try startShapes()
    let line = "X-Long: " + String(repeating: "x", count: 65_000)
    let client = try startShapesClient(["-h", line], server.port, ["/200/plain*2", "/404/plain*2", "/500/head"])

    let capture = try bench.startNetwork(["--pid", "\(server.command.pid),\(client.pid)"] + source)
    #expect(try bench.finish(client: client)["requests"] == 5)
    let view = try bench.finish(capture)

    #expect(view.actualLosses == [:])
    for pid in [server.command.pid, client.pid] {
      let answers = view.endpoints.filter { $0.pid == pid }.map { [$0.path: $0.totals.answers] }
      #expect(Set(answers) == [["/200/plain": ["2xx": 2]], ["/404/plain": ["4xx": 2]], ["/500/head": ["5xx": 1]]])
    }
  }

  @Test(arguments: sources)
  func `an answer that goes on, or is cut, is answered and not ended`(source: [String]) throws {
    let server = try startShapes()
    let clients = try ["/200/stream", "/503/cut"].map { try startShapesClient([], server.port, [$0]) }
    let pids = ([server.command.pid] + clients.map(\.pid)).map(String.init).joined(separator: ",")

    let capture = try bench.startNetwork(["--pid", pids, "--sample", "5xx"] + source)
    clients[0].send(SIGUSR1)
    try server.command.waitForLine(startingWith: "streams")
    // Its server has reset the connection by then.
    #expect(try bench.finish(client: clients[1])["requests"] == 0)
    let view = try bench.finish(capture)

    #expect(view.actualLosses == [:])
    for (client, (path, status)) in zip(clients, [("/200/stream", "2xx"), ("/503/cut", "5xx")]) {
      for pid in [server.command.pid, client.pid] {
        let totals = try #require(view.endpoints.first { $0.pid == pid && $0.path == path }?.totals)
        #expect((totals.count, totals.finished, totals.notEnded, totals.unanswered) == (1, 0, 1, 0), "\(path)")
        #expect(totals.answers == [status: 1])
        #expect(totals.duration.count == 0)
        #expect(totals.firstByteMeanNs ?? 0 > 0)
      }
    }
    #expect(view.samples.map(\.status) == [503, 503])
    #expect(view.samples.allSatisfy { $0.durationNs == nil })
    let report = try bench.run([bench.swprof, "report", "--db", bench.database])
    #expect(report.output.contains("GET /200/stream: 1 answered, not ended"))
  }

  @Test(arguments: sources)
  func `requests behind sixteen others are counted, and shift no answer`(source: [String]) throws {
    let server = try bench.startServer()
    let paths = (0..<256).map { $0 % 3 == 0 ? "/status/404" : $0 % 3 == 1 ? "/ok/0" : "/status/500" }
    let client = try bench.startClient(["-p", "64"], of: server, paths)

    let capture = try bench.startNetwork(["--pid", "\(server.pid),\(client.pid)"] + source)
    #expect(try bench.finish(client: client)["requests"] == 256)
    let view = try bench.finish(capture)

    for pid in [server.pid, client.pid] {
      for (path, status) in [("/status/404", "4xx"), ("/ok/0", "2xx"), ("/status/500", "5xx")] {
        let totals = try #require(view.endpoints.first { $0.pid == pid && $0.path == path }?.totals)
        #expect(totals.count == paths.count { $0 == path })
        #expect(totals.finished + totals.unpaired == totals.count)
        #expect(totals.finished > 0 && totals.answers == [status: totals.finished], "\(path)")
      }
    }
    let unpaired = view.endpoints.reduce(0) { $0 + $1.totals.unpaired }
    #expect(view.actualLosses["request_unpaired"] == unpaired)
    #expect(view.actualLosses["pipeline_overflow"] == unpaired)
  }

  @Test(arguments: sources)
  func `requests behind a preamble of the PROXY protocol are read`(source: [String]) throws {
    let server = try startShapes()
    let clients = try ["1", "2", "1s", "2s"].map {
      try startShapesClient(["-P", $0], server.port, ["/404/plain", "/200/plain*2"])
    }
    let pids = ([server.command.pid] + clients.map(\.pid)).map(String.init).joined(separator: ",")

    let capture = try bench.startNetwork(["--pid", pids] + source)
    for client in clients { #expect(try bench.finish(client: client)["requests"] == 3) }
    let view = try bench.finish(capture)

    #expect(view.actualLosses == [:])
    for client in clients {
      #expect(view.edges(client: client.pid, server: server.command.pid).map(\.protocol) == ["http/1"])
      let endpoints = view.endpoints.filter { $0.pid == client.pid }
      let answers = Set(endpoints.map { [$0.path: $0.totals.answers] })
      #expect(answers == [["/404/plain": ["4xx": 1]], ["/200/plain": ["2xx": 2]]])
    }
    let answers = view.endpoints.filter { $0.pid == server.command.pid }.map { [$0.path: $0.totals.answers] }
    #expect(Set(answers) == [["/404/plain": ["4xx": 4]], ["/200/plain": ["2xx": 8]]])
  }

  @Test(arguments: sources)
  func `requests are charged to the process that handles them, not to who had the connection first`(
    source: [String]
  ) throws {
    let master = try bench.start([try bench.compile("http_handover"), "10"])
    let words = try master.waitForLine(startingWith: "ready").split(separator: " ")
    let workers = words.suffix(2).compactMap { Int32($0) }
    let client = try startShapesClient(["-c", "3"], String(words[1]), ["/a*25"])
    let pids = ([master.pid] + workers).map(String.init).joined(separator: ",")

    let capture = try bench.startNetwork(["--pid", pids] + source)
    #expect(try bench.finish(client: client)["requests"] == 75)
    let view = try bench.finish(capture)

    #expect(view.actualLosses == [:])
    #expect(workers.count == 2)
    for (worker, count) in zip(workers, [30, 45]) {
      let totals = view.endpoints.filter { $0.pid == worker }.map(\.totals)
      #expect(totals.map(\.count) == [count])
      #expect(totals.map(\.answers) == [["2xx": count]])
    }
    #expect(!view.endpoints.contains { $0.pid == master.pid })
    // A connection is that of the process that handled its first request.
    let owners = view.connections.filter { $0.totals.requests.count > 0 }.map(\.pid)
    #expect(owners == [workers[0], workers[0], workers[0]])
  }
}
