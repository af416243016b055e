import CommandRunning
import Foundation
import Testing

extension EndToEnd {
  /// What reports say of a Python program whose functions and lines have known shares.
  @Suite struct PythonReportTests {
    private let bench: Workbench
    private let program: String
    /// By the function that the source has it in.
    private let lines: [String: Int]

    init() throws {
      bench = try Workbench()
      program = bench.workload("python_shares.py")
      let text = try String(contentsOfFile: program, encoding: .utf8).split(
        separator: "\n", omittingEmptySubsequences: false)
      func line(_ ending: String) throws -> Int {
        try #require(text.firstIndex { $0.hasSuffix(ending) }) + 1
      }
      lines = ["two thirds": try line("# two thirds"), "one third": try line("# one third")]
    }

    /// Frames with the program's lines, such as `first (python_shares.py:9)_[p]`, from `main` on.
    private func record(_ python: PythonInterpreter, _ options: [String] = []) throws -> FoldedStacks {
      let stacks = try bench.capture(
        ["--freq", "1999", "--lines"] + options + ["--"] + python.command + [program, "1.5"])
      // The program starts up before it divides its time.
      return FoldedStacks(
        stacks: stacks.stacks.filter { $0.names.contains { $0.hasPrefix("main (python_shares") } })
    }

    private func percentage(_ stacks: FoldedStacks, _ function: String) -> Double {
      stacks.percentage { $0.names.contains { $0.hasPrefix(function) && $0.hasSuffix("_[p]") } }
    }

    @Test(arguments: PythonInterpreter.installed)
    func `functions and lines have the shares of the program`(python: PythonInterpreter) throws {
      let stacks = try record(python)

      // Before 3.11, a function does not know its class.
      let method = python.minor >= 11 ? "Third.run" : "run"
      let expected = [
        ("first (python_shares.py:", 60.0), ("second (python_shares.py:", 30), ("\(method) (python_shares.py:", 10),
        ("first (python_shares.py:\(lines["two thirds"] ?? 0))", 40),
        ("first (python_shares.py:\(lines["one third"] ?? 0))", 20),
      ]
      // 3,000 samples: three times the deviation of a share is below 3 points.
      #expect(stacks.total > 2500)
      for (function, share) in expected { #expect(abs(percentage(stacks, function) - share) <= 3, "\(function)") }
      let names = Set(
        stacks.stacks.flatMap(\.names).filter { $0.contains(" (python_shares.py:") }
          .compactMap { $0.split(separator: " ").first.map(String.init) })
      #expect(names == ["<module>", "main", "first", "second", method])
      #expect(stacks.percentage { $0.names.contains("[python|native not merged]") } <= 1)
      let hidden = ["_PyEval", "PyEval", "_PyFunction", "method_vectorcall", "pymain", "[python", "[libpython"]
      #expect(stacks.percentage { $0.names.contains { name in hidden.contains { name.hasPrefix($0) } } } <= 1)
    }

    @Test func `the interpreter is shown on demand`() throws {
      let stacks = try record(PythonInterpreter.installed[0], ["--native-frames"])

      let loop = stacks.percentage { stack in
        stack.names.contains { $0.hasPrefix("_PyEval_EvalFrameDefault") || $0.hasPrefix("[python") }
      }
      #expect(loop >= 95)
    }

    @Test(arguments: [PythonInterpreter.installed.first, PythonInterpreter.installed.last].compactMap(\.self))
    func `a function whose code was freed has no name or its own`(python: PythonInterpreter) throws {
      let stacks = try bench.capture(
        ["--freq", "1999", "--lines", "--"] + python.command + [bench.workload("python_churn.py"), "1.5"])

      var named = 0
      for stack in stacks.stacks {
        for name in stack.names where name.hasPrefix("function_") && name.hasSuffix(".py:5)_[p]") {
          let number = name.dropFirst("function_".count).prefix(while: \.isNumber)
          #expect(name.contains(" (churn_\(number).py:"), "\(name)")
          named += stack.count
        }
      }
      #expect(named > stacks.total / 4, "\(named) of \(stacks.total)")
    }

    @Test func `waits are those of the functions that wait`() throws {
      let file = bench.path("waits.folded")
      let command = bench.offcpu(["--folded", "--lines", "-o", file, "--min-block", "10ms", "--"])
      let result = try bench.run(
        command + PythonInterpreter.installed[0].command + [bench.workload("python_waits.py"), "20"])
      try #require(result.status == 0, "\(result.errors)")

      let stacks = FoldedStacks(
        stacks: try FoldedStacks(String(contentsOfFile: file, encoding: .utf8)).stacks.filter {
          $0.names.contains { $0.hasPrefix("method_b (") }
        })
      func percentage(_ callee: String) -> Double {
        let functions = ["<module>", "main", "method_a", "method_b", callee]
        return stacks.percentage { stack in
          stack.names.filter { $0.hasSuffix("_[p]") }.map { String($0.prefix { $0 != " " }) } == functions
        }
      }
      #expect(abs(percentage("method_c") - 40) <= 1)
      #expect(abs(percentage("method_d") - 60) <= 1)
    }

    @Test(arguments: PythonInterpreter.installed.filter { !$0.isFreeThreaded })
    func `a thread that wants to compute waits for the lock, and one that sleeps does not`(
      python: PythonInterpreter
    ) throws {
      let command = bench.offcpu(["--quiet", "--phase", "blocked", "--min-block", "1ms", "--"])
      let result = try bench.run(command + python.command + [bench.workload("python_lock.py"), "1"])
      try #require(result.status == 0, "\(result.errors)")

      func stacks(_ options: [String]) throws -> FoldedStacks {
        let report = try bench.run([bench.swprof, "report", "--db", bench.database, "--folded"] + options)
        try #require(report.status == 0, "\(report.errors)")
        return try FoldedStacks(report.output)
      }
      func time(_ function: String, _ options: [String]) throws -> Double {
        Double(try stacks(options).count { $0.names.contains("\(function)_[p]") })
      }
      // Both wait for half of a second, in turns of 5 ms; less where others take their CPU.
      let waited = try time("compute", ["--label", "gil=waiting"])
      #expect(waited >= 250_000)
      #expect(waited >= 0.95 * (try time("compute", [])))
      // Behind each sleep it waits for the lock. The first stacks may lack a table.
      let line = try #require(result.output.split(separator: "\n").first { $0.hasPrefix("slept ") })
      let slept = 1000 * (try #require(Double(line.dropFirst("slept ".count))))
      let rested = try time("rest", ["--label", "gil=none"])
      #expect((0.85 * slept...1.05 * slept).contains(rested), "\(rested) of \(slept)")
      let summary = try bench.run([bench.swprof, "report", "--db", bench.database, "--json"]).output
      #expect(summary.contains("\"gil\": {\"held\": "))
    }
  }
}
