import Foundation
import ProfileModel
import Testing

@testable import Rendering

@Suite struct HTMLTests {
  static let trigger = Trigger(
    policy: "checkout-cpu", process: ProcessID(rawValue: 4711), processName: "gunicorn", metric: "process_cpu",
    unit: "%",
    threshold: 80, periodSeconds: 5, count: 3, values: [12.5, nil, 81, 80, 99.25],
    firedAt: WallTime(nanoseconds: 1_795_408_831_000_000_000), cooldownSeconds: 1200)

  private func page(_ profile: Profile, trigger: String? = nil, title: String = "a & b") -> String {
    var task = Sample.task
    task.trigger = trigger
    return HTMLReport.render(
      HTMLReport.Subject(title: title, task: task, unit: "samples", isOffCPU: false, hasThreads: true), profile,
      measure: .count)
  }

  /// The page without what other tests look at: style, script, data and the still picture.
  private func bare(_ page: String) -> String {
    var text = page
    for (start, end) in [
      ("<style>", "</style>"), ("<script>", "</script>"), ("<noscript><svg", "</svg>"), ("'sha256-", "'"),
    ] {
      var result = ""
      var rest = text[...]
      while let from = rest.firstRange(of: start), let to = rest[from.upperBound...].firstRange(of: end) {
        result += rest[..<from.upperBound] + "…"
        rest = rest[to.lowerBound...]
      }
      text = result + rest
    }
    return text
  }

  @Test func `a page has everything about a task in its order`() throws {
    let trigger = String(decoding: try JSONEncoder.sorted.encode(Self.trigger), as: UTF8.self)
    try expectGolden(bare(page(Sample.profile, trigger: trigger)), "report.html")
    try expectGolden(bare(page(Profile())), "empty.html")
  }

  @Test func `a page's policy has the hashes of its own style and script, and nothing else`() throws {
    let text = page(Sample.profile)
    let policy = try #require(text.firstMatch(of: /Content-Security-Policy" content="([^"]*)"/)).output.1
    #expect(policy.hasPrefix("default-src 'none'; script-src 'sha256-"))
    #expect(!policy.contains("unsafe") && !policy.contains("http"))
    let script = try #require(text.firstMatch(of: /<script>((?s).*?)<\/script>/)).output.1
    #expect(policy.contains("'sha256-\(Base64.encode(SHA256.hash(String(script))))'"))
    for style in text.matches(of: /<style>((?s).*?)<\/style>/) {
      #expect(policy.contains("'sha256-\(Base64.encode(SHA256.hash(String(style.output.1))))'"))
    }
    #expect(!text.contains(" style=\"") && !text.contains("onclick=\""))
  }

  @Test(arguments: [
    "]]>", "</script><script>alert(1)</script>", "<!--<script>", "\"'><img src=x onerror=alert(1)>",
    "\u{0}\u{1}\u{1B}[2J",
    "\u{202E}evil", "&lt;", "line\nbreak", "\u{2028}\u{2029}", String(repeating: "<", count: 4096),
  ])
  func `hostile names leave no markup, and data that is JSON`(name: String) throws {
    var builder = ProfileBuilder()
    builder.add([name, "leaf"], count: 5, thread: .named(name))
    let text = page(builder.profile, trigger: name, title: name)
    let data = try #require(text.firstMatch(of: /<script type="application\/json" id="data">((?s).*?)<\/script>/))
      .output.1
    let object = try JSONSerialization.jsonObject(with: Data(data.utf8)) as? [String: Any]
    #expect((object?["labels"] as? [[String]])?.contains { $0[1] == DisplayText.visible(name) } == true)
    let markup = bare(text).replacing(/<script type="application(?s).*?<\/script>/, with: "")
    #expect(!markup.contains("<script>alert") && !markup.contains("<img") && !markup.contains("<!--"))
    #expect(!text.unicodeScalars.contains { $0.value < 0x20 && $0 != "\n" })
  }

  @Test func `equal input gives equal bytes`() {
    let first = page(Sample.profile)
    #expect((0..<3).allSatisfy { _ in page(Sample.profile) == first })
  }

  @Test func `a trigger that is none of ours is shown as it is`() {
    #expect(TriggerReport.render("{\"by\":\"<me>\"}") == "<p>Started by: {&quot;by&quot;:&quot;&lt;me&gt;&quot;}</p>")
  }

  @Test func `a profile of very many stacks is thinned to its heaviest, and its sums stay`() throws {
    var builder = ProfileBuilder()
    for index in 0..<300 {
      for leaf in 0..<300 { builder.add(["main", "f\(index)", "g\(leaf)"], count: leaf < 100 ? 5 : 1) }
    }
    let text = HTMLData(builder.profile).json(unit: "samples", isOffCPU: false, hasTimes: false, hasThreads: true)
    let object = try #require(JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any])
    let parents = try #require(object["parent"] as? [Int])
    let values = try #require(object["values"] as? [String: [Int]])
    #expect(parents.count <= 60_000)
    #expect(values["count"]?.reduce(0, +) == 300 * (500 + 200))
    #expect(values["stack"]?.allSatisfy { parents.indices.contains($0) } == true)
    #expect(parents.enumerated().allSatisfy { $1 < $0 })
    #expect(text.contains("[smaller frames]"))
  }
}

extension JSONEncoder {
  fileprivate static var sorted: JSONEncoder {
    let encoder = JSONEncoder()
    encoder.outputFormatting = .sortedKeys
    return encoder
  }
}

@Suite struct SHA256Tests {
  /// The examples of FIPS 180-2, appendix B, and the hash of nothing.
  @Test(arguments: [
    ("", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
    ("abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
    (
      "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
      "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"
    ),
  ])
  func `hashes are those of the standard`(text: String, hash: String) {
    #expect(SHA256.hash(text).map { String(0x100 + Int($0), radix: 16).dropFirst() }.joined() == hash)
  }
}

@Suite struct Base64Tests {
  /// RFC 4648, section 10.
  @Test(arguments: [
    ("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foob", "Zm9vYg=="), ("fooba", "Zm9vYmE="),
    ("foobar", "Zm9vYmFy"),
  ])
  func `texts are those of the standard`(text: String, encoded: String) {
    #expect(Base64.encode(Array(text.utf8)) == encoded)
  }
}

@Suite struct WindowReportTests {
  private func task(_ id: Int64, _ target: String, hour: Int64, trigger: Trigger? = nil) throws -> ProfilingTask {
    var task = Sample.task
    task.id = TaskID(rawValue: id)
    task.target = target
    task.startedAt = WallTime(nanoseconds: 1_795_400_000_000_000_000 + hour * 3_600_000_000_000)
    task.endedAt = WallTime(nanoseconds: task.startedAt.nanoseconds + 600_000_000_000)
    task.status = .done
    task.trigger = try trigger.map { String(decoding: try JSONEncoder.sorted.encode($0), as: UTF8.self) }
    return task
  }

  private func report() throws -> WindowReport {
    WindowReport(
      tasks: [
        try task(3, "pid 4711 (gunicorn)", hour: 40, trigger: HTMLTests.trigger), try task(2, "pid 9 (<b>)", hour: 30),
        try task(1, "pid 4711 (gunicorn)", hour: 2, trigger: HTMLTests.trigger),
      ],
      window: WallTime(
        nanoseconds: 1_795_400_000_000_000_000)..<WallTime(
          nanoseconds: 1_795_400_000_000_000_000 + 48 * 3_600_000_000_000))
  }

  @Test func `targets come by the number of their triggers`() throws {
    try expectGolden(try report().text, "window.txt")
  }

  @Test func `a page has the targets, the tasks over time, what rules saw, and the profiles`() throws {
    let page = try report().html { _ in .profile(Sample.profile) }
    #expect(page.contains("<h1>3 tasks of 2 targets in the last 48h, 2 of them started by a rule</h1>"))
    #expect(page.contains("<section id=\"task-3\">") && page.contains("href=\"#task-3\""))
    #expect(page.contains("pid 9 (&lt;b&gt;)") && !page.contains("<b>"))
    #expect(page.contains("class=\"threshold\""))
    #expect(page.contains("script-src 'none'") && !page.contains("<script"))
    // The triggered tasks come first.
    let places = try ["task-3", "task-1", "task-2"].map {
      try #require(page.firstRange(of: "<section id=\"\($0)\">")?.lowerBound)
    }
    #expect(places == places.sorted())
  }

  @Test func `what has no room is said`() throws {
    var builder = ProfileBuilder()
    for index in 0..<190 { builder.add([String(repeating: "x", count: 4000) + "\(index)"], count: 1) }
    let page = try report().html { _ in .profile(builder.profile) }
    #expect(page.utf8.count < 2_000_000)
    #expect(page.contains("had no room here"))
  }

  @Test func `a time without tasks says so`() throws {
    let empty = WindowReport(tasks: [], window: WallTime(nanoseconds: 0)..<WallTime(nanoseconds: 3_600_000_000_000))
    #expect(empty.html { _ in nil }.contains("No task started in this time."))
    #expect(empty.text.hasPrefix("0 tasks of 0 targets in the last 1h"))
  }
}
