import CommandRunning
import Foundation
import Testing

extension EndToEnd.NetworkTests {
  @Test(arguments: sources)
  func `latencies are those that both sides measure, also of answers longer than a tick`(source: [String]) throws {
    let server = try bench.startServer()
    let lengths = [(20, 40), (120, 15), (300, 4)]
    let clients = try lengths.map { try bench.startClient([], of: server, ["/ok/\($0)*\($1)"]) }
    let pids = ([server.pid] + clients.map(\.pid)).map(String.init).joined(separator: ",")

    let capture = try bench.startNetwork(["--pid", pids] + source)
    for client in clients { client.send(SIGUSR1) }
    let truths = try clients.map { NetworkTruth(try $0.waitForLine(startingWith: "requests ")) }
    try waitUntil("the ends of all connections") { try server.truths().count == lengths.count }
    let view = try bench.finish(capture)

    #expect(view.actualLosses == [:])
    for ((milliseconds, count), (client, truth)) in zip(lengths, zip(clients, truths)) {
      let ofServer = try #require(try server.truths().first { $0["requests"] == count })
      for (pid, role, truth) in [(client.pid, "client", truth), (server.pid, "server", ofServer)] {
        let name: Comment = "\(role) of \(milliseconds) ms"
        let endpoint = try #require(view.endpoints.first { $0.pid == pid && $0.path == "/ok/\(milliseconds)" }, name)
        #expect(endpoint.role == role)
        #expect(endpoint.totals.finished == count, name)
        expect(endpoint.totals.duration, truth, name)
      }
      let edge = try #require(view.edges(client: client.pid).first)
      expect(try #require(edge.clientView).requests.duration, truth, "edge of \(milliseconds) ms")
      expect(try #require(edge.serverView).requests.duration, ofServer, "edge of \(milliseconds) ms, server")
    }
  }

  /// Expects a mean and a 99th percentile like the measured ones.
  private func expect(_ times: NetworkView.Times, _ truth: NetworkTruth, _ name: Comment) {
    let mean = (times.meanNs ?? 0) / 1000 / Double(truth["mean_us"])
    let p99 = (times.p99Ns ?? 0) / 1000 / Double(truth["p99_us"])
    #expect(abs(mean - 1) <= 0.05, name)
    // The buckets are an eighth of a power of two wide.
    #expect(abs(p99 - 1) <= 0.1, name)
  }

  @Test(arguments: sources)
  func `failed and slow requests are kept with the reason, and with their heads less the secrets`(
    source: [String]
  ) throws {
    let server = try bench.startServer()
    let secrets = "Authorization: Basic c2VjcmV0\r\nCookie: taste=secret-cookie"
    let client = try bench.startClient(
      ["-h", secrets], of: server, ["/status/500*2", "/ok/0*3", "/status/404", "/ok/300", "/status/204"])

    let capture = try bench.startNetwork(
      ["--pid", "\(server.pid),\(client.pid)", "--slower-than", "250ms", "--body", "1024"] + source)
    _ = try bench.finish(client: client)
    let view = try bench.finish(capture)

    for role in ["server", "client"] {
      let samples = view.samples.filter { $0.role == role }
      #expect(samples.map(\.reason) == ["5xx", "5xx", "4xx", "slow"], "\(role)")
      #expect(samples.map(\.status) == [500, 500, 404, 200], "\(role)")
      #expect(samples.map(\.path) == ["/status/500", "/status/500", "/status/404", "/ok/300"], "\(role)")
      #expect(samples.allSatisfy { ($0.durationNs ?? 0 >= 250_000_000) == ($0.reason == "slow") })
      for sample in samples {
        let request = try #require(sample.request, "\(role) \(sample.path)")
        let response = try #require(sample.response, "\(role) \(sample.path)")
        #expect(request.hasPrefix("GET \(sample.path) HTTP/1.1"))
        #expect(request.contains("Authorization:") && request.contains("Cookie:"))
        #expect(!request.contains("c2VjcmV0") && !request.contains("secret-cookie"))
        #expect(response.hasPrefix("HTTP/1.1 \(sample.status) Whatever"))
        #expect(response.contains("Set-Cookie:") && !response.contains("secret-cookie"))
      }
    }
    let report = try bench.run([bench.swprof, "report", "--db", bench.database])
    #expect(report.output.contains("/status/500"))
    #expect(!report.output.contains("c2VjcmV0"))
  }

  @Test func `only the paths asked for are listed and kept`() throws {
    let server = try bench.startServer()
    let client = try bench.startClient([], of: server, ["/status/500", "/status/404", "/ok/0*3"])

    let capture = try bench.startNetwork(["--pid", "\(server.pid)", "--uri", "^/status/5", "--uri", "^/ok"])
    _ = try bench.finish(client: client)
    let view = try bench.finish(capture)

    #expect(view.endpoints.map(\.path) == ["/ok/0", "/status/500"])
    #expect(view.samples.map(\.path) == ["/status/500"])
    // The edges have all requests.
    #expect(view.edges(server: server.pid).first?.serverView?.requests.count == 5)
  }

  @Test func `the reasons asked for choose what is kept`() throws {
    let server = try bench.startServer()
    let client = try bench.startClient([], of: server, ["/status/500", "/status/404", "/ok/30"])

    let capture = try bench.startNetwork(
      ["--pid", "\(server.pid)", "--sample", "slow,4xx", "--slower-than", "20ms"])
    _ = try bench.finish(client: client)
    let view = try bench.finish(capture)

    #expect(view.samples.map(\.reason) == ["slow", "4xx"])
    #expect(view.samples.allSatisfy { $0.request == nil && $0.response == nil })
  }

  @Test func `programs that use io_uring are counted where sockets are watched`() throws {
    let program = try bench.compile("http_uring")
    let server = try bench.startServer()
    let file = bench.path("view.json")
    var views: [NetworkView] = []
    var truths: [NetworkTruth] = []

    for source in [[], ["--without-feature", "socket-tracepoints"]] {
      let result = try bench.run(
        bench.network(["--json", "-o", file] + source + ["--", program, server.place, "50"]))
      try #require(result.status == 0, "\(result.errors)")
      truths.append(NetworkTruth(result.output))
      views.append(try NetworkView(decoding: String(contentsOfFile: file, encoding: .utf8)))
    }

    for (view, truth) in zip(views, truths) {
      let client = try #require(view.edges(server: server.pid).first?.clientView)
      // TCP's own counters have the bytes in any case.
      #expect(client.bytesSent == truth["bytes_sent"])
      #expect(client.bytesReceived == truth["bytes_received"])
      let isSeen = view.source.kind == "sockets"
      #expect(client.sends == (isSeen ? 50 : 0))
      #expect((client.receives > 0) == isSeen)
    }
    #expect(views[1].source.kind == "system_calls")
    let unseen = views[1].edges.first { $0.transport == "tcp" }?.clientView
    if views[0].source.kind == "sockets" { #expect(unseen?.requests.count == 0) }
  }

  @Test func `a ring that is there already is read from the first request on`() throws {
    let (view, truth) = try ringOfRunningProcess("behind")
    guard view.source.kind == "sockets" else { return }

    let client = try #require(view.edges.first { $0.transport == "tcp" }?.clientView)
    #expect(client.bytesSent == truth["bytes_sent"])
    #expect(client.receives > 0)
    // A kernel may tell only what is received, and each call is counted then whose data could not be read.
    if view.actualLosses.isEmpty {
      #expect(client.requests.finished == 50)
      #expect(client.requests.count == 50)
    } else {
      #expect(view.actualLosses["payload_unreadable"] == 50)
    }
  }

  @Test func `of a ring that is made during a capture, each call that is not read is counted`() throws {
    let (view, truth) = try ringOfRunningProcess("before")
    guard view.source.kind == "sockets" else { return }

    let client = try #require(view.edges.first { $0.transport == "tcp" }?.clientView)
    #expect(client.bytesSent == truth["bytes_sent"])
    #expect(client.sends == 50)
    let unreadable = view.actualLosses["payload_unreadable", default: 0]
    #expect(unreadable > 0)
    // A call for a request, and one or more for its answer.
    #expect(client.requests.count < 50)
    #expect(client.requests.count + unreadable >= 50)
    // A kernel that does not tell what is sent has no request of it at all.
    if unreadable < 50 { #expect(client.requests.finished > 10) }
  }

  /// - Parameter moment: when the program waits for the capture, seen from the making of its ring.
  private func ringOfRunningProcess(_ moment: String) throws -> (NetworkView, NetworkTruth) {
    let program = try bench.compile("http_uring")
    let server = try bench.startServer()
    let client = try bench.startWorkload([program, server.place, "50", moment])
    let capture = try bench.startNetwork(["--pid", "\(client.pid)"])
    let truth = try bench.finish(client: client)
    return (try bench.finish(capture, endsByItself: true), truth)
  }

  @Test(arguments: sources)
  func `an answer that is read before the end of the call with its request shifts no other`(source: [String]) throws {
    let workload = try bench.startWorkload([try bench.compile("early_answers"), "3", "5"])

    let capture = try bench.startNetwork(["--pid", "\(workload.pid)"] + source)
    #expect(try bench.finish(client: workload)["requests"] == 8)
    let view = try bench.finish(capture, endsByItself: true)

    let then = try #require(view.endpoints.first { $0.path == "/then" && $0.role == "client" })
    #expect(then.totals.finished == 5)
    #expect(then.totals.unanswered == 0)
    let mean = try #require(then.totals.duration.meanNs)
    #expect((28e6...45e6).contains(mean))
    let early = try #require(view.endpoints.first { $0.path == "/early" && $0.role == "client" })
    #expect(early.totals.count == 3)
    #expect(early.totals.finished + view.actualLosses["response_unmatched", default: 0] == 3)
  }

  /// What a client needs is attached in the middle of a server's call, which has sent the beginning of its answer by then.
  @Test(arguments: [["/writev"], ["/ok/0", "/writev"]])
  func `an answer that is being sent when more programs are attached is read from its beginning`(
    requests: [String]
  ) throws {
    let server = try bench.startServer(at: "127.0.0.1", ["without-waiting"])
    let slow = try bench.startClient(["-l", "-p", "\(requests.count)"], of: server, requests)
    let other = try bench.startClient([], of: server, ["/ok/0*3"])
    let capture = try bench.startNetwork(["--pid", "\(server.pid),\(other.pid)"])

    slow.send(SIGUSR1)
    _ = try slow.waitForLine(startingWith: "sent")
    #expect(try bench.finish(client: other)["requests"] == 3)
    Thread.sleep(forTimeInterval: 2)
    #expect(try bench.finish(client: slow)["requests"] == requests.count)
    let view = try bench.finish(capture)

    #expect(view.actualLosses == [:])
    let answers = try #require(view.edges(client: slow.pid, server: server.pid).first?.serverView?.requests)
    #expect(answers.count == requests.count)
    #expect(answers.statuses.filter { $0.value > 0 } == ["2xx": requests.count])
  }
}
