import CommandRunning
import Foundation
import Testing

/// What `network --json` says, as far as tests look at it.
struct NetworkView: Decodable {
  let task: Task
  let source: Source
  let connectionCount: Int
  let nodes: [Node]
  let edges: [Edge]
  let findings: [Finding]
  let connections: [Connection]
  let endpoints: [Endpoint]
  let samples: [Sample]
  let losses: [String: Int]

  struct Task: Decodable {
    let warnings: [String]
  }

  struct Source: Decodable {
    let kind: String
  }

  struct Node: Decodable {
    let kind: String
    let pid: Int32?
    let name: String?
    let isTarget: Bool?
    let count: Int?
  }

  struct Finding: Decodable, Equatable {
    let kind, evidence, text: String
  }

  struct Edge: Decodable {
    let client: Int
    let server: Int
    let transport: String
    let `protocol`: String
    let isTls: Bool
    let clientView: Totals?
    let serverView: Totals?
  }

  struct Connection: Decodable {
    let role: String
    let pid: Int32
    let totals: Totals
  }

  struct Totals: Decodable {
    let connections, opened, closed, failed: Int
    let bytesSent, bytesReceived, sends, receives, retransmits, heldMessages, heldNs: Int
    let roundTrip: Times
    let connectTime: Times
    let requests: Requests
  }

  struct Requests: Decodable {
    let count, finished, notEnded, endsMissed, unpaired, unanswered: Int
    let statuses: [String: Int]
    let startsFrom: String?
    let duration: Times
    let firstByteMeanNs: Int?

    /// The numbers of answers by status class, without those at zero.
    var answers: [String: Int] { statuses.filter { $0.value > 0 } }
  }

  struct Times: Decodable {
    let count: Int
    let meanNs, p99Ns: Double?
  }

  struct Endpoint: Decodable {
    /// Nil where there are several.
    let pid: Int32?
    let role, method, path: String
    let isTls: Bool
    let totals: Requests
  }

  struct Sample: Decodable {
    let reason, role, path: String
    let status: Int
    let durationNs: Int?
    let request, response: String?
  }

  init(decoding json: String) throws {
    let decoder = JSONDecoder()
    decoder.keyDecodingStrategy = .convertFromSnakeCase
    self = try decoder.decode(Self.self, from: Data(json.utf8))
  }

  /// What was lost, without the causes at zero.
  ///
  /// Connections that are only too many to list are all in the sums.
  var actualLosses: [String: Int] { losses.filter { $0.value > 0 && $0.key != "connection_unlisted" } }

  /// The edges between two processes.
  func edges(client: Int32? = nil, server: Int32? = nil) -> [Edge] {
    edges.filter {
      (client == nil || nodes[$0.client].pid == client) && (server == nil || nodes[$0.server].pid == server)
    }
  }
}

/// What a client or a server says of itself in a line: `requests 17 bytes_sent 717 …`.
struct NetworkTruth {
  private let numbers: [String: Int]

  init(_ line: some StringProtocol) {
    let words = line.split(whereSeparator: \.isWhitespace)
    numbers = Dictionary(
      zip(words, words.dropFirst()).compactMap { word, number in Int(number).map { (String(word), $0) } },
      uniquingKeysWith: { first, _ in first })
  }

  subscript(_ word: String) -> Int { numbers[word] ?? -1 }
}

/// A server of the workloads that runs.
struct HTTPServer {
  let command: RunningCommand
  /// What a client is told to reach it.
  let place: String

  var pid: Int32 { command.pid }

  /// What it says of the connections that have ended.
  func truths() throws -> [NetworkTruth] {
    try command.output.split(separator: "\n").filter { $0.hasPrefix("connection ") }.map { NetworkTruth($0) }
  }
}

extension Workbench {
  /// The command line of a network capture that keeps its task in the bench's database.
  func network(_ arguments: [String]) -> [String] { [swprof, "network", "--db", database] + arguments }

  /// Starts a network capture that prints JSON in the end, and waits until its probes are attached.
  func startNetwork(_ arguments: [String]) throws -> RunningCommand {
    try startCapture(command: network(["--duration", "10m", "--json"] + arguments))
  }

  /// Ends a capture and takes what it has found.
  ///
  /// - Parameter endsByItself: whether its targets have ended; a signal that then comes asks to leave without a result.
  func finish(_ capture: RunningCommand, endsByItself: Bool = false) throws -> NetworkView {
    if !endsByItself { capture.send(SIGTERM) }
    let result = try capture.wait()
    try #require(result.status == 0, "\(result.errors)")
    return try NetworkView(decoding: result.output)
  }

  /// - Parameter place: an address to listen at, or the path of a socket.
  func startServer(at place: String = "127.0.0.1", _ options: [String] = []) throws -> HTTPServer {
    let command = try start([try compile("http_server"), place] + options)
    let port = try command.waitForLine(startingWith: "ready").dropFirst("ready ".count)
    return HTTPServer(command: command, place: place.hasPrefix("/") ? place : place == "::1" ? "[\(port)]" : "\(port)")
  }

  /// Starts a client, which waits until it is let go.
  func startClient(_ options: [String], of server: HTTPServer, _ requests: [String]) throws -> RunningCommand {
    try startWorkload([try compile("http_client"), "-w"] + options + [server.place] + requests)
  }

  /// Lets a client that waits go, and waits for what it says in the end.
  func finish(client: RunningCommand) throws -> NetworkTruth {
    client.send(SIGUSR1)
    return NetworkTruth(try client.waitForLine(startingWith: "requests "))
  }
}
