import CommandRunning
import Foundation
import ProfileModel
import Storage
import Testing

/// `check` and `diff` of files and tasks, which need no eBPF.
@Suite struct CheckFileTests {
  private let desk: CommandDesk

  init() throws { desk = try CommandDesk() }

  private func write(_ text: String, to name: String) throws -> String {
    let path = desk.path(name)
    try text.write(toFile: path, atomically: false, encoding: .utf8)
    return path
  }

  private struct Outcome: Decodable {
    struct Finding: Decodable {
      let kind: String
      let function: String
      let module: String?
    }

    struct Side: Decodable {
      let samples: UInt64
    }

    let verdict: String
    let runs_needed: Int?
    let unit: String
    let base: Side
    let new: Side
    let reasons: [String]
    let findings: [Finding]
  }

  private func check(_ base: [String], _ new: [String], _ options: [String] = []) throws -> (Int32, Outcome) {
    let result = try desk.run(
      ["check", "--output", "json"] + options + base.flatMap { ["--baseline", $0] }
        + new.flatMap { ["--candidate", $0] })
    try #require([0, 1, 2].contains(result.status), "\(result.errors)")
    return (result.status, try JSONDecoder().decode(Outcome.self, from: Data(result.output.utf8)))
  }

  /// Folded stacks as `perf script` and stackcollapse make them of 5,025,125 ns a sample.
  private func perf(_ program: String, _ samples: [(String, UInt64)]) -> String {
    samples.map { "\(program);_start;main;\($0.0) \($0.1 * 5_025_125)\n" }.joined()
  }

  @Test func `one program recorded twice by perf, its weights periods, is no regression`() throws {
    // Eleven functions of 30 to 1 samples; a second recording has others by chance.
    let first: [(String, UInt64)] = (0..<11).map { (index: Int) in ("f\(index)", UInt64(31 - 3 * index)) }
    let second = first.enumerated().map { (index: Int, pair: (String, UInt64)) -> (String, UInt64) in
      (pair.0, pair.1 + UInt64(index * 5 % 7))
    }
    let base = try write(perf("old-bench", first), to: "a.folded")
    let new = try write(perf("new-bench", second), to: "b.folded")

    let (status, outcome) = try check([base], [new])

    #expect(status == 0)
    #expect(outcome.verdict == "inconclusive")
    #expect(outcome.findings.isEmpty)
    #expect(outcome.base.samples == first.reduce(0) { $0 + $1.1 })
    #expect(outcome.unit == "samples")
  }

  @Test func `twice the samples of a function fail under two names of the program, and with its own name`() throws {
    let counts: [(String, UInt64)] = [("parse", 907), ("print", 2111), ("sort", 3001), ("read", 4003)]
    let slower: [(String, UInt64)] = counts.map { name, count in (name, name == "parse" ? 2 * count : count) }
    let base = try write(perf("old-bench", counts), to: "a.folded")
    let new = try write(perf("new-bench", slower), to: "b.folded")

    let (status, outcome) = try check([base], [new])

    #expect(status == 1)
    #expect(outcome.findings.map(\.function) == ["parse"])
  }

  @Test func `weights of perf's freq mode are refused for one run and taken for two`() throws {
    func uneven(_ seed: UInt64) -> String {
      var lines = ""
      for index in 1...UInt64(8) {
        let noise: UInt64 = (seed * 7919 + index * 104_729) % 500_009
        lines += "bench;main;f\(index) \(97_000_291 * index + noise)\n"
      }
      return lines
    }
    let files = try (0..<4).map { try write(uneven(UInt64($0) + 1), to: "\($0).folded") }

    let (_, one) = try check([files[0]], [files[1]])
    #expect(one.verdict == "not_comparable")
    #expect(one.reasons.first?.contains("too large and too uneven to be numbers of samples") == true)
    let (_, two) = try check([files[0], files[1]], [files[2], files[3]])
    #expect(two.verdict != "not_comparable")
    #expect(two.findings.isEmpty)
  }

  @Test func `a diff draws two names of one program as one`() throws {
    let base = try write("old-bench;main;f 60\nold-bench;main;g 40\n", to: "a.folded")
    let new = try write("new-bench;main;f 50\nnew-bench;main;g 50\n", to: "b.folded")

    let result = try desk.run(["diff", base, new, "--folded"])

    #expect(result.output == "[program];main;f 60 50\n[program];main;g 40 50\n")
  }

  @Test(arguments: [
    ("./old | cat", "'|' is for a shell"), ("./old > x", "'>' is for a shell"), ("./old $HOME", "'$' is for a shell"),
    ("./old \"$HOME\"", "'$' is for a shell"), ("./old *.txt", "'*' is for a shell"), ("~/old", "'~' is for a shell"),
    ("A=1 ./old", "write 'env A=1 COMMAND' on both sides"), ("./old 'x", "a quote ' is not closed"),
    (" ", "there is no command"), ("./old;true", "';' is for a shell"),
  ])
  func `what only a shell would do is refused before anything runs`(command: String, reason: String) throws {
    let result = try desk.run(["check", "--baseline-command", command, "--", "true"])

    #expect(result.status == 64)
    #expect(result.errors.contains(reason), "\(result.errors)")
  }

  @Test(arguments: [
    (["--runs", "auto", "--baseline", "1", "--candidate", "2"], "'--runs auto' takes"),
    (["--runs", "auto", "--save", "x.pb.gz", "--", "true"], "'--runs auto' takes"),
    (["--runs", "0", "--baseline-command", "true", "--", "true"], "--runs"),
    (["--max-runs", "0", "--baseline-command", "true", "--", "true"], "'--max-runs 0': give 1 to 1000"),
  ])
  func `runs that cannot be made are refused`(arguments: [String], reason: String) throws {
    let result = try desk.run(["check"] + arguments)

    #expect(result.status == 64)
    #expect(result.errors.contains(reason), "\(result.errors)")
  }

  // MARK: - Several off-CPU tasks

  private func storeWaits(leftOut: [Phase: Weight], lost: UInt64, lostNanoseconds: UInt64) throws {
    let store = try TaskStore.open(path: desk.database)
    var task = ProfilingTask(
      target: "comm app", spec: TaskSpec(target: .name("app"), kind: .offCPU(OffCPUOptions())), host: "host",
      kernel: "6.18", startedAt: WallTime(nanoseconds: 1_000_000_000))
    task.id = try store.begin(task)
    task.endedAt = WallTime(nanoseconds: 2_000_000_000)
    var stacks = StackTreeBuilder()
    let node = stacks.insert([0]) ?? -1
    let profile = Profile(
      frames: [Frame(function: "read")],
      threads: [
        ProfiledThread(process: ProcessID(rawValue: 1), thread: ThreadID(rawValue: 1), processName: "app", name: "app")
      ], stacks: stacks.tree,
      values: [Profile.Value(thread: 0, stack: node, weight: Weight(count: 10, nanoseconds: 1000), extremes: 1...900)])
    task.account = SampleAccount(ticks: 10 + lost, taken: 10, losses: [.intervalTableFull: lost])
    task.account.lostNanoseconds = lostNanoseconds
    task.account.leftOut = leftOut
    try store.finish(task, profile: profile)
  }

  @Test func `off-CPU tasks that are reported together keep what was left out and lost`() throws {
    try storeWaits(leftOut: [.runQueue: Weight(count: 5, nanoseconds: 7_000)], lost: 2, lostNanoseconds: 4_000)
    try storeWaits(
      leftOut: [.runQueue: Weight(count: 1, nanoseconds: 3_000), .preempted: Weight(count: 4, nanoseconds: 80_000)],
      lost: 1, lostNanoseconds: 6_000)

    let report = try desk.run(["report", "1", "2", "--db", desk.database, "--top"])

    #expect(report.status == 0, "\(report.errors)")
    #expect(report.output.contains("3 of 23 lost"), "\(report.output)")
    #expect(report.output.contains("left out: 6 times waiting on the run queue, 10us in all"), "\(report.output)")
    #expect(report.output.contains("left out: 4 times preempted, 80us in all"), "\(report.output)")
    let json = try desk.run(["report", "1", "2", "--db", desk.database, "--json"])
    // 4,000 and 6,000 ns that were lost; 7,000 and 3,000 ns that were left out.
    #expect(json.output.contains("\"lost_ns\": 10000"), "\(json.output)")
    #expect(json.output.contains("\"runqueue\": {\"count\": 6, \"ns\": 10000}"), "\(json.output)")
  }
}
