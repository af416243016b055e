import Foundation
import ProfileModel
import Testing

@testable import Rendering

#if canImport(FoundationXML)
  import FoundationXML
#endif

@Suite struct NetworkSummaryTests {
  private func summary(_ profile: NetworkProfile, _ task: ProfilingTask = Sample.networkTask) -> String {
    NetworkSummary.render(task: task, profile: profile, isColored: false)
  }

  @Test func `the sample reads as the golden text`() throws {
    try expectGolden(summary(Sample.network), "network.txt")
  }

  @Test func `what is not known is a dash, and no zero`() {
    let lines = summary(Sample.network).split(separator: "\n")
    func line(after start: String, _ word: String) -> Substring? {
      lines.drop { !$0.contains(start) }.first { $0.contains(word) }
    }
    #expect(line(after: "Redis, unix", "requests")?.hasSuffix("requests -") == true)
    #expect(line(after: "Redis, unix", "traffic")?.hasSuffix("; - retransmits, - drops") == true)
    #expect(line(after: "DNS, udp", "traffic")?.hasSuffix("; - retransmits, 0 drops") == true)
    // The server is the target: whether others failed to reach it is not known.
    #expect(line(after: "192.0.2.17", "connections")?.contains(" - failed to connect") == true)
  }

  @Test func `answers without an end are said, and have no length`() {
    var profile = Sample.network
    var totals = RequestTotals()
    totals.count = 9
    totals.statusClasses = [0, 2, 0, 0, 2]
    (totals.notEnded, totals.endsMissed, totals.unpaired) = (3, 1, 5)
    profile.endpoints[0].totals = totals
    profile.edges[0].clientView?.requests = totals
    profile.samples[0].durationNanoseconds = nil
    let endings = "3 answered, not ended; 1 answered, end not seen; 5 with an answer not seen"
    let text = summary(profile)

    #expect(text.contains("\(profile.endpoints[0].path): \(endings)"))
    #expect(text.contains("answers  \(endings)\n"))
    let json = NetworkJSON.render(Sample.networkTask, profile)
    #expect(json.contains(#""finished": 0, "not_ended": 3, "ends_missed": 1, "unpaired": 5, "unanswered": 0"#))
    #expect(json.contains("\"duration_ns\": null"))
    #expect(NetworkReport.render(Sample.networkTask, profile, title: "t").contains(": \(endings)</p>"))
  }

  @Test func `a capture of system calls says what it can't see`() {
    var profile = Sample.network
    profile.source = NetworkSource(
      kind: .systemCalls, received: .systemCalls, sent: .systemCalls, hasCallTimes: false)
    #expect(
      summary(profile).contains(
        "source       system calls (S): io_uring, sendfile, splice and sendmmsg are not seen\n"))
  }

  @Test func `a capture that saw nothing says so`() {
    let text = summary(NetworkProfile(source: Sample.network.source))
    #expect(text.contains("comm nginx: no connection was seen\n"))
    #expect(!text.contains("who talks to whom"))
  }

  @Test func `both views of an edge have their latency`() {
    #expect(summary(Sample.network).contains("latency  client mean 623us, p99 640us; server mean "))
  }

  @Test func `many edges are cut with their sum`() {
    var profile = NetworkProfile(
      source: Sample.network.source, nodes: [Sample.process(1, "server", isTarget: true)])
    for index in 1...30 {
      profile.nodes.append(.remote(address: "10.0.0.\(index)", port: nil, name: nil))
      profile.edges.append(
        NetworkEdge(
          client: index, server: 0, transport: .tcp, speaks: .unknown,
          serverView: Sample.totals(connections: 1, sent: UInt64(index) * 1000, received: 0)))
    }
    #expect(summary(profile).contains("  and 10 smaller edges, 10 connections, 55.0 kB; --json has them all\n"))
  }

  @Test func `endpoints of several processes say whose they are`() {
    var profile = Sample.network
    profile.endpoints[1].processName = "gunicorn"
    profile.endpoints[1].role = .client
    let text = summary(profile)
    #expect(text.contains("PROCESS"))
    #expect(text.contains("gunicorn (812) asks"))
  }

  @Test(arguments: hostileNames)
  func `hostile names stay within 100 columns and act on nothing`(name: String) {
    var task = Sample.networkTask
    (task.target, task.host, task.kernel) = (name, name, name)
    task.warnings = []
    let text = summary(Sample.network(named: name), task)
    #expect(text.split(separator: "\n").allSatisfy { DisplayText.width($0) <= 100 })
    #expect(!text.unicodeScalars.contains { $0.value < 0x20 && $0 != "\n" || $0.value == 0x202E })
  }

  @Test func `a task of connections is shown and listed as one`() throws {
    try expectGolden(TaskDetails.render(Sample.networkTask), "network-details.txt")
    #expect(TaskTable.render([Sample.networkTask]).contains("network  comm nginx"))
    #expect(TaskJSON.render(Sample.networkTask).contains("\"slower_than_ns\": 250000000,"))
  }

  @Test func `the account of a format without a place for it names what was missed`() {
    let lines = NetworkSummary.account(of: Sample.networkTask, Sample.network)
    #expect(
      lines.first == "task 12: connections: 131 taken, 2 lost (1.50 %); lost: 2 ring buffer full;"
        + " missed: 2 ended connections whose record found no room; missed: 1,042 calls with more data than is looked at"
    )
    #expect(lines.last == "warning: 1 process could not be examined")
  }
}

/// What names of processes, paths and hosts may hold.
let hostileNames = [
  "]]>", "</script><script>alert(1)</script>", "<!--<script>", "\"'><img src=x onerror=alert(1)>",
  "\u{0}\u{1}\u{1B}[2J\u{9B}31m", "\u{202E}evil\u{2066}", "&lt;&#10;", "line\nbreak\r\n\ttab", "\u{2028}\u{FFFE}",
  "\\", "\\\"\\N\\G", "日本語のサーバー", String(repeating: "<\"&\\", count: 1024), "",
]

@Suite struct NetworkFormatTests {
  private let task = Sample.networkTask

  @Test func `the sample is the golden document of each format`() throws {
    try expectGolden(NetworkJSON.render(task, Sample.network), "network.json")
    try expectGolden(NetworkDOT.render(task, Sample.network), "network.dot")
    try expectGolden(NetworkMap.document(task, Sample.network, title: "a & b", style: ""), "network.svg")
    let page = NetworkReport.render(task, Sample.network, title: "a & b")
    try expectGolden(
      page.replacing(/<style>(?s).*?<\/style>/, with: "").replacing(/'sha256-[^']*'/, with: "…"), "network.html")
  }

  @Test func `equal input gives equal bytes`() {
    func all() -> [String] {
      [
        NetworkJSON.render(task, Sample.network), NetworkDOT.render(task, Sample.network),
        NetworkMap.render(task, Sample.network, title: "t"), NetworkReport.render(task, Sample.network, title: "t"),
      ]
    }
    let first = all()
    #expect((0..<3).allSatisfy { _ in all() == first })
  }

  @Test(arguments: hostileNames)
  func `a hostile name breaks no document`(name: String) throws {
    var task = task
    task.target = name
    let profile = Sample.network(named: name)

    let map = NetworkMap.render(task, profile, title: name)
    #expect(XMLParser(data: Data(map.utf8)).parse())

    let json = NetworkJSON.render(task, profile)
    let document = try #require(try JSONSerialization.jsonObject(with: Data(json.utf8)) as? [String: Any])
    #expect((document["nodes"] as? [[String: Any]])?.first?["name"] as? String == name)
    #expect(!json.unicodeScalars.contains { $0.value < 0x20 && $0 != "\n" })

    let dot = NetworkDOT.render(task, profile)
    #expect(Self.strayText(in: dot).allSatisfy { !$0.contains("script") && !$0.contains("&") })
    #expect(dot.utf8.filter { $0 == UInt8(ascii: "{") }.count >= 1)

    let page = NetworkReport.render(task, profile, title: name)
    let markup = page.replacing(/<style>(?s).*?<\/style>/, with: "")
    #expect(!markup.contains("<script") && !markup.contains("<img") && !markup.contains("<!--"))
    #expect(!page.unicodeScalars.contains { $0.value < 0x20 && $0 != "\n" })
  }

  /// What stands outside of quotes, a text for each line: a string that did not end shows here.
  private static func strayText(in dot: String) -> [String] {
    var lines = [""]
    var isQuoted = false
    var isEscaped = false
    for scalar in dot.unicodeScalars {
      if scalar == "\n" { lines.append("") }
      if isEscaped {
        isEscaped = false
      } else if isQuoted, scalar == "\\" {
        isEscaped = true
      } else if scalar == "\"" {
        isQuoted.toggle()
      } else if !isQuoted {
        lines[lines.count - 1].unicodeScalars.append(scalar)
      }
    }
    return lines + (isQuoted ? ["script: a string does not end"] : [])
  }

  @Test func `a page's policy has the hashes of its own styles and lets no script through`() throws {
    let page = NetworkReport.render(task, Sample.network, title: "t")
    let policy = try #require(page.firstMatch(of: /Content-Security-Policy" content="([^"]*)"/)).output.1
    #expect(policy.hasPrefix("default-src 'none'; script-src 'none'; style-src 'sha256-"))
    let styles = page.matches(of: /<style>((?s).*?)<\/style>/)
    #expect(styles.count == 2)
    for style in styles {
      #expect(policy.contains("'sha256-\(Base64.encode(SHA256.hash(String(style.output.1))))'"))
    }
    #expect(!page.contains(" style=\"") && !page.contains("onclick"))
  }

  @Test func `messages keep their lines, escaped`() {
    let page = NetworkReport.render(task, Sample.network, title: "t")
    #expect(page.contains("<pre>GET /api/orders HTTP/1.1\nAuthorization: ***\n\n</pre>"))
    #expect(page.contains("&lt;b&gt;&amp;]]&gt;</pre>"))
  }

  @Test func `nothing outside the file is referred to`() {
    let text = NetworkMap.render(task, Sample.network, title: "t")
    #expect(text.split(separator: "http").dropFirst().allSatisfy { $0.hasPrefix("://www.w3.org/2000/svg\"") })
    #expect(!text.contains("href") && !text.contains("url(") && !text.contains("@import"))
  }

  @Test func `an empty profile is a document that says so`() {
    let empty = NetworkProfile(source: Sample.network.source)
    #expect(XMLParser(data: Data(NetworkMap.render(task, empty, title: "t").utf8)).parse())
    #expect(NetworkMap.render(task, empty, title: "t").contains("No connections"))
    #expect(NetworkReport.render(task, empty, title: "t").contains("<p>No connection was seen.</p>"))
    #expect(NetworkJSON.render(task, empty).contains("\"edges\": []"))
  }

  @Test func `errors have a color of their own and are said`() throws {
    let text = NetworkMap.render(task, Sample.network, title: "t")
    #expect(text.contains("<g class=\"edge bad\">"))
    #expect(text.contains("class=\"trouble small\">0.4 % errors</text>"))
    #expect(text.contains("class=\"trouble small\">2 failed connects</text>"))
  }

  @Test func `a window's page has a network task with its map`() throws {
    let start = Sample.networkTask.startedAt
    let report = WindowReport(
      tasks: [task], window: start..<WallTime(nanoseconds: start.nanoseconds + 3_600_000_000_000))
    let page = report.html { _ in .network(Sample.network) }
    #expect(page.contains("class=\"talks\"") && page.contains("<div class=\"map\"><svg"))
    #expect(page.contains("who talks to whom"))
    #expect(!page.contains("<script"))
  }
}

@Suite struct NetworkTextTests {
  @Test(arguments: [
    (0.0, "0ns"), (999, "999ns"), (1000, "1.00us"), (12_340, "12.3us"), (999_400, "999us"), (999_600, "1.00ms"),
    (1_520_000_000, "1.52s"), (59_940_000_000, "59.9s"), (90e9, "1m 30s"), (1e30, "2500000h"),
  ])
  func `times have three digits`(nanoseconds: Double, text: String) {
    #expect(NetworkText.latency(nanoseconds) == text)
  }

  @Test func `a time that is not known is a dash`() {
    #expect(NetworkText.latency(nil) == "-")
    #expect(NetworkText.latency(.nan) == "-")
  }

  @Test(arguments: [
    (0, "0 B"), (999, "999 B"), (1000, "1.00 kB"), (1_250_000, "1.25 MB"), (999_999_999, "1.00 GB"),
    (UInt64.max, "18.4 EB"),
  ])
  func `sizes are in units of 1000`(bytes: UInt64, text: String) { #expect(NetworkText.bytes(bytes) == text) }

  @Test func `a small share is not zero, and one of nothing is not known`() {
    #expect(NetworkText.share(1, of: 1_000_000) == "<0.1")
    #expect(NetworkText.share(0, of: 7) == "0.0")
    #expect(NetworkText.share(0, of: 0) == "-")
  }

  @Test func `an IPv6 address with a port has brackets`() {
    #expect(NetworkText.name(of: .remote(address: "::1", port: 80, name: nil)) == "[::1]:80")
    #expect(NetworkText.name(of: .remote(address: "::1", port: nil, name: nil)) == "::1")
  }
}
