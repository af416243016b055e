import CommandRunning
import Foundation
import Testing

extension EndToEnd.NetworkTests {
  // Servers that others have written; none of these run in the machines of scripts/vm-test.

  enum KnownServer: String, CaseIterable {
    case node, python, go, nginx, apache, haproxy
  }

  /// A server that runs, and what is asked of it: pairs of a method and a path.
  private struct Running {
    let command: RunningCommand
    let port: Int
    let requests: [(method: String, path: String)]
  }

  private static let requests = [
    ("GET", "/"), ("GET", "/rows"), ("GET", "/packed"), ("GET", "/large"), ("GET", "/missing"), ("GET", "/broken"),
    ("GET", "/empty"), ("HEAD", "/rows"), ("HEAD", "/large"), ("HEAD", "/missing"), ("POST", "/"), ("POST", "/broken"),
  ]

  private func startScript(_ arguments: [String]) throws -> Running {
    let command = try bench.start(arguments)
    let port = try command.waitForLine(startingWith: "ready").dropFirst("ready ".count)
    return Running(command: command, port: try #require(Int(port)), requests: Self.requests)
  }

  /// Starts a server whose port is in its configuration; another program may have taken the port.
  private func startConfigured(
    _ arguments: [String], _ requests: [(String, String)], file: String, configuration: (_ port: Int) -> String
  ) throws -> Running {
    for attempt in 1...5 {
      let port = Int.random(in: 20_000..<30_000)
      try configuration(port).write(toFile: bench.path(file), atomically: true, encoding: .utf8)
      let command = try bench.start(arguments)
      do {
        try waitUntil("a server at a free port", 10) {
          try bench.run(["ss", "-tlnpH", "sport", "=", "\(port)"]).output.contains("pid=\(command.pid),")
        }
        return Running(command: command, port: port, requests: requests)
      } catch is RunningCommand.DeadlinePassed where attempt < 5 { command.kill() }
    }
    preconditionFailure("the last attempt returns or throws")
  }

  private func writeDocuments() throws {
    let rows = (0..<3000).map { "row \($0)\n" }.joined()
    try rows.write(toFile: bench.path("rows.txt"), atomically: true, encoding: .utf8)
    try Data(count: 300_000).write(to: URL(filePath: bench.path("large.bin")))
    let include = "<!--#include virtual=\"/rows.txt\" -->\n<p>a part</p>\n"
    try String(repeating: include, count: 5).write(toFile: bench.path("parts.shtml"), atomically: true, encoding: .utf8)
    // Workers may have given up root's rights.
    try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: bench.directory.path)
  }

  /// Compresses, puts pages together, and passes on what node answers in chunks.
  private func startNginx() throws -> Running {
    let backend = try startScript(["node", bench.workload("http_matrix.js")])
    try writeDocuments()
    let requests =
      Self.requests + [("GET", "/rows.txt"), ("GET", "/parts.shtml"), ("GET", "/none"), ("GET", "/large.bin")]
    return try startConfigured(
      ["nginx", "-c", bench.path("nginx.conf"), "-p", bench.directory.path], requests, file: "nginx.conf"
    ) { port in
      """
      daemon off; master_process off; pid \(bench.path("nginx.pid")); error_log stderr;
      events {}
      http {
        access_log off; keepalive_requests 1000000; types { text/html shtml; text/plain txt; }
        gzip on; gzip_min_length 1; gzip_types *; gzip_proxied any; ssi on;
        upstream backend { server 127.0.0.1:\(backend.port); keepalive 4; }
        server {
          listen 127.0.0.1:\(port); root \(bench.directory.path);
          location ~ \\. { }
          location = /none { return 503 "none"; }
          location / {
            proxy_pass http://backend; proxy_http_version 1.1; proxy_set_header Connection "";
          }
        }
      }
      """
    }
  }

  /// One process, with the filters that compress and put pages together. It closes connections behind 500 and 503.
  private func startApache() throws -> Running {
    try writeDocuments()
    let requests = [
      ("GET", "/rows.txt"), ("HEAD", "/rows.txt"), ("GET", "/parts.shtml"), ("GET", "/large.bin"), ("GET", "/missing"),
      ("GET", "/broken"), ("HEAD", "/broken"), ("POST", "/gone"),
    ]
    let modules = ["mpm_prefork", "authz_core", "mime", "deflate", "filter", "include", "alias"].map {
      "LoadModule \($0)_module /usr/lib/apache2/modules/mod_\($0).so\n"
    }
    return try startConfigured(
      ["apache2", "-X", "-d", bench.directory.path, "-f", bench.path("apache.conf")], requests, file: "apache.conf"
    ) { port in
      """
      \(modules.joined())
      Listen 127.0.0.1:\(port)
      ServerName localhost
      PidFile \(bench.path("apache.pid"))
      ErrorLog \(bench.path("apache.log"))
      DocumentRoot \(bench.directory.path)
      User www-data
      Group www-data
      MaxKeepAliveRequests 0
      KeepAliveTimeout 60
      TypesConfig /dev/null
      AddType text/plain .txt
      AddType text/html .shtml
      <Directory \(bench.directory.path)>
        Require all granted
        Options +Includes
        AddOutputFilter INCLUDES;DEFLATE .shtml
        AddOutputFilter DEFLATE .txt
      </Directory>
      Redirect 502 /broken
      Redirect 410 /gone
      """
    }
  }

  /// Passes on what node answers, compressed.
  private func startHaproxy() throws -> Running {
    let backend = try startScript(["node", bench.workload("http_matrix.js")])
    return try startConfigured(
      ["haproxy", "-db", "-f", bench.path("haproxy.cfg")], Self.requests + [("GET", "/denied")], file: "haproxy.cfg"
    ) { port in
      """
      defaults
        mode http
        timeout client 60s
        timeout server 60s
        timeout connect 10s
      frontend front
        bind 127.0.0.1:\(port)
        compression algo gzip
        compression type text/plain
        http-request deny deny_status 403 if { path /denied }
        default_backend back
      backend back
        server one 127.0.0.1:\(backend.port)

      """
    }
  }

  private func start(_ server: KnownServer) throws -> Running {
    switch server {
    case .node: try startScript(["node", bench.workload("http_matrix.js")])
    case .python: try startScript(["/usr/bin/python3", bench.workload("http_matrix_server.py")])
    case .go: try startScript([try bench.compileGo("http_matrix")])
    case .nginx: try startNginx()
    case .apache: try startApache()
    case .haproxy: try startHaproxy()
    }
  }

  @Test(arguments: KnownServer.allCases, sourceKinds)
  func `of a thousand requests on one connection to a known server each has its own answer`(
    server: KnownServer, source: [String]
  ) throws {
    let server = try start(server)
    let words = server.requests.flatMap { [$0.method, $0.path] }
    let client = try bench.startWorkload(
      ["/usr/bin/python3", bench.workload("http_matrix.py"), "\(server.port)", "1000"] + words)

    let capture = try bench.startNetwork(["--pid", "\(server.command.pid),\(client.pid)"] + source)
    client.send(SIGUSR1)
    try waitUntil("the answers", 90) { try client.output.contains("\nanswers ") }
    let line = try client.waitForLine(startingWith: "answers ")
    let view = try bench.finish(capture)

    let truth = try JSONDecoder().decode([String: [String: Int]].self, from: Data(line.dropFirst(8).utf8))
    #expect(truth.values.reduce(0) { $0 + $1.values.reduce(0, +) } == 1000)
    #expect(view.actualLosses == [:])
    for (pid, role) in [(server.command.pid, "server"), (client.pid, "client")] {
      let endpoints = view.endpoints.filter { $0.pid == pid && $0.role == role }
      let answers = endpoints.map { ("\($0.method) \($0.path)", $0.totals.answers) }
      #expect(Dictionary(answers, uniquingKeysWith: { first, _ in first }) == truth, "\(role)")
      #expect(endpoints.count == truth.count)
      #expect(endpoints.allSatisfy { $0.totals.finished == $0.totals.count }, "\(role)")
    }
  }
}
