import CommandRunning
import Foundation
import Testing

extension EndToEnd {
  /// Names of threads in profiles.
  @Suite struct PythonThreadTests {
    private let bench: Workbench

    init() throws { bench = try Workbench() }

    /// Of each way in which a `Thread` keeps its attributes; 3.9 and 3.10 are as 3.8.
    private static let interpreters = PythonInterpreter.installed.filter { ![9, 10].contains($0.minor) }

    @Test(arguments: interpreters)
    func `threads have the names that the program has given to them`(python: PythonInterpreter) throws {
      let stacks = try bench.capture(
        ["--freq", "999", "--per-thread", "--"] + python.command + [bench.workload("python_named_threads.py")])

      let burning = FoldedStacks(stacks: stacks.stacks.filter { $0.names.contains("burn_[p]") })
      #expect(burning.total > 800)
      for name in ["MainThread", "a worker with a long name", "ελληνικά", "in the child"] {
        // A thread's first look may come late, but no sample is lost by that.
        #expect(abs(burning.percentage { $0.names[1] == name } - 25) < 5, "\(name)")
      }
    }
  }
}
