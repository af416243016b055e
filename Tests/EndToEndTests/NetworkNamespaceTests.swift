import CommandRunning
import Foundation
import Testing

extension EndToEnd.NetworkTests {
  /// A client and a server with the ports that all such have, in a network namespace of their own.
  private struct Pair {
    let command: RunningCommand
    let name: String
    let count: Int
    let client: Int32
    let server: Int32
  }

  private func pid(_ role: String, of command: RunningCommand) throws -> Int32 {
    try #require(Int32(try command.waitForLine(startingWith: role).dropFirst(role.count + 1)))
  }

  private func startPair(_ program: String, _ name: String, count: Int) throws -> Pair {
    let command = try bench.start(
      ["unshare", "--net", "sh", "-c", "ip link set lo up && exec \(program) \(name) \(count)"])
    return Pair(
      command: command, name: name, count: count, client: try pid("client", of: command),
      server: try pid("server", of: command))
  }

  private enum Watched: String, CaseIterable {
    case servers, clients, both, all
  }

  @Test(arguments: sourceKinds)
  func `equal loopback connections of two network namespaces never cross`(source: [String]) throws {
    let program = try bench.compile("same_ports")

    for watched in Watched.allCases {
      let pairs = [
        try startPair(program, "a", count: 5), try startPair(program, "b", count: 9),
      ]
      let targets = pairs.flatMap { pair -> [Int32] in
        switch watched {
        case .servers: [pair.server]
        case .clients: [pair.client]
        case .both, .all: [pair.client, pair.server]
        }
      }
      let target = watched == .all ? ["--all"] : ["--pid", targets.map(String.init).joined(separator: ",")]
      // Each client is a child of its server.
      let alone = watched == .all ? [] : ["--no-include-children"]
      let capture = try bench.startNetwork(target + alone + source)
      for pair in pairs { kill(pair.client, SIGUSR1) }
      for pair in pairs { try pair.command.waitForLine(startingWith: "requests") }
      let view = try bench.finish(capture)
      for pair in pairs {
        kill(pair.client, SIGKILL)
        pair.command.kill()
      }

      for pair in pairs {
        let name = Comment(rawValue: "\(watched), \(pair.name)")
        let edges = (view.edges(client: pair.client) + view.edges(server: pair.server)).filter {
          $0.transport == "tcp"
        }
        // Each once as the client's and once as the server's edge: they are one.
        try #require(edges.count == 2, name)
        #expect(edges.allSatisfy { view.nodes[$0.client].pid == pair.client }, name)
        #expect(edges.allSatisfy { view.nodes[$0.server].pid == pair.server }, name)
        #expect(view.nodes[edges[0].client].name == "cl_\(pair.name)", name)
        #expect(view.nodes[edges[0].server].name == "sv_\(pair.name)", name)
        let views = [edges[0].clientView, edges[0].serverView].compactMap { $0 }
        #expect(views.count == (watched == .both || watched == .all ? 2 : 1), name)
        #expect(views.allSatisfy { $0.connections == 1 && $0.requests.finished == pair.count }, name)
      }
    }
  }

  /// A server at 10.99.0.2 and a client at 10.99.0.1, each in a network namespace of its own, with a cable between them.
  private func startLinkedPair(_ program: String, _ name: String, count: Int) throws -> Pair {
    let isUp = "case $(ip link show eth0 2>&1) in *,UP*) false;; esac"
    let ready = "echo ready; while \(isUp); do sleep 0.02; done"
    let server = try bench.startWorkload(
      ["unshare", "--net", "sh", "-c", "\(ready); exec \(program) \(name) \(count) 10.99.0.2 server"])
    let client = try bench.startWorkload(
      ["unshare", "--net", "sh", "-c", "\(ready); exec \(program) \(name) \(count) 10.99.0.2 client 10.99.0.1"])
    let link = try bench.run([
      "ip", "link", "add", "eth0", "netns", "\(server.pid)", "type", "veth", "peer", "name", "eth0", "netns",
      "\(client.pid)",
    ])
    try #require(link.status == 0, "\(link.errors)")
    for (process, address) in [(server, "10.99.0.2/24"), (client, "10.99.0.1/24")] {
      let result = try bench.run(
        ["nsenter", "--target", "\(process.pid)", "--net", "sh", "-c"]
          + ["ip addr add \(address) dev eth0 && ip link set eth0 up"])
      try #require(result.status == 0, "\(result.errors)")
      if process.pid == server.pid { try server.waitForLine(startingWith: "server") }
    }
    return Pair(
      command: client, name: name, count: count, client: try pid("client", of: client), server: server.pid)
  }

  @Test func `both ends of a connection between two network namespaces are named, unless others have the same`() throws
  {
    let program = try bench.compile("same_ports")
    let pair = try startLinkedPair(program, "a", count: 5)

    for target in [pair.server, pair.client] {
      let capture = try bench.startNetwork(["--pid", "\(target)"])
      let view = try bench.finish(capture)

      // Foundation leaves a unix socket open in what it starts.
      let edges = view.edges.filter { $0.transport == "tcp" }
      let edge = try #require(edges.first)
      #expect(edges.count == 1)
      #expect((view.nodes[edge.client].pid, view.nodes[edge.server].pid) == (pair.client, pair.server))
    }

    let other = try startLinkedPair(program, "b", count: 9)
    for pair in [pair, other] {
      let capture = try bench.startNetwork(["--pid", "\(pair.server)"])
      let view = try bench.finish(capture)

      // Two processes may be the one, and neither is said to be.
      // Foundation leaves a unix socket open in what it starts.
      let edges = view.edges.filter { $0.transport == "tcp" }
      let edge = try #require(edges.first)
      #expect(edges.count == 1)
      #expect(view.nodes[edge.server].pid == pair.server)
      #expect(view.nodes[edge.client].kind == "remote")
    }
  }

  /// How many pid namespaces lie between, and other ways to look at calls; /proc shows one of them alone.
  @Test(arguments: [(1, []), (1, ["--without-feature", "socket-tracepoints"]), (2, [])])
  func `in a pid namespace, unix peers have its numbers, and swprof is none of them`(
    depth: Int, source: [String]
  ) throws {
    let (client, server) = (try bench.compile("http_client"), try bench.compile("http_server"))
    let (socket, file) = (bench.path("socket"), bench.path("view.json"))
    let network = (bench.network(["--json", "-o", file]) + source).joined(separator: " ")
    let script = """
      \(server) \(socket) > server & echo server $!
      while [ ! -s server ]; do sleep 0.05; done
      \(network) -- \(client) \(socket) '/ok/0*7'
      """

    let within = [[String]](repeating: ["unshare", "--pid", "--fork", "--mount-proc"], count: depth).flatMap { $0 }
    let result = try bench.run(within + ["sh", "-c", script])

    try #require(result.status == 0, "\(result.errors)")
    let truth = NetworkTruth(result.output.replacingOccurrences(of: "\n", with: " "))
    let view = try NetworkView(decoding: String(contentsOfFile: file, encoding: .utf8))
    let edge = try #require(view.edges.first { $0.protocol == "http/1" })
    let peer = view.nodes[edge.server]
    #expect(peer.pid == Int32(truth["server"]))
    #expect(peer.name == "http_server")
    #expect(edge.clientView?.requests.finished == 7)
    #expect(!view.nodes.contains { $0.name == "swprof" })
  }

  @Test func `in a pid namespace, swprof is not among all processes`() throws {
    let (client, server) = (try bench.compile("http_client"), try bench.compile("http_server"))
    let (socket, file) = (bench.path("socket"), bench.path("view.json"))
    let network = bench.network(["--json", "-o", file, "--all", "--duration", "2s"]).joined(separator: " ")
    // swprof has a connection too: Foundation leaves a socket open in what it starts.
    let script = """
      \(server) \(socket) > server &
      while [ ! -s server ]; do sleep 0.05; done
      \(client) -w -o \(socket) '/ok/0*7' > client & client=$!
      while [ ! -s client ]; do sleep 0.05; done
      \(network) -v 2> errors & capture=$!
      while case $(cat errors) in *attached*) false;; esac; do sleep 0.05; done
      kill -USR1 $client; wait $capture; status=$?
      cat errors >&2; exit $status
      """

    let result = try bench.run(["unshare", "--pid", "--fork", "--mount-proc", "sh", "-c", script])

    try #require(result.status == 0, "\(result.errors)")
    let view = try NetworkView(decoding: String(contentsOfFile: file, encoding: .utf8))
    #expect(view.edges.contains { $0.clientView?.requests.finished == 7 && $0.serverView?.requests.finished == 7 })
    #expect(!view.nodes.contains { $0.name == "swprof" || $0.pid == 0 })
    #expect(result.errors.contains("outside of this pid namespace"))
  }
}
