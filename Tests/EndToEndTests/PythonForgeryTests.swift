import CommandRunning
import Foundation
import Testing

extension EndToEnd {
  /// Processes that look like Python and lie.
  @Suite struct PythonForgeryTests {
    private let bench: Workbench

    init() throws { bench = try Workbench() }

    /// - Returns: the stacks, and the peak memory of swprof in KiB.
    private func capture(_ command: [String]) throws -> (stacks: FoldedStacks, peak: Int) {
      let file = bench.path("forged.folded")
      // Many processes that burn CPU are not to leave none for swprof.
      let options = ["--no-store", "--folded", "--freq", "999", "-o", file, "--", "nice", "-n", "19"]
      let capture = try bench.start(
        ["/usr/bin/env", "python3", "-c", UnwindHostileTests.peakMemory, bench.swprof, "oncpu"] + options + command)
      let result = try capture.wait(deadlineSeconds: 30)
      try #require(result.status == 0, "\(result.errors)")
      let peak = try #require(Int(result.output.split(separator: "\n").last ?? ""))
      return (try FoldedStacks(String(contentsOfFile: file, encoding: .utf8)), peak)
    }

    private static func functions(_ stack: FoldedStacks.Stack) -> [String] {
      stack.names.filter { $0.hasSuffix("_[p]") }
    }

    @Test func `a forged runtime gets labels for its lies, and nothing of others`() throws {
      let program = try bench.compile("python_forged", options: ["-rdynamic"])
      let python = "/usr/bin/python3 \(bench.workload("python_shares.py")) 1.5"
      let honest = try capture([program, "1.5", "honest"])

      let hostile = try capture(["sh", "-c", "\(program) 1.5 & \(python); wait"])

      #expect(hostile.peak < honest.peak + 60 << 10, "\(hostile.peak) KiB, without lies \(honest.peak)")
      func samples(_ process: String, with frame: String) -> FoldedStacks {
        FoldedStacks(
          stacks: hostile.stacks.stacks.filter { $0.processName == process && $0.names.contains(frame) })
      }
      for minor in [12, 13] {
        let truthful = samples("honest-\(minor)", with: "burn_forged")
        #expect(truthful.total > 20)
        let whole = truthful.percentage { Self.functions($0) == ["forged_root_[p]", "forged_leaf_[p]"] }
        // The first samples may come before the runtime is found.
        #expect(whole >= 75, "\(truthful.stacks)")
        for lie in ["cycle", "shims"] {
          let liar = samples("\(lie)-\(minor)", with: "burn_forged")
          #expect(liar.percentage { $0.names.contains("[python: truncated]") } >= 75, "\(lie)-\(minor): \(liar.stacks)")
        }
      }
      let strange = Set(hostile.stacks.stacks.filter { $0.processName != "python3" }.flatMap(Self.functions))
        .subtracting(["forged_root_[p]", "forged_leaf_[p]"]).filter { !$0.hasPrefix("\\x00") && !$0.hasPrefix("[") }
      #expect(strange.isEmpty, "\(strange)")
      let others = samples("python3", with: "main_[p]")
      #expect(others.total > 20)
      let whole = others.percentage { stack in
        !stack.isTruncated && Self.functions(stack).starts(with: ["<module>_[p]", "main_[p]"])
      }
      #expect(whole >= 98)
    }
  }
}
