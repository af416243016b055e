import Capture
import CommandRunning
import Foundation
import ProfileModel
import Testing

extension EndToEnd.NetworkTests {
  // None of these run in the machines of scripts/vm-test: their programs are too large.

  /// A program whose encrypted requests are not read.
  struct Unread: CustomTestStringConvertible, Sendable {
    let testDescription: String
    /// A shell command; `$PORT` is the server's.
    let command: String
    let reason: String
  }

  private static let unread = [
    Unread(
      testDescription: "node",
      command: """
        exec node -e 'require("https").get({port: process.env.PORT, path: "/ok/0", rejectUnauthorized: false},
          (response) => response.resume())'
        """, reason: "OpenSSL is linked into the program"),
    Unread(
      testDescription: "GnuTLS",
      command: """
        printf 'GET /ok/0 HTTP/1.1\\r\\nHost: localhost\\r\\nConnection: close\\r\\n\\r\\n' \
        | gnutls-cli --insecure -p "$PORT" localhost
        """, reason: "GnuTLS encrypts"),
    Unread(
      testDescription: "asyncio", command: "exec /usr/bin/python3 \"$ASYNCIO\" \"$PORT\" /ok/0", reason: "memory BIO"),
  ]

  private func startServer() throws -> (command: RunningCommand, port: String) {
    let (certificate, key) = try makeCertificate()
    let server = try bench.start(["/usr/bin/python3", bench.workload("https_server.py"), certificate, key])
    return (server, String(try server.waitForLine(startingWith: "ready").dropFirst("ready ".count)))
  }

  /// The paths that a server has logged.
  private func logged(_ server: RunningCommand) throws -> [String] {
    try server.output.split(separator: "\n").filter { $0.hasPrefix("/") }.map(String.init)
  }

  /// Captures a shell command and what it starts.
  private func capture(_ command: String, _ variables: [String: String]) throws -> NetworkView {
    let file = bench.path("view.json")
    let environment = ["env"] + variables.map { "\($0)=\($1)" }
    let result = try bench.run(bench.network(["--json", "-o", file, "--"] + environment + ["sh", "-c", command]))
    try #require(result.status == 0, "\(result.errors)")
    return try NetworkView(decoding: String(contentsOfFile: file, encoding: .utf8))
  }

  @Test func `each of twenty short-lived clients has its one encrypted request read`() throws {
    let (server, port) = try startServer()
    let loop = "for i in $(seq 20); do curl -sk https://127.0.0.1:$PORT/status/$((230 + i)) >$OUT; done"
    let view = try capture(loop, ["PORT": port, "OUT": "/dev/null"])

    let endpoints = view.endpoints.filter { $0.role == "client" }
    #expect(endpoints.map(\.path).sorted() == (try logged(server)).sorted())
    #expect(endpoints.count == 20)
    #expect(Set(endpoints.map(\.pid)).count == 20)
    #expect(endpoints.allSatisfy { $0.isTls && $0.totals.count == 1 && $0.totals.finished == 1 })
    #expect(view.actualLosses == [:])
    #expect(view.task.warnings == [])
  }

  @Test(arguments: [["curl", "-sk"], ["/usr/bin/python3", "-c"]])
  func `a command has its first encrypted request read`(command: [String]) throws {
    let (server, port) = try startServer()
    let address = "https://127.0.0.1:\(port)/ok/0"
    let script = """
      import ssl, urllib.request
      urllib.request.urlopen("\(address)", context=ssl._create_unverified_context()).read()
      """
    let file = bench.path("view.json")
    let argument = command[0] == "curl" ? address : script
    let result = try bench.run(bench.network(["--json", "-o", file, "--"] + command + [argument]))
    try #require(result.status == 0, "\(result.errors)")

    let view = try NetworkView(decoding: String(contentsOfFile: file, encoding: .utf8))
    #expect(view.endpoints.map(\.path) == (try logged(server)))
    #expect(view.endpoints.map(\.totals.finished) == [1])
    #expect(view.actualLosses == [:])
  }

  @Test(arguments: unread)
  func `of encrypted connections that are not read, the process and the reason are said`(program: Unread) throws {
    let (server, port) = try startServer()
    let variables = ["PORT": port, "ASYNCIO": bench.workload("https_memory_bio.py")]
    let view = try capture(program.command, variables)

    #expect(try logged(server) == ["/ok/0"])
    #expect(view.endpoints.isEmpty)
    #expect(view.actualLosses["tls_unread"] == 1)
    let edge = try #require(view.edges.first { $0.protocol == "tls" })
    let process = try #require(view.nodes[edge.client].pid)
    let warning = try #require(view.task.warnings.first)
    #expect(warning.hasPrefix("process \(process) ("))
    #expect(warning.contains(": 1 encrypted connection not read: "))
    #expect(warning.contains(program.reason), "\(warning)")
    #expect((view.losses["tls_unbound"] ?? 0 > 0) == (program.reason == "memory BIO"))
  }

  @Test func `a server of Go is said not to be read, and HTTP/2 is told where its client encrypts`() throws {
    let program = bench.path("https_go")
    let build = try bench.run(["go", "build", "-o", program, bench.workload("https_go.go")], deadlineSeconds: 300)
    try #require(build.status == 0, "\(build.errors)")
    let (certificate, key) = try makeCertificate()
    let server = try bench.start([program, certificate, key])
    let port = try server.waitForLine(startingWith: "ready").dropFirst("ready ".count)

    let ofServer = try bench.startNetwork(["--pid", "\(server.pid)"])
    let ofClient = try capture(
      "curl -sk --http2 https://127.0.0.1:$PORT/one https://127.0.0.1:$PORT/two >/dev/null", ["PORT": String(port)])
    let view = try bench.finish(ofServer)

    let requests = try server.output.split(separator: "\n").filter { $0.hasPrefix("GET ") }
    #expect(requests == ["GET /one HTTP/2.0", "GET /two HTTP/2.0"])
    #expect(view.actualLosses == ["tls_unread": 1])
    #expect(view.task.warnings.count == 1)
    #expect(view.task.warnings[0].contains("Go's crypto/tls encrypts"))
    let edge = try #require(ofClient.edges.first { $0.transport == "tcp" })
    #expect(edge.protocol == "http/2")
    #expect(edge.isTls)
    #expect(ofClient.actualLosses == [:])
  }

  @Test
  func `an answer that ends with its connection is read of OpenSSL's own client, and its server is said not to be`()
    throws
  {
    let (certificate, key) = try makeCertificate()
    try "hello world\n".write(toFile: bench.path("file"), atomically: true, encoding: .utf8)
    let server = try bench.start(
      ["openssl", "s_server", "-WWW", "-accept", "127.0.0.1:0", "-cert", certificate, "-key", key])
    let place = try server.waitForLine(startingWith: "ACCEPT ").dropFirst("ACCEPT ".count)

    let ofServer = try bench.startNetwork(["--pid", "\(server.pid)"])
    let ofClient = try capture(
      "printf 'GET /file HTTP/1.0\\r\\n\\r\\n' | openssl s_client -quiet -connect $PLACE 2>/dev/null",
      ["PLACE": String(place)])
    let view = try bench.finish(ofServer)

    #expect(ofClient.endpoints.map(\.path) == ["/file"])
    #expect(ofClient.endpoints.map(\.totals.finished) == [1])
    #expect(ofClient.endpoints.allSatisfy { $0.isTls && $0.role == "client" })
    #expect(ofClient.actualLosses == [:])
    // The server calls the library through its BIO, which is none of the functions that are watched.
    #expect(view.endpoints.isEmpty)
    #expect(view.actualLosses == ["tls_unread": 1])
    #expect(view.task.warnings.first?.contains("called by other functions than SSL_read") ?? false)
  }

  @Test func `a library that others call too often is watched in the targets alone, and all is read or counted`() throws
  {
    let (server, port) = try startServer()
    let (certificate, key) = (bench.path("certificate.pem"), bench.path("key.pem"))
    let other = try bench.startWorkload(["/usr/bin/python3", bench.workload("busy_tls.py"), certificate, key])
    let stop = bench.path("stop")
    let loop = "until [ -e \(stop) ]; do curl -sk https://127.0.0.1:\(port)/ok/0 >/dev/null; done"

    let capture = try bench.startCapture(
      command: bench.network(["--json", "-o", bench.path("view.json"), "--", "sh", "-c", loop]))
    let before = try other.output.count { $0 == "\n" }
    try waitUntil("the other's next six half seconds") { try other.output.count { $0 == "\n" } >= before + 6 }
    try Data().write(to: URL(filePath: stop))
    let result = try capture.wait()
    try #require(result.status == 0, "\(result.errors)")

    let view = try NetworkView(decoding: String(contentsOfFile: bench.path("view.json"), encoding: .utf8))
    #expect(view.task.warnings.contains { $0.hasPrefix("other processes encrypt ") })
    #expect(view.endpoints.reduce(0) { $0 + $1.totals.finished } > 0)
    // Of one whose request went out before the probes came, the answer is read; of one that they left, it is not.
    let read = view.endpoints.reduce(0) { $0 + $1.totals.count }
    let counted = view.actualLosses["tls_unread", default: 0] + view.actualLosses["response_unmatched", default: 0]
    #expect(read + counted == (try logged(server)).count, "\(view.endpoints) \(view.actualLosses)")
  }

  /// The events of the kernel that this process has open: each probe of a process is one.
  private func openEvents() throws -> Int {
    try FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd").count {
      (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/fd/\($0)")) == "anon_inode:[perf_event]"
    }
  }

  @Test func `a monitor leaves no probe in a process that it watches no longer`() throws {
    let process = try bench.startWorkload([
      "/usr/bin/python3", "-c", "import ssl, time; print('ready', flush=True); time.sleep(600)",
    ])
    var monitor = try HTTPMonitor.start()
    let before = try openEvents()

    try monitor.watch([ProcessID(rawValue: process.pid)])
    _ = try monitor.totals()
    #expect(try openEvents() > before)
    try monitor.watch([])

    try waitUntil("the end of the probes", 30) { try openEvents() == before }
  }
}
