import CProbes
import Capture
import CommandRunning
import Foundation
import LinuxSystem
import ProfileModel
import Runtimes
import Testing

extension EndToEnd {
  /// Python frames as the kernel side records them, against the addresses of code objects that the programs print.
  @Suite struct PythonStackTests {
    private let bench: Workbench

    init() throws { bench = try Workbench() }

    @Test(arguments: PythonInterpreter.installed)
    func `frames stand where they ran, and have the shares that they ran for`(_ python: PythonInterpreter) throws {
      let program = try PythonProgram(python, ["shares"], bench)

      let samples = try program.sample(hertz: 1999, count: 3000)

      var shares: [String: Int] = [:]
      var others: [[String]] = []
      for sample in samples {
        let stack = program.stack(sample)
        let isWhole = Self.isWhole(stack, minor: python.minor)
        if let worker = Set(stack).intersection(["sixty", "thirty", "ten"]).first, isWhole {
          shares[worker, default: 0] += 1
        } else if !stack.contains("outer") || !isWhole {
          others.append(stack)
        }
      }
      // A sample may find a frame half-made, or the program between two of its functions.
      #expect(others.count <= samples.count / 100, "\(others.prefix(5))")
      let total = Double(shares.values.reduce(0, +))
      #expect(total > 2700)
      // Four standard deviations of 3000 samples.
      for (worker, share) in [("sixty", 0.6), ("thirty", 0.3), ("ten", 0.1)] {
        #expect(abs(Double(shares[worker] ?? 0) / total - share) < 0.036, "\(shares)")
      }
      #expect(samples.allSatisfy { $0.gil == (python.isFreeThreaded ? .unknown : .held) })
    }

    /// Whether a stack from root to leaf, in which consecutive native frames are one "-", is that of the program.
    private static func isWhole(_ stack: [String], minor: Int) -> Bool {
      let names = stack.filter { $0 != "-" && !$0.hasPrefix("[") }
      var expected = ["<module>", "shares", "outer"]
      if let key = names.firstIndex(of: "key") {
        expected += ["key"] + names[(key + 1)...].prefix(1)
        if names.count > key + 2 { expected.append("burn") }
      }
      guard names == expected else { return false }
      // Of 3.8 and 3.9, nothing tells where.
      guard minor >= 10 else { return stack.starts(with: names + ["[python|native not merged]"]) }
      guard !stack.contains(where: { $0.hasPrefix("[") }), stack.first == "-" else { return false }
      guard let key = stack.firstIndex(of: "key") else { return true }
      // sorted() and the loop that it calls lie between; since 3.11, one loop runs what Python functions call.
      return stack[key - 1] == "-" && stack[..<key].count { $0 == "-" } == (minor >= 11 ? 2 : 4)
    }

    @Test(arguments: PythonInterpreter.installed)
    func `the kernel records what user space reads in the stopped thread`(_ python: PythonInterpreter) throws {
      let program = try PythonProgram(python, ["deep"], bench)
      let process = program.process
      let memory = try ProcessMemory(of: process)
      let runtime = try #require(try PythonRuntime.find(in: memory, modules: try MappedModule.all(of: process)))
      let thread = try #require(runtime.threads(in: memory).first)

      var compared = 0
      try program.stopAndGo(30) { sample in
        let expected = PythonStack(threadPointer: thread.threadPointer, of: runtime, in: memory)
        let words = expected?.records.flatMap { [$0.first, $0.second] } ?? []
        #expect(Self.withoutBoundaries(sample.pythonStack) == words)
        compared += 1
      }
      #expect(compared >= 30)
    }

    private static func withoutBoundaries(_ words: [UInt64]) -> [UInt64] {
      stride(from: 0, to: words.count, by: 2).filter { words[$0] != UInt64(SWPROF_PYTHON_BOUNDARY.rawValue) }
        .flatMap { [words[$0], words[$0 + 1]] }
    }

    @Test(arguments: PythonInterpreter.installed)
    func `sleeps stand on the methods that sleep`(_ python: PythonInterpreter) throws {
      let program = try PythonProgram(python, ["sleeps", "10"], bench)

      let raw = try program.waits()

      var times: [String: UInt64] = [:]
      for value in raw.values {
        let stack = program.functions(of: raw, value.stack)
        guard let method = stack.last, method.hasPrefix("method") else { continue }
        #expect(stack == ["<module>", "sleeps", "methodA", "methodB", method])
        times[method, default: 0] += value.weight.nanoseconds
      }
      let total = Double(times.values.reduce(0, +))
      #expect(Set(times.keys) == ["methodC", "methodD"])
      #expect(total > 300_000_000)
      // The first and the last sleep may be cut off.
      #expect(abs(Double(times["methodC"] ?? 0) / total - 0.4) < 0.08, "\(times)")
    }

    @Test(arguments: PythonInterpreter.installed)
    func `a wait that outlasts the capture has its Python frames`(_ python: PythonInterpreter) throws {
      let program = try PythonProgram(python, ["sleeps", "1000"], bench)

      let raw = try program.waits(milliseconds: 300)

      let open = raw.values.filter { value in
        raw.stacks.path(to: value.stack).contains {
          if case .marker(.phase(_, _, isOpen: true)) = raw.locations[Int($0)] { true } else { false }
        }
      }
      // The one that it began with, and the one that it ended with.
      #expect((1...2).contains(open.count))
      for value in open {
        let stack = program.functions(of: raw, value.stack)
        #expect(
          stack.dropLast() == ["<module>", "sleeps", "methodA", "methodB"] && stack.last?.hasPrefix("method") == true)
      }
    }

    @Test func `a child that executes no program has Python frames from its first sample on`() throws {
      let program = try PythonProgram(try #require(PythonInterpreter.installed.last), ["fork"], bench)

      let samples = try program.sample(hertz: 999, count: 200, ofChildren: true)

      // A few are taken within os.fork() and before the first call.
      #expect(samples.count { program.stack($0).contains("fork") } >= 195)
      #expect(samples.count { program.stack($0).contains("outer") } >= 190)
    }

    @Test(arguments: [PythonInterpreter.installed.first, PythonInterpreter.installed.last].compactMap(\.self))
    func `processes of 60 ms have Python frames, and names`(_ python: PythonInterpreter) throws {
      let program = python.command.joined(separator: " ") + " -S " + bench.workload("python_calls.py") + " brief"
      let shell = try bench.start([
        "sh", "-c", "until [ -e go ]; do sleep 0.02; done; for i in $(seq 20); do \(program); done",
      ])
      let (capture, samples) = try PythonProgram.capture(ProcessID(rawValue: shell.pid), hertz: 999)
      try Data().write(to: URL(filePath: bench.path("go")))
      try waitUntil("the processes to end") {
        try capture.drain()
        return capture.hasNoTargetLeft
      }
      guard case .profile(let profile) = try capture.finish() else {
        Issue.record("a capture on CPU gives a profile")
        return
      }

      var (named, placed): (Set<[UInt64]>, Set<[UInt64]>) = ([], [])
      for (frame, name) in profile.runtimeNames {
        guard case .function(_, _, let line) = name else { continue }
        let key = [UInt64(frame.process.rawValue), frame.object, frame.position]
        named.insert(key)
        if line != nil { placed.insert(key) }
      }
      var (framed, whole, withLines) = (0, 0, 0)
      for sample in samples.list {
        let frames = stride(from: 0, to: sample.pythonStack.count, by: 2).map {
          [UInt64(sample.process.rawValue), sample.pythonStack[$0], sample.pythonStack[$0 + 1]]
        }.filter { $0[1] >= UInt64(SWPROF_PYTHON_MARK_LIMIT) }
        guard frames.count >= 2 else { continue }
        framed += 1
        if named.isSuperset(of: frames) { whole += 1 }
        if placed.isSuperset(of: frames) { withLines += 1 }
      }
      #expect(framed >= 20 * 40 * 95 / 100, "\(framed) of \(samples.list.count)")
      #expect(whole * 100 >= framed * 95, "\(whole) of \(framed)")
      // A long line table is read while the process lives.
      #expect(withLines * 100 >= framed * 80, "\(withLines) of \(framed)")
    }

    @Test func `a thread that has let go of the lock keeps its frames and is labeled so`() throws {
      for python in PythonInterpreter.installed where python.minor >= 11 {
        let program = try PythonProgram(python, ["threads"], bench)

        let samples = try program.sample(hertz: 999, count: 400)

        let digests = samples.filter { program.stack($0).last == "-" && program.stack($0).contains("digest") }
        #expect(digests.count > 100)
        #expect(digests.count { $0.gil == (python.isFreeThreaded ? .unknown : .none) } * 100 >= digests.count * 98)
        let others = samples.filter { program.stack($0).contains("burn") }
        #expect(others.count > 100)
        #expect(others.count { $0.gil == (python.isFreeThreaded ? .unknown : .held) } * 100 >= others.count * 98)
      }
    }
  }
}
