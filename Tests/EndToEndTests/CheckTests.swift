import CommandRunning
import Foundation
import Testing

extension EndToEnd {
  /// The recipes of the README: two programs of known shares side by side, `old-bench` and `new-bench`.
  @Suite struct CheckTests {
    private let bench: Workbench
    private let program: String

    init() throws {
      bench = try Workbench()
      program = try bench.compileWithoutFramePointers("shares")
      // Two names of one file, in the directory in which commands run.
      for name in ["old-bench", "new-bench"] {
        try FileManager.default.copyItem(atPath: program, toPath: bench.path(name))
      }
    }

    private struct Outcome: Decodable {
      struct Finding: Decodable {
        let kind: String
        let function: String
        let module: String?
      }

      struct Side: Decodable {
        let runs: Int
      }

      let verdict: String
      let findings: [Finding]
      let base: Side
      let new: Side
    }

    /// Turns of a run: about a second, some 1,000 samples.
    private static let rounds = "200000"
    private static let old = "./old-bench 5 1 \(rounds)"

    private static func new(slowerBy factor: String) -> [String] { ["./new-bench", "5", factor, rounds] }

    private func swprof(_ arguments: [String]) throws -> CommandResult {
      try bench.run([bench.swprof] + arguments, deadlineSeconds: 180)
    }

    private func outcome(_ text: String) throws -> Outcome {
      try JSONDecoder().decode(Outcome.self, from: Data(text.utf8))
    }

    private func file(_ name: String) throws -> String { try String(contentsOfFile: bench.path(name), encoding: .utf8) }

    @Test func `a function that takes twice as long fails both recipes of a CI job by its name`() throws {
      let result = try swprof(
        [
          "check", "--baseline-command", Self.old, "--runs", "4", "--output", "github", "--output",
          "markdown=summary.md", "--output", "junit=check.xml", "--output", "json=check.json", "--",
        ] + Self.new(slowerBy: "2"))

      #expect(result.status == 1, "\(result.errors)")
      let outcome = try outcome(file("check.json"))
      #expect(outcome.verdict == "regression")
      #expect(outcome.findings.map(\.function) == ["f5"])
      #expect(outcome.findings.map(\.module) == ["[program]"])
      #expect(result.output.contains("::error") && result.output.contains("f5"))
      #expect(try file("summary.md").contains("**regression**: f5"))
      #expect(try file("check.xml").contains("name=\"f5 in [program]\"><failure"))
    }

    @Test func `the same program under two names passes both recipes of a CI job`() throws {
      let result = try swprof(
        [
          "check", "--baseline-command", Self.old, "--runs", "4", "--output", "text", "--output", "junit=check.xml",
          "--output", "json=check.json", "--",
        ] + Self.new(slowerBy: "1"))

      #expect(result.status == 0, "\(result.output)")
      #expect(try outcome(file("check.json")).findings.isEmpty)
      #expect(try file("check.xml").contains("failures=\"0\""))
    }

    @Test func `a saved baseline is compared with a program of another name`() throws {
      let save = try swprof(
        ["check", "--save", "base.pb.gz", "--runs", "4", "--"] + Self.old.split(separator: " ").map(String.init))
      #expect(save.status == 0, "\(save.errors)")
      #expect(save.errors.contains("saved 4 runs of './old-bench 5 1 200000' to 'base.pb.gz'"), "\(save.errors)")

      func check(_ factor: String) throws -> (Int32, Outcome) {
        let result = try swprof(
          ["check", "--baseline", "base.pb.gz", "--runs", "4", "--output", "json", "--"] + Self.new(slowerBy: factor))
        return (result.status, try outcome(result.output))
      }
      let same = try check("1")
      #expect(same.0 == 0)
      #expect(same.1.findings.isEmpty)
      let slower = try check("2")
      #expect(slower.0 == 1)
      #expect(slower.1.findings.map(\.function) == ["f5"])
    }

    /// A change of 200 % is told from none by the fewest runs; of 40 %, with an eighth of the samples, by twice as many as
    /// the limit allows.
    @Test(arguments: [("200000", "200", "pass", 5), ("25000", "40", "inconclusive", 7)])
    func `as many runs are made as a verdict takes, up to a limit`(
      rounds: String, limit: String, verdict: String, runs: Int
    ) throws {
      let result = try swprof([
        "check", "--baseline-command", "./old-bench 5 1 \(rounds)", "--runs", "auto", "--max-runs", "7",
        "--max-regression", limit, "--output", "json", "--", "./new-bench", "5", "1", rounds,
      ])

      #expect(result.status == 0, "\(result.output)")
      let outcome = try outcome(result.output)
      #expect(outcome.base.runs == runs)
      #expect(outcome.new.runs == runs)
      #expect(outcome.verdict == verdict)
      #expect(
        result.errors.contains("5 runs of each side are too few for a verdict") == (runs > 5), "\(result.errors)")
    }

    @Test func `both sides have the environment and the descriptor limit of the caller`() throws {
      for name in ["old-ask", "new-ask"] {
        let question = "#!/bin/sh\nulimit -Sn\nenv | grep -c ^DEBUGINFOD_URLS=x\necho \"$1\"\n"
        try question.write(toFile: bench.path(name), atomically: false, encoding: .utf8)
        try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: bench.path(name))
      }
      let check = "\(bench.swprof) check --runs 2 --baseline-command \"./old-ask 'one side'\" -- ./new-ask 'one side'"

      let result = try bench.run(
        ["bash", "-c", "ulimit -Sn 321; export DEBUGINFOD_URLS=x; \(check)"], deadlineSeconds: 60)

      // What the commands print comes on standard error: of two runs of both sides.
      let lines = result.errorLines.map(String.init)
      #expect(lines.count { $0 == "321" } == 4, "\(result.errors)")
      #expect(lines.count { $0 == "1" } == 4, "\(result.errors)")
      #expect(lines.count { $0 == "one side" } == 4, "\(result.errors)")
      let capture = try bench.run([
        "bash", "-c", "ulimit -Sn 321; \(bench.swprof) oncpu --no-store -q -- sh -c 'ulimit -Sn'",
      ])
      #expect(capture.output.hasPrefix("321\n"), "\(capture.output)")
    }

    @Test func `a command that fails is not compared`() throws {
      let result = try bench.run([
        bench.swprof, "check", "--baseline-command", "true", "--runs", "1", "--", "sh", "-c", "exit 3",
      ])

      #expect(result.status == 69)
      #expect(result.errors.contains("ended with status 3"))
      #expect(result.output.isEmpty)
    }

    @Test func `what the command prints does not stand in the result`() throws {
      let result = try bench.run([
        bench.swprof, "check", "--baseline-command", "echo old", "--runs", "1", "--output", "json", "--", "echo", "new",
      ])

      _ = try JSONDecoder().decode(Outcome.self, from: Data(result.output.utf8))
      #expect(result.errors.contains("old") && result.errors.contains("new"))
    }

    @Test func `tasks are compared by their ids, and a diff tells them apart`() throws {
      // With one run on each side, what could have been missed depends on how many samples it has.
      for factor in ["1", "8"] {
        let run = try bench.run(bench.oncpu(["--freq", "999", "--", program, "5", factor, "200000"]))
        try #require(run.status == 0, "\(run.errors)")
      }

      let check = try bench.run([
        bench.swprof, "check", "--db", bench.database, "--baseline", "1", "--candidate", "2",
      ])
      let diff = try bench.run([bench.swprof, "diff", "--db", bench.database, "1", "2"])

      #expect(check.status == 1, "\(check.output)")
      #expect(check.output.contains("regression: f5"))
      let changed = diff.output.split(separator: "\n").first { $0.contains("f5") }
      #expect(changed?.contains("+") == true, "\(diff.output)")
    }
  }
}
