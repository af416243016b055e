import CommandRunning
import Foundation
import Testing

extension EndToEnd {
  /// A greenlet runs on the stack of a thread whose other greenlets wait there, too.
  @Suite struct PythonGreenletTests {
    private let bench: Workbench

    init() throws { bench = try Workbench() }

    /// Of each way in which Python frames have their places: by counting, by CFrames, by entry frames.
    private static let interpreters = PythonInterpreter.installed.filter {
      $0.greenlets != nil && [9, 11, 13].contains($0.minor)
    }

    @Test(
      .enabled(if: !interpreters.isEmpty, "scripts/fetch-pythons fetches greenlet"), arguments: interpreters)
    func `a stack has the functions of the greenlet that runs, and says where others begin`(
      python: PythonInterpreter
    ) throws {
      let file = bench.path("greenlets.folded")
      let result = try bench.run(
        bench.oncpu(["--folded", "-o", file, "--freq", "1999", "--"]) + python.command
          + [bench.workload("python_greenlets.py"), "1"])
      let line = try #require(result.output.split(separator: "\n").first { $0.hasPrefix("ready ") })
      let truth = try JSONDecoder().decode([String].self, from: Data(line.dropFirst("ready ".count).utf8))
      let stacks = try FoldedStacks(String(contentsOfFile: file, encoding: .utf8))

      let functions = stacks.stacks.filter { $0.names.contains("burn_[p]") }
      let inGreenlet = functions.filter { $0.names.contains("inside_[p]") }
      let inMain = functions.filter { !$0.names.contains("inside_[p]") }
      let total = Double(functions.reduce(0) { $0 + $1.count })
      #expect(total > 300)
      let share = Double(inGreenlet.reduce(0) { $0 + $1.count }) / total
      #expect(abs(share - 2.0 / 3) < 0.08, "\(share)")
      #expect(truth == ["task", "inside"])
      #expect(inGreenlet.allSatisfy { Self.functions($0) == (truth + ["burn"]).map { "\($0)_[p]" } })
      #expect(inMain.allSatisfy { Self.functions($0) == ["<module>_[p]", "first_[p]", "burn_[p]"] })
      // The first stacks may come before the unwind tables.
      let mark = python.minor >= 10 ? "[greenlet]" : "[python|native not merged]"
      let marked = inGreenlet.filter { $0.names.contains(mark) }.reduce(0) { $0 + $1.count }
      #expect(Double(marked) >= 0.95 * share * total, "\(inGreenlet.prefix(3))")
      if python.minor >= 10 {
        #expect(inGreenlet.allSatisfy { !$0.names.contains(mark) || $0.names[1...2] == [mark, "task_[p]"] })
        #expect(inMain.allSatisfy { !$0.names.contains { $0.hasPrefix("[greenlet") || $0.hasPrefix("[interp") } })
      }
    }

    private static func functions(_ stack: FoldedStacks.Stack) -> [String] {
      stack.names.filter { $0.hasSuffix("_[p]") }
    }
  }
}
