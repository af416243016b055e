import Policies
import ProfileModel
import SeededRandom
import Testing

@Suite struct PolicyFileTests {
  @Test func `a file with everything is read as it is meant`() throws {
    let set = try Sample.parse(Sample.file)

    #expect(set.policies.map(\.name) == ["checkout-cpu", "checkout-requests", "stalled"])
    #expect(set.policies.map(\.cooldownSeconds) == [900, 1200, 1200])
    #expect(set.policies.map(\.task.durationNanoseconds) == [300_000_000_000, 600_000_000_000, 600_000_000_000])
    #expect(set.policies[0].task.kind == .onCPU(OnCPUOptions(frequencyHertz: 199)))
    #expect(set.policies[0].rules.map(\.threshold) == [80, 500, 8.5])
    #expect(set.policies[0].rules[0].isNormalized)
    #expect(set.policies[0].rules[0].refiresWhenWorse)
    #expect(set.policies[1].rules[0].measure.countsClientErrors)
    #expect(set.policies[1].rules.map(\.periodSeconds) == [60, 60])
    #expect(set.policies[2].rules[0].isBelow)
    #expect(set.policies[2].task.kind.offCPU?.minimumNanoseconds == 10_000_000)
    #expect(set.policies[2].task.kind.offCPU?.phases == [.blocked, .runQueue])
    #expect(set.limits.maximumTasksPerHour == 12)
    #expect(set.limits.maximumDatabaseBytes == 512 << 20)
    #expect(set.limits.lookbackSeconds == 30)
  }

  @Test func `all that is given must match, one entry of a list is enough`() throws {
    let match = try Sample.parse(Sample.file).policies[0].match
    var process = Sample.process(1, name: "python3.11", cgroup: "/system.slice/checkout.service/worker")
    process.executable = "/usr/bin/python3.11"
    process.commandLine = "python3 /usr/bin/gunicorn -w 4 checkout:app"
    process.userName = "www-data"

    #expect(match.includes(process))
    for change: (inout WatchedProcess) -> Void in [
      { $0.name = "perl" }, { $0.executable = "/opt/python3" }, { $0.commandLine = "gunicorn" },
      { $0.cgroup = "/system.slice/checkout.service2" }, { $0.userName = "root" },
    ] {
      var other = process
      change(&other)
      #expect(!match.includes(other))
    }
  }

  @Test(arguments: [
    ("*", "", true), ("a*c", "abbc", true), ("a*c", "abcd", false), ("?", "a", true), ("?", "", false),
    ("[a-c]x", "bx", true), ("[!a-c]x", "bx", false), ("[]]", "]", true), ("*a*b*", "xaxbx", true),
    ("\\*", "*", true), ("\\*", "a", false), ("*.so", "lib.so.so", true),
  ])
  func `patterns fit as a shell's do`(pattern: String, text: String, fits: Bool) throws {
    #expect(try #require(Glob(pattern)).fits(text) == fits)
  }

  @Test(arguments: [
    ("a", 1), ("a*b", 2), ("**", 0), ("?[a-z][!x]", 3), ("\\*\\?", 2), ("ü", 2), ("[]a]bc*", 3),
  ])
  func `the shortest text of a pattern is as long as what is not a star`(pattern: String, bytes: Int) throws {
    #expect(try #require(Glob(pattern)).minimumLength == bytes)
  }

  @Test(arguments: [
    "my-long-process-name", "0123456789abcdef", "*0123456789abcdef*", "???????????????[a-z]", "ööööööööö",
  ])
  func `a pattern that no name of 15 bytes can fit is an error, wherever it stands`(pattern: String) {
    for (match, place) in [("'\(pattern)'", "1:38"), ("[ok, '\(pattern)']", "1:43")] {
      let text = "policies: [{ name: a, match: { comm: \(match) }, task: { type: oncpu }, rules: [\(Self.rule)] }]"

      let problems = Sample.problems(text)

      #expect(problems.count == 1 && problems[0].hasPrefix("p.yaml:\(place): '"), "\(problems)")
      #expect(problems.first?.contains("15") == true)
    }
  }

  @Test(arguments: ["0123456789abcde", "0123456789abcde*", "*", "[a-z]2345*6789abcde", "ööööööö"])
  func `a pattern that a name of 15 bytes can fit is none`(pattern: String) {
    let text = "policies: [{ name: a, match: { comm: '\(pattern)' }, task: { type: oncpu }, rules: [\(Self.rule)] }]"

    #expect(Sample.problems(text).isEmpty)
  }

  private static let rule = "{ metric: process_cpu, threshold: 80, period: 10s, count: 5 }"

  /// A line of the sample, what stands there instead, and what is said.
  @Test(arguments: [
    ("period: 10s, count: 5,", "period: 10s, count: 12,", "22:67: count 12 is over period 10s; count at most 10"),
    (
      "threshold: 80,", "threshhold: 80,",
      "22:32: unknown key 'threshhold' in a rule; did you mean 'threshold'? expected metric, threshold, period, count, uri, errors, normalize, below or refire"
    ),
    ("threshold: 80,", "threshold: 0,", "22:43: 'threshold' is 0; give a number above 0"),
    ("threshold: 80,", "threshold: '80',", "22:43: 'threshold' is the text '80'; expected a number above 0"),
    ("threshold: 80,", "threshold: nan,", "22:43: 'threshold' is 'nan'; expected a number above 0"),
    ("threshold: 80,", "", "22:9: a rule has no 'threshold'; expected a number above 0"),
    ("threshold: 80,", "threshold: 101,", "22:43: 'threshold' is above 100 %, which no value is; give less"),
    (
      "period: 10s,", "period: 10,",
      "22:55: 'period' is '10', which has no unit; expected a time from 1s to 1h, as 10s, 5m, 2h"
    ),
    (
      "period: 10s,", "period: 10x,",
      "22:55: 'period' is '10x', which has the unit 'x'; expected a time from 1s to 1h, as 10s, 5m, 2h"
    ),
    ("period: 10s,", "period: 1500ms,", "22:55: 'period' is 1500ms; give whole seconds"),
    ("period: 10s,", "period: 0s,", "22:55: 'period' is 0s; give a time from 1s to 1h, as 10s, 5m, 2h"),
    ("count: 5,", "count: 0,", "22:67: 'count' is 0; give 1 to 3600"),
    ("count: 5,", "count: 1.5,", "22:67: 'count' is '1.5'; expected a whole number from 1 to 3600"),
    (
      "metric: process_cpu, threshold: 80", "metric: proces_cpu, threshold: 80",
      "22:19: 'metric' is 'proces_cpu'; did you mean 'process_cpu'? expected one of process_cpu, process_thread_count, process_rss, process_io_wait, context_switches, run_queue_latency, system_load, psi_cpu, psi_memory, psi_io, http_error_rate, http_avg_response_time, http_p99_response_time, http_request_rate"
    ),
    ("refire: worse", "refire: always", "22:95: 'refire' is 'always'; expected 'worse'"),
    ("refire: worse", "errors: 5xx", "22:95: 'errors' has no place here: it goes with http_error_rate"),
    ("refire: worse", "below: 1", "22:94: 'below' is '1'; expected true or false"),
    (
      "type: oncpu", "type: cpu", "17:13: 'type' is 'cpu'; did you mean 'oncpu'? expected one of oncpu, offcpu, network"
    ),
    ("freq: 199", "freq: 0", "19:13: 'freq' is 0; give 1 to 100000"),
    (
      "freq: 199", "wakers: true",
      "19:15: 'wakers' has no place here: the options of oncpu are duration, freq, jitter, side, user, kernel, unwind, include_children"
    ),
    ("freq: 199", "user: true\n      kernel: true", "20:15: 'kernel' and 'user' both choose a side; give one of them"),
    ("freq: 199", "side: kernel\n      user: true", "20:13: 'user' and 'side' both choose a side; give one of them"),
    ("freq: 199", "jitter: no", "19:15: 'jitter' is 'no'; expected true or false"),
    ("state: [D]", "state: DX", "33:79: 'state' is 'DX'; did you mean 'D'? expected one of S, D, I, T, t, P"),
    (
      "type: network", "type: network, body: 10, body_bytes: 20",
      "27:50: 'body_bytes' is the old word for 'body'; give one of them"
    ),
    (
      "type: network", "type: network, sample: [slow, none]",
      "27:43: an entry of 'sample' is 'none'; expected one of slow, 4xx, 5xx"
    ),
    (
      "cmdline: 'gunicorn .*checkout'", "cmdline: 'gunicorn ('",
      "13:16: 'gunicorn (' is no regular expression; see its brackets and backslashes"
    ),
    ("comm: [gunicorn, 'python3*']", "comm: []", "11:13: 'comm' is an empty list; give at least one entry"),
    ("comm: [gunicorn, 'python3*']", "comm:", "11:12: 'comm' is nothing; expected a name or a pattern of names"),
    (
      "exe: /usr/bin/python3*", "exe: '[z-a]'",
      "12:12: '[z-a]' is no pattern: its bracket is not closed, or upside down"
    ),
    (
      "cgroup: /system.slice", "cgroup: system.slice",
      "14:15: control group 'system.slice/checkout.service' does not begin with '/'; see /proc/PID/cgroup"
    ),
    (
      "name: checkout-requests", "name: checkout-cpu",
      "25:11: another policy has the name 'checkout-cpu'; give each its own"
    ),
    (
      "match: { user: 33 }", "match: {}",
      "26:12: 'match' is empty and would watch every process; give comm, exe, cmdline, cgroup or user"
    ),
    (
      "{ regex: '^/api/' }", "{ regex: '^/api/', list: [/a] }",
      "29:78: 'uri' has both 'regex' and 'list'; give one of them"
    ),
    (
      "{ regex: '^/api/' }", "'^/api/'",
      "29:78: 'uri' is the text '^/api/'; expected { regex: '^/api/' } or { list: [/cart, /pay] }"
    ),
    (
      "max_db_size: 512M", "max_db_size: 512",
      "5:14: 'max_db_size' is '512', which has no unit; expected a size, as 512M or 2G"
    ),
    ("max_db_size: 512M", "max_db_size: 1k", "5:14: 'max_db_size' is 1k; give 1M or more"),
    (
      "retention: 24h", "retention: 400d",
      "6:12: 'retention' is 400d, more than a year; expected a time from 1m to 366d, as 10s, 5m, 2h"
    ),
    (
      "cooldown: 15m", "cooldown: 15m\n    cooldown: 16m",
      "20:5: 'cooldown' stands here more than once; give each key once"
    ),
    (
      "policies:", "policy:",
      "8:1: unknown key 'policy' in the file; expected defaults, policies, max_tasks_per_hour, host_load_limit, max_concurrent_tasks, max_db_size, retention or lookback"
    ),
  ])
  func `what is wrong is told with its place and what was expected`(old: String, new: String, problem: String) {
    let text = Sample.file.replacing(old, with: new, maxReplacements: 1)

    #expect(Sample.problems(text).contains("p.yaml:\(problem)"), "\(Sample.problems(text))")
  }

  @Test func `all problems of a file are told at once, in their order`() {
    let text = Sample.file.replacing("count: 5,", with: "count: 50,").replacing("type: network", with: "type: net")
      .replacing("lookback: 30s", with: "lookback: 30")

    #expect(Sample.problems(text).map { $0.prefix(9) } == ["p.yaml:7:", "p.yaml:22", "p.yaml:27"])
  }

  @Test func `rules are not empty`() {
    let text = "policies: [{ name: a, match: { comm: b }, task: { type: oncpu }, rules: [] }]"

    #expect(Sample.problems(text) == ["p.yaml:1:73: 'rules' is an empty list; give at least one entry"])
  }

  // MARK: - Hostile files

  @Test(arguments: [
    "", "\n", "# nothing", "~", "5", "text", "[]", "{}", "policies:", "policies: []", "policies: 5", "policies: [[]]",
    "policies: [~]", "a: b: c", "\t- x", "policies: [", "{]", "--- a\n--- b", "? [a]: b\n: c", "%YAML 9.9\n---\na",
    "!!x y",
    "policies: !!binary x", "\u{0}", "policies: \u{7}", "<<: {}", "'", "\"\\q\"", "key: |\n text\n\tx: y", "*a", "&a b",
  ])
  func `what is no policy file is refused`(text: String) {
    let problems = Sample.problems(text)

    #expect(!problems.isEmpty)
    #expect(problems.allSatisfy { $0.wholeMatch(of: /p\.yaml:[1-9][0-9]*:[1-9][0-9]*: .+/) != nil }, "\(problems)")
  }

  @Test func `references are refused before they are expanded, and only references are`() throws {
    var bomb = "a: &a [x, x, x, x, x, x, x, x, x]\n"
    for letter in "bcdefghij" {
      let previous = String(UnicodeScalar(letter.unicodeScalars.first!.value - 1)!)
      bomb += "\(letter): &\(letter) [\([String](repeating: "*" + previous, count: 9).joined(separator: ", "))]\n"
    }
    #expect(
      Sample.problems(bomb + "? *j\n: k\n").first
        == "p.yaml:1:4: anchors and aliases are not supported; write the value out")
    let harmless = Sample.file.replacing("name: stalled", with: "name: \"it's *not & 'one'\" # *a &b")
    #expect(try Sample.parse(harmless).policies[2].name == "it's *not & 'one'")
  }

  /// Composed, each of these makes 2^30 nodes; the text around them must not hide them.
  @Test(arguments: [
    ("", "!!seq ", 0), ("", "!<tag:yaml.org,2002:seq> ", 0), ("", "!x\t", 0), ("t: |\n  '\n  \"\n", "", 3),
    ("\"\\\": 'x\": 1\n", "", 1), ("'it''s: \"': 1\n", "", 1), ("# '\n", "", 1), ("t: a 'b\n", "", 1),
    ("t: >-\n  [ {\n", "!!seq\n  ", 2),
  ])
  func `references are found behind anything`(before: String, tag: String, lines: Int) {
    let bomb = (1..<30).reduce(before + "p0: \(tag)&a0 [x, x]\n") { text, number in
      text + "p\(number): \(tag)&a\(number) [*a\(number - 1), *a\(number - 1)]\n"
    }
    let problems = Sample.problems(bomb + "? !!seq [*a29, *a29]\n: 1\n")

    #expect(problems.count == 90)
    #expect(problems.allSatisfy { $0.hasSuffix(": anchors and aliases are not supported; write the value out") })
    let line = 1 + lines + tag.utf8.count { $0 == UInt8(ascii: "\n") }
    #expect(problems.first?.hasPrefix("p.yaml:\(line):") == true, "\(problems.first ?? "")")
  }

  @Test func `a hundred thousand references and problems take no time`() {
    #expect(Sample.problems(String(repeating: "- *a\n", count: 200_000)).count == 100)
    let keys = (0..<50_000).map { "k\($0): 1\n" }.joined()
    #expect(Sample.problems(keys).count == 200)
  }

  @Test func `depth, size and other encodings are bounded`() {
    let depth = 100_000
    #expect(!Sample.problems(String(repeating: "[", count: depth)).isEmpty)
    #expect(!Sample.problems(String(repeating: "- ", count: depth)).isEmpty)
    #expect(!Sample.problems(String(repeating: "{a: ", count: depth)).isEmpty)
    #expect(Sample.problems([UInt8](repeating: UInt8(ascii: "a"), count: 2 << 20)).first?.contains("at most") == true)
    #expect(
      Sample.problems(Array("a: b\nc: ".utf8) + [0xFF]) == [
        "p.yaml:2:4: this is not UTF-8; write the file as UTF-8 text"
      ])
    #expect(!Sample.problems(Array("a\0:\0 \0b\0".utf8)).isEmpty)
  }

  @Test func `random bytes and random damage crash nothing`() {
    var draw = SplitMix(state: 11)
    for _ in 0..<300 {
      var bytes = Array(Sample.file.utf8)
      if Bool.random(using: &draw) {
        bytes = (0..<Int.random(in: 0...200, using: &draw)).map { _ in UInt8.random(in: .min ... .max, using: &draw) }
      } else {
        for _ in 0...Int.random(in: 0..<8, using: &draw) {
          let place = Int.random(in: 0..<bytes.count, using: &draw)
          bytes[place] = "[]{}:,-#'\"&*!|>%@` \n\t0a".utf8.randomElement(using: &draw)!
        }
      }
      for problem in Sample.problems(bytes) { #expect(problem.hasPrefix("p.yaml:")) }
    }
  }

  @Test func `a hundred and twenty files with one random fault each are refused where the fault is`() throws {
    var draw = SplitMix(state: 5)
    for number in 0..<120 {
      let fault = Fault.allCases[number % Fault.allCases.count]
      let (text, line) = fault.put(into: Sample.file, using: &draw)

      let problems = Sample.problems(text)

      #expect(problems.contains { $0.hasPrefix("p.yaml:\(line):") }, "\(fault): \(problems)\n\(text)")
      #expect(problems.count <= 3, "\(problems)")
    }
  }
}

/// A fault that makes any policy file wrong.
private enum Fault: CaseIterable {
  case unknownKey
  case zero
  case countOverPeriod
  case unknownUnit
  case missingUnit
  case text
  case list
  case unknownWord
  case brokenPattern
  case openBracket

  /// Puts it in a place drawn at random.
  ///
  /// - Returns: the file, and the line where the fault is found.
  func put(into file: String, using draw: inout SplitMix) -> (text: String, line: Int) {
    var lines = file.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
    let letter = "qwzk".randomElement(using: &draw)!
    func change(_ pattern: Regex<Substring>, _ replacement: String) -> (text: String, line: Int) {
      let candidates = lines.indices.filter { lines[$0].firstMatch(of: pattern) != nil }
      let index = candidates.randomElement(using: &draw)!
      lines[index].replace(pattern, with: replacement, maxReplacements: 1)
      return (lines.joined(separator: "\n"), index + 1)
    }
    switch self {
    case .unknownKey:
      return change(/(?:threshold|metric|period|count|cooldown|retention|lookback):/, "\(letter)\(letter):")
    case .zero: return change(/(?:threshold|count): [0-9.]+/, "count: 0")
    case .countOverPeriod: return change(/count: [0-9]+/, "count: \(Int.random(in: 61...3600, using: &draw))")
    case .unknownUnit: return change(/period: [0-9]+[sm]/, "period: 10\(letter)")
    case .missingUnit: return change(/period: [0-9]+[sm]/, "period: \(Int.random(in: 1...99, using: &draw))")
    case .text: return change(/count: [0-9]+/, "count: \(letter)")
    case .list: return change(/threshold: [0-9.]+/, "threshold: [\(Int.random(in: 1...9, using: &draw))]")
    case .unknownWord: return change(/metric: [a-z_]+/, "metric: \(letter)_cpu_\(letter)")
    case .brokenPattern: return change(/regex: '[^']+'/, "regex: '\(letter)['")
    case .openBracket: return change(#/comm: [a-z]+ }/#, "comm: '[\(letter)' }")
    }
  }
}
