import CommandRunning
import Foundation
import Testing

extension EndToEnd.NetworkTests {
  // What other programs than ours do, and other networks; none of these run in the machines of scripts/vm-test.

  func makeCertificate() throws -> (certificate: String, key: String) {
    let (certificate, key) = (bench.path("certificate.pem"), bench.path("key.pem"))
    let result = try bench.run(
      ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1", "-subj", "/CN=localhost"]
        + ["-keyout", key, "-out", certificate])
    try #require(result.status == 0, "\(result.errors)")
    return (certificate, key)
  }

  @Test(arguments: sourceKinds)
  func `requests that Python encrypts are read`(source: [String]) throws {
    let (certificate, key) = try makeCertificate()
    let server = try bench.start(["/usr/bin/python3", bench.workload("https_server.py"), certificate, key])
    let port = try server.waitForLine(startingWith: "ready").dropFirst("ready ".count)
    let client = try bench.startWorkload(
      ["/usr/bin/python3", bench.workload("https_client.py"), String(port), "/ok/20*30", "/status/500*2", "/ok/250"])

    let capture = try bench.startNetwork(["--pid", "\(server.pid),\(client.pid)", "--slower-than", "200ms"] + source)
    let truth = try bench.finish(client: client)
    let view = try bench.finish(capture)

    #expect(view.actualLosses == [:])
    for (pid, role) in [(server.pid, "server"), (client.pid, "client")] {
      let endpoints = view.endpoints.filter { $0.pid == pid }
      #expect(endpoints.allSatisfy { $0.isTls && $0.role == role })
      #expect(endpoints.map(\.path) == ["/ok/20", "/status/500", "/ok/250"], "\(role)")
      #expect(endpoints.map(\.totals.finished) == [30, 2, 1], "\(role)")
      let mean = (endpoints.first?.totals.duration.meanNs ?? 0) / 1000
      #expect((20_000...23_000).contains(mean), "\(role)")
      #expect(view.samples.filter { $0.role == role }.map(\.reason) == ["5xx", "5xx", "slow"])
    }
    let edge = try #require(view.edges(client: client.pid, server: server.pid).first { $0.isTls })
    for totals in [edge.clientView, edge.serverView] {
      #expect(totals?.requests.finished == truth["requests"])
      #expect(totals?.requests.statuses["5xx"] == 2)
    }
  }

  /// Starts nginx as one process that listens at a port without and one with TLS.
  private func startNginx() throws -> (command: RunningCommand, log: String, plain: String, encrypted: String) {
    let (certificate, key) = try makeCertificate()
    let log = bench.path("access.log")
    for attempt in 1...5 {
      let ports = [Int.random(in: 20_000..<30_000), Int.random(in: 20_000..<30_000)]
      let configuration = """
        daemon off; master_process off; pid \(bench.path("nginx.pid")); error_log stderr;
        events {}
        http {
          access_log \(log);
          keepalive_requests 1000000;
          server {
            listen 127.0.0.1:\(ports[0]); listen 127.0.0.1:\(ports[1]) ssl;
            ssl_certificate \(certificate); ssl_certificate_key \(key);
            location /ok/ { return 200 "hello world\\n"; }
            location / { root \(bench.directory.path); }
          }
        }
        """
      try configuration.write(toFile: bench.path("nginx.conf"), atomically: true, encoding: .utf8)
      try Data(count: 1 << 20).write(to: URL(filePath: bench.path("big")))
      let nginx = try bench.start(["nginx", "-c", bench.path("nginx.conf"), "-p", bench.directory.path])
      do {
        try waitUntil("nginx at a free port", 3) { try bench.isListening(at: ports[1], ofProcess: nginx.pid) }
        return (nginx, log, "\(ports[0])", "\(ports[1])")
      } catch is RunningCommand.DeadlinePassed where attempt < 5 { nginx.kill() }
    }
    preconditionFailure("the last attempt returns or throws")
  }

  private func lines(of file: String) throws -> Int {
    try String(contentsOfFile: file, encoding: .utf8).split(separator: "\n").count
  }

  @Test(arguments: sources)
  func `requests of nginx are as many as it has logged, and bytes as many as clients have`(source: [String]) throws {
    let program = try bench.compile("http_client")
    let nginx = try startNginx()
    let client = try bench.startWorkload([program, "-w", "-c", "4", nginx.plain, "/ok/0*500", "/big*3", "/none"])

    let capture = try bench.startNetwork(["--pid", "\(nginx.command.pid)"] + source)
    let truth = try bench.finish(client: client)
    try waitUntil("the log") { try lines(of: nginx.log) == truth["requests"] }
    let view = try bench.finish(capture)

    #expect(view.actualLosses == [:])
    let totals = try #require(view.edges(client: client.pid).first?.serverView)
    #expect(totals.connections == 4)
    #expect((totals.requests.count, totals.requests.finished) == (truth["requests"], truth["requests"]))
    #expect(totals.requests.statuses["4xx"] == 4)
    #expect((totals.bytesSent, totals.bytesReceived) == (truth["bytes_received"], truth["bytes_sent"]))
  }

  @Test(arguments: sourceKinds)
  func `requests of nginx under load are as many as it has logged`(source: [String]) throws {
    let nginx = try startNginx()

    for (scheme, port) in [("http", nginx.plain), ("https", nginx.encrypted)] {
      try Data().write(to: URL(filePath: nginx.log))
      let before = try lines(of: nginx.log)
      let capture = try bench.startNetwork(["--pid", "\(nginx.command.pid)"] + source)
      let load = try bench.run(["wrk", "-t1", "-c8", "-d1s", "\(scheme)://127.0.0.1:\(port)/ok/0"])
      try #require(load.status == 0, "\(load.errors)")
      // It still answers what was on its way when the clients went.
      var seen = -1
      try waitUntil("the last requests") {
        defer { seen = (try? lines(of: nginx.log)) ?? 0 }
        Thread.sleep(forTimeInterval: 0.2)
        return try lines(of: nginx.log) == seen
      }
      let view = try bench.finish(capture)

      let logged = try lines(of: nginx.log) - before
      #expect(view.actualLosses == [:], "\(scheme)")
      let endpoint = try #require(view.endpoints.first, "\(scheme)")
      #expect(endpoint.isTls == (scheme == "https"))
      #expect(endpoint.totals.finished == logged, "\(scheme)")
    }
  }

  @Test func `retransmits and round trips are the kernel's own`() throws {
    let (program, listener) = (try bench.compile("http_client"), try bench.compile("http_server"))
    // Behind a queue that is too short for what TCP has under way, packets are lost.
    let server = try bench.start(
      ["unshare", "--net", "sh", "-c"]
        + [
          "ip link set lo up mtu 1500 && tc qdisc add dev lo root tbf rate 10mbit burst 5kb limit 5kb"
            + " && exec \(listener) 127.0.0.1"
        ])
    let port = try server.waitForLine(startingWith: "ready").dropFirst("ready ".count)
    let within = ["nsenter", "--target", "\(server.pid)", "--net"]
    let client = try bench.startWorkload(within + [program, "-w", "-o", String(port), "/big*3"])

    let capture = try bench.startNetwork(["--pid", "\(server.pid),\(client.pid)"])
    let truth = try bench.finish(client: client)
    let sockets = try socketsOnceAcknowledged(at: port, within)
    let counters = try bench.run(within + ["nstat", "-az", "TcpRetransSegs"]).output
    let view = try bench.finish(capture)

    let edge = try #require(view.edges(client: client.pid, server: server.pid).first)
    let totals = try #require(edge.serverView)
    #expect(totals.bytesSent == truth["bytes_received"])
    let retransmits = try number(in: sockets, "retrans:\\d+/(\\d+)")
    #expect(retransmits > 10)
    #expect(totals.retransmits == Int(retransmits))
    let ofNamespace = try number(in: counters, "TcpRetransSegs +(\\d+)")
    #expect(totals.retransmits + (edge.clientView?.retransmits ?? 0) == Int(ofNamespace))
    let roundTrip = try number(in: sockets, " rtt:([\\d.]+)/")
    #expect(abs((totals.roundTrip.meanNs ?? 0) / 1e6 / roundTrip - 1) <= 0.1)
  }

  /// What `ss` shows of the connections at a port once all is acknowledged that was sent there: the last acknowledgement
  /// may be delayed, and its round trip is measured too.
  ///
  /// - Parameter within: the beginning of a command line that runs in the port's network namespace.
  func socketsOnceAcknowledged(at port: some StringProtocol, _ within: [String]) throws -> String {
    var sockets = ""
    try waitUntil("the last acknowledgement") {
      sockets = try bench.run(within + ["ss", "-tniOH", "sport", "=", String(port)]).output
      return !sockets.contains(" unacked:")
    }
    return sockets
  }

  func number(in text: String, _ pattern: String) throws -> Double {
    let match = try #require(try Regex(pattern).firstMatch(in: text), "\(text)")
    return try #require(match.output[1].substring.flatMap { Double($0) }, "\(text)")
  }
}

extension Workbench {
  /// Whether a process listens at a port of ours.
  fileprivate func isListening(at port: Int, ofProcess process: Int32) throws -> Bool {
    try run(["ss", "-tlnpH", "sport", "=", "\(port)"]).output.contains("pid=\(process),")
  }
}
