import CProbes
import Capture
import CommandRunning
import Foundation
import LinuxSystem
import ProfileModel
import Runtimes
import Testing
import Unwinding

extension EndToEnd {
  /// The tasks of asyncio that await each other, against what asyncio itself tells of them.
  @Suite(.enabled(if: !PythonInterpreter.withTasks.isEmpty, "run scripts/fetch-pythons, which fetches CPython 3.14"))
  struct PythonTaskTests {
    /// A task with its frames from leaf to root, and those that await it.
    private struct Call: Decodable {
      let task: String
      let frames: [Frame]
      let awaited_by: [Call]
    }

    private struct Frame: Decodable, Equatable {
      let name: String
      let line: Int?

      init(name: String, line: Int?) {
        self.name = name
        self.line = line
      }

      init(from decoder: any Decoder) throws {
        var list = try decoder.unkeyedContainer()
        name = try list.decode(String.self)
        line = try list.decodeIfPresent(Int.self)
      }
    }

    private struct Truth: Decodable {
      let thread: UInt64
      let call: Call
    }

    private let bench: Workbench

    init() throws { bench = try Workbench() }

    @Test(arguments: PythonInterpreter.withTasks, ["chain", "group", "gather", "several", "unnamed", "alone"])
    func `the tasks that wait are those that asyncio knows, with their frames and lines`(
      _ python: PythonInterpreter, kind: String
    ) throws {
      let program = try python.copied(bench.workload("python_tasks.py"))
      let command = try bench.start(python.command + [program, "stop", kind])
      let line = try command.waitForLine(startingWith: "ready")
      let truth = try JSONDecoder().decode(Truth.self, from: Data(line.dropFirst("ready ".count).utf8))
      try waitUntil("the process stops") {
        try String(contentsOfFile: "/proc/\(command.pid)/status", encoding: .utf8).contains("State:\tT")
      }

      let found = try stack(of: ProcessID(rawValue: command.pid), thread: truth.thread)

      let start = try #require(found.firstIndex { $0.name.hasPrefix("[task") })
      let expected = expected(truth.call)
      // The line of the leaf has changed, and what runs the tasks is behind them.
      #expect(found[..<start].map(\.name) == truth.call.frames.map(\.name))
      #expect(found[1..<start] == truth.call.frames.dropFirst())
      let tasks = found[start...].prefix { !$0.name.hasPrefix("Handle.") && !$0.name.hasPrefix("BaseEventLoop.") }
      #expect(Array(tasks) == expected)
      #expect(kind != "several" || expected.last?.name == "[3 waiters]")
      #expect(found.suffix(from: start + tasks.count).contains { $0.name == "BaseEventLoop.run_forever" })
    }

    @Test(arguments: PythonInterpreter.withTasks)
    func `CPU time of a task stands below the tasks that await it`(_ python: PythonInterpreter) throws {
      let program = try python.copied(bench.workload("python_tasks.py"))

      let stacks = try bench.capture(["--freq", "997", "--"] + python.command + [program, "work", "1.5"])

      let burning = FoldedStacks(stacks: stacks.stacks.filter { $0.names.contains("pay_[p]") })
      #expect(burning.total > 100)
      let tasks = burning.count { Self.hasTasks($0, "burn_[p]") }
      // The program loads the module as it begins; a sample may find it between two functions.
      #expect(tasks * 100 >= burning.total * 95, "\(tasks) of \(burning.total)")
      let others = stacks.stacks.filter { !$0.names.contains("pay_[p]") }
      #expect(others.reduce(0) { $0 + ($1.names.contains("[task: charge]") ? $1.count : 0) } <= stacks.total / 50)
    }

    @Test(arguments: PythonInterpreter.withTasks)
    func `what blocks the loop stands below the tasks that await it, and an idle loop below none`(
      _ python: PythonInterpreter
    ) throws {
      let program = try python.copied(bench.workload("python_tasks.py"))
      let file = bench.path("waits.folded")

      let command = bench.offcpu(["--folded", "-o", file, "--phase", "blocked", "--min-block", "10ms", "--"])
      let result = try bench.run(command + python.command + [program, "work", "1.5"])

      try #require(result.status == 0, "\(result.errors)")
      let stacks = try FoldedStacks(String(contentsOfFile: file, encoding: .utf8))
      let blocked = stacks.count { $0.names.contains("block_[p]") }
      let tasks = stacks.count { Self.hasTasks($0, "block_[p]") }
      let idle = stacks.stacks.filter { $0.names.contains("EpollSelector.select_[p]") }
      // 20 ms of each 60 ms are of either kind.
      #expect(blocked > 100_000 && tasks * 100 >= blocked * 90, "\(tasks) of \(blocked)")
      #expect(idle.reduce(0) { $0 + $1.count } > 100_000)
      #expect(idle.allSatisfy { stack in !stack.names.contains { $0.hasPrefix("[task") } })
    }

    /// Whether a stack is that of a function in the tasks of the program.
    private static func hasTasks(_ stack: FoldedStacks.Stack, _ function: String) -> Bool {
      let names = stack.names.filter { $0.hasSuffix("_[p]") || $0.hasPrefix("[task") }
      guard let loop = names.firstIndex(of: "Handle._run_[p]") else { return false }
      return names[(loop + 1)...].prefix(9) == [
        "[task: front]", "front_[p]", "[task: order]", "order_[p]", "collect_[p]", "[task: charge]", "charge_[p]",
        "pay_[p]", function,
      ]
    }

    /// What comes behind the frames of a task, from leaf to root.
    private func expected(_ call: Call) -> [Frame] {
      let name = call.task.hasPrefix("Task-") ? "[task]" : "[task: \(call.task)]"
      var result = [Frame(name: name, line: nil)]
      if call.awaited_by.count > 1 { result.append(Frame(name: "[\(call.awaited_by.count) waiters]", line: nil)) }
      if call.awaited_by.count == 1 { result += call.awaited_by[0].frames + expected(call.awaited_by[0]) }
      return result
    }

    /// The Python frames and marks of a thread that stands still, from leaf to root.
    private func stack(of process: ProcessID, thread: UInt64) throws -> [Frame] {
      let memory = try ProcessMemory(of: process)
      let runtime = try #require(try PythonRuntime.find(in: memory, modules: try MappedModule.all(of: process)))
      let registers = StackWalk.Registers(rip: 0x1000, rsp: 0x1000, rbp: 0)
      let walk = StackWalk.walk(
        from: registers, through: [], python: .thread(runtime.layout, threadPointer: thread)
      ) { memory.bytes(at: $0, count: $1) }
      var result: [Frame] = []
      // Those of a task that waits are recorded from root to leaf.
      var waiting: [Frame] = []
      var name = ""
      for place in stride(from: 0, to: walk.python.count, by: 2) {
        let (first, second) = (walk.python[place], walk.python[place + 1])
        switch first {
        case UInt64(SWPROF_PYTHON_NAME_WORD.rawValue): name += Self.text(second)
        case UInt64(SWPROF_PYTHON_TASK.rawValue):
          result +=
            (result.isEmpty ? waiting : waiting.reversed()) + [
              Frame(name: name.isEmpty || name.hasPrefix("Task-") ? "[task]" : "[task: \(name)]", line: nil)
            ]
          (waiting, name) = ([], "")
        case UInt64(SWPROF_PYTHON_WAITERS.rawValue): waiting.append(Frame(name: "[\(second) waiters]", line: nil))
        case UInt64(SWPROF_PYTHON_MARK_LIMIT)...: waiting.append(try frame(first, second, runtime, memory))
        default: break
        }
      }
      return result + waiting
    }

    /// The characters of a string of one byte each.
    private static func text(_ word: UInt64) -> String {
      String(String.UnicodeScalarView(withUnsafeBytes(of: word) { $0.filter { $0 != 0 }.map { Unicode.Scalar($0) } }))
    }

    private func frame(
      _ address: UInt64, _ place: UInt64, _ runtime: PythonRuntime, _ memory: ProcessMemory
    ) throws -> Frame {
      let cookie = UInt32(place >> 32)
      guard case .code(let code) = PythonCode.read(at: address, cookie: cookie, of: runtime, in: memory) else {
        return Frame(name: "unreadable", line: nil)
      }
      return Frame(name: code.qualifiedName, line: code.line(atUnit: UInt32(truncatingIfNeeded: place)))
    }
  }
}
