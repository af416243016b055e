import ProfileModel
import Testing

@testable import Rendering

/// What is said of an edge beyond its numbers.
@Suite struct NetworkFindingTests {
  @Test func `answers that TCP held back are told with the delay and what both ends saw`() throws {
    let profile = profile(heldByServer: (90, 3_780_000_000), client: 68_000, server: 26_000)

    let finding = try #require(NetworkFinding.all(of: profile).first)

    #expect((finding.kind, finding.evidence, finding.edge, finding.count) == (.heldAnswers, .tcp, 0, 90))
    #expect(finding.meanNanoseconds == 42_000_000)
    #expect(finding.sentence.hasPrefix("90 of 100 answers reached wrk (911) 42.0ms after nginx (812) had written them"))
    #expect(finding.sentence.contains("68.0ms for the client and 26.0ms for the server"))
    let text = NetworkSummary.render(task: Sample.networkTask, profile: profile, isColored: false)
    #expect(text.contains("what stands out"))
    #expect(text.split(separator: "\n").allSatisfy { $0.count <= 100 })
    #expect(NetworkReport.render(Sample.networkTask, profile, title: "x").contains("Nagle"))
    #expect(NetworkJSON.render(Sample.networkTask, profile).contains("\"evidence\": \"tcp_acknowledgements\""))
  }

  @Test func `requests that TCP held back are the client's`() {
    var profile = profile(heldByServer: (0, 0), client: 68_000, server: 67_000)
    profile.edges[0].clientView?.heldMessages = 100
    profile.edges[0].clientView?.heldNanoseconds = 4_000_000_000

    let findings = NetworkFinding.all(of: profile)

    #expect(findings.map(\.kind) == [.heldRequests])
    #expect(findings[0].sentence.hasPrefix("all 100 requests reached nginx (812) 40.0ms after wrk (911)"))
  }

  @Test func `without TCP's word for it, no reason is given for the difference of both ends`() {
    let findings = NetworkFinding.all(of: profile(heldByServer: (0, 0), client: 68_000, server: 26_000))

    #expect(findings.map(\.kind) == [.lateAnswers])
    #expect(findings[0].evidence == .views)
    #expect(findings[0].meanNanoseconds == 42_000_000)
    #expect(!findings[0].sentence.contains("Nagle"))
  }

  @Test(
    arguments: [
      // A tick or two; one answer of hundreds; times that are nearly equal; an end that is not known.
      (100, 900_000_000, 27_000, 26_000), (0, 0, 35_000, 26_000), (0, 0, 260_000, 240_000), (0, 0, 68_000, 0),
      (0, 0, 0, 26_000),
    ] as [(UInt64, UInt64, UInt64, UInt64)])
  func `what is too little to speak of is not said`(held: UInt64, nanoseconds: UInt64, client: UInt64, server: UInt64) {
    #expect(NetworkFinding.all(of: profile(heldByServer: (held, nanoseconds), client: client, server: server)) == [])
  }

  @Test(
    arguments: [
      (NetworkTransport.tcp, true as Bool?, "arrival"), (.unix, true, "first_read"), (.mptcp, true, "first_read"),
      (.tcp, nil, "first_read"),
    ])
  func `what times start from is told by transport, and old tasks have the read`(
    transport: NetworkTransport, hasArrivals: Bool?, start: String
  ) {
    var profile = profile(heldByServer: (0, 0), client: 100, server: 100)
    profile.source.hasArrivalTimes = hasArrivals
    profile.edges[0].transport = transport
    profile.endpoints = [Sample.endpoint("GET", "/", (100, 0, 0))]

    let edge = profile.edges[0]

    #expect(profile.requestStart(of: edge, .server).rawValue == start)
    #expect(profile.requestStart(of: edge, .client) == .firstWrite)
    #expect(NetworkJSON.render(Sample.networkTask, profile).contains("\"starts_from\": \"\(start)\""))
    let text = NetworkSummary.render(task: Sample.networkTask, profile: profile, isColored: false)
    #expect(text.contains(start == "arrival" ? "start when a request arrives" : "start when a request is first read"))
  }

  // MARK: -

  /// One edge with a hundred requests; mean times in us, 0 where an end is not known.
  private func profile(
    heldByServer held: (count: UInt64, nanoseconds: UInt64), client: UInt64, server: UInt64
  ) -> NetworkProfile {
    func view(_ microseconds: UInt64) -> NetworkTotals? {
      guard microseconds > 0 else { return nil }
      var totals = Sample.totals(connections: 1, sent: 1000, received: 1000, requests: (100, 0, 0))
      totals.requests.durations = LatencyHistogram(microseconds: [microseconds: 100])
      return totals
    }
    var serverView = view(server)
    serverView?.heldMessages = held.count
    serverView?.heldNanoseconds = held.nanoseconds
    return NetworkProfile(
      source: Sample.network.source,
      nodes: [Sample.process(911, "wrk", isTarget: true), Sample.process(812, "nginx", isTarget: true)],
      edges: [
        NetworkEdge(
          client: 0, server: 1, transport: .tcp, speaks: .http1, clientView: view(client), serverView: serverView)
      ], connectionCount: 1)
  }
}
