import CommandRunning
import Foundation
import Testing

extension EndToEnd {
  /// Two programs of known shares, side by side.
  @Suite struct CheckTests {
    private let bench: Workbench
    private let program: String

    init() throws {
      bench = try Workbench()
      program = try bench.compileWithoutFramePointers("shares")
    }

    private struct Outcome: Decodable {
      struct Finding: Decodable {
        let kind: String
        let function: String
      }

      let verdict: String
      let findings: [Finding]
    }

    /// Runs of about a second, some 1,000 samples each.
    private func check(slower function: Int, by factor: String) throws -> (status: Int32, outcome: Outcome) {
      let rounds = "200000"
      let result = try bench.run(
        [
          bench.swprof, "check", "--runs", "4", "--output", "json",
          "--baseline-command", "\(program) \(function) 1 \(rounds)", "--", program, "\(function)", factor, rounds,
        ], deadlineSeconds: 120)
      try #require([0, 1].contains(result.status), "\(result.errors)")
      return (result.status, try JSONDecoder().decode(Outcome.self, from: Data(result.output.utf8)))
    }

    @Test func `a function that takes twice as long fails the check by its name`() throws {
      let (status, outcome) = try check(slower: 5, by: "2")

      #expect(status == 1)
      #expect(outcome.verdict == "regression")
      #expect(outcome.findings.map(\.function) == ["f5"])
    }

    @Test func `the same program twice passes`() throws {
      let (status, outcome) = try check(slower: 5, by: "1")

      #expect(status == 0)
      #expect(outcome.findings.isEmpty)
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
