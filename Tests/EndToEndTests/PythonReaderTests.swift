import Capture
import CProbes
import CommandRunning
import Foundation
import LinuxSystem
import ProfileModel
import Runtimes
import Testing

extension EndToEnd {
  /// Each interpreter says what its threads execute and stops; swprof has to read the same in its memory.
  @Suite struct PythonReaderTests {
    private struct Truth: Decodable {
      let threads: [Thread]
      let names: [String: String]

      struct Thread: Decodable {
        let id: UInt64
        let frames: [Frame]
      }
    }

    private struct Frame: Decodable, Equatable, CustomStringConvertible {
      let name: String
      let file: String
      let line: Int?

      init(name: String, file: String, line: Int?) {
        self.name = name
        self.file = file
        self.line = line
      }

      init(from decoder: any Decoder) throws {
        var list = try decoder.unkeyedContainer()
        name = try list.decode(String.self)
        file = try list.decode(String.self)
        line = try list.decodeIfPresent(Int.self)
      }

      var description: String { "\(name) \(file):\(line.map(String.init) ?? "-")" }

      /// Whether it is a frame that was read, of whose names only a beginning may have been.
      func isTruth(of read: Frame) -> Bool {
        line == read.line && Self.matches(name, read.name) && Self.matches(file, read.file)
      }

      private static func matches(_ whole: String, _ read: String) -> Bool {
        read == whole || read.utf8.count > 500 && read.hasSuffix("…") && whole.hasPrefix(read.dropLast())
      }
    }

    private let bench: Workbench

    init() throws { bench = try Workbench() }

    @Test func `the interpreters of this machine include those that the tests were written for`() {
      #expect(PythonInterpreter.all.contains { $0.path == "/usr/bin/python3" })
      let builds = PythonInterpreter.all.filter { $0.path.contains("/.pyenv/") }
      #expect(builds.isEmpty || builds.count >= 6, "\(builds)")
    }

    @Test(arguments: PythonInterpreter.all)
    func `every thread has the frames, names and lines that the interpreter tells`(_ python: PythonInterpreter) throws {
      let (process, truth) = try start(python)

      let (runtime, memory) = try find(process)

      #expect(runtime.version.minor == python.minor)
      #expect((runtime.layout.state_task != 0) == (python.minor >= 14))
      let threads = Dictionary(grouping: runtime.threads(in: memory), by: \.threadPointer)
      #expect(Set(threads.keys) == Set(truth.threads.map(\.id)))
      #expect(truth.threads.count > 20)
      for expected in truth.threads {
        let stacks = (threads[expected.id] ?? []).map { PythonStack(state: $0.state, of: runtime, in: memory) }
        let found = stacks.contains { matches($0, expected.frames, runtime, memory) }
        #expect(found, "\(expected.frames.first!) … \(stacks.map { frames($0, runtime, memory) })")
      }
    }

    @Test(arguments: PythonInterpreter.all)
    func `every thread is found from its thread pointer`(_ python: PythonInterpreter) throws {
      let (process, truth) = try start(python)

      let (runtime, memory) = try find(process)

      let grouped = Dictionary(grouping: truth.threads, by: \.id)
      for (id, expected) in grouped {
        let stack = try #require(PythonStack(threadPointer: id, of: runtime, in: memory))
        // To 3.11 the slot of a thread that waits in an inner interpreter leads to the outer one.
        let candidates = runtime.version.minor < 12 ? expected : [expected.last!]
        #expect(candidates.contains { matches(stack, $0.frames, runtime, memory) }, "\(expected[0].frames[0])")
      }
      #expect(PythonStack(threadPointer: grouped.keys.first! + 64, of: runtime, in: memory) == nil)
    }

    @Test(arguments: PythonInterpreter.all)
    func `threads are called what the program calls them`(_ python: PythonInterpreter) throws {
      let (process, truth) = try start(python)
      let (runtime, memory) = try find(process)
      var reader = PythonThreadNames()

      let names = reader.read(of: runtime, in: memory, while: { true })

      let expected = truth.names.filter { !$0.value.isEmpty }
      #expect(Dictionary(uniqueKeysWithValues: names.map { ("\($0.key)", $0.value) }) == expected)
      #expect(expected.count >= 19 && expected.values.contains("ελληνικά 😀"))
      // What was found is used again.
      #expect(reader.read(of: runtime, in: memory, while: { true }) == names)
    }

    /// As plugins of servers do, and programs that carry their Python along.
    @Test(arguments: PythonInterpreter.all.filter { $0.library != nil })
    func `a Python that a program loads late is read as well`(_ python: PythonInterpreter) throws {
      let library = try #require(python.library)
      let embedding = try python.copied(try bench.compile("python_embedding", options: ["-ldl"]))
      let (process, truth) = try start(python, by: [embedding, library])

      let (runtime, memory) = try find(process)

      #expect(!runtime.isInProgram && runtime.version.minor == python.minor)
      #expect(truth.threads.count > 20)
      for (id, expected) in Dictionary(grouping: truth.threads, by: \.id) {
        let stack = try #require(PythonStack(threadPointer: id, of: runtime, in: memory))
        #expect(expected.contains { matches(stack, $0.frames, runtime, memory) }, "\(expected[0].frames[0])")
      }
      // Since 3.15 nothing else leads to the state of a thread.
      if python.minor >= 15 { #expect(runtime.path.kind == .dynamicThreadLocal) }
    }

    @Test(.enabled(if: PythonInterpreter.freeThreaded != nil, "scripts/fetch-pythons 3.13t builds one"))
    func `a free-threaded build is told from others`() throws {
      let python = try #require(PythonInterpreter.freeThreaded)
      let (process, _) = try start(python)

      let (runtime, _) = try find(process)

      #expect(runtime.isFreeThreaded)
      guard case .read(_, let build, let isFreeThreaded, _, _)? = Doctor.examinePython(process)?.outcome else {
        Issue.record("its frames cannot be read")
        return
      }
      #expect(build == .static && isFreeThreaded)
    }

    /// The thread that stops the process holds the lock; all others wait without it, or for it.
    @Test(arguments: PythonInterpreter.all.filter { !$0.isFreeThreaded })
    func `the thread that holds the lock is known`(_ python: PythonInterpreter) throws {
      let (process, truth) = try start(python)

      let (runtime, memory) = try find(process)

      try #require(runtime.knowsLock)
      let holders = runtime.threads(in: memory).filter { thread in
        let current = runtime.layout.current_state
        let state: UInt64? =
          current != 0
          ? memory.value(at: current) : runtime.attachedPath?.value(from: thread.threadPointer, in: memory)
        return state == thread.state
      }
      #expect(holders.map(\.threadPointer) == truth.threads.filter { $0.frames[0].name == "main" }.map(\.id))
    }

    @Test func `a program without Python has none`() throws {
      let workload = try bench.startWorkload([try bench.compile("recursion"), "3"])
      let process = ProcessID(rawValue: workload.pid)

      #expect(
        try PythonRuntime.find(in: ProcessMemory(of: process), modules: MappedModule.all(of: process)) == nil)
    }

    /// - Parameter embedding: the beginning of the command.
    private func start(
      _ python: PythonInterpreter, by embedding: [String] = []
    ) throws -> (process: ProcessID, truth: Truth) {
      let program = try python.copied(bench.workload("python_stacks.py"))
      let command = try bench.start(python.commandPrefix + embedding + [python.path, program, "--interpreter"])
      let line = try command.waitForLine(startingWith: "ready")
      try waitUntil("the process stops") { try areStopped(command.pid) }
      let truth = try JSONDecoder().decode(Truth.self, from: Data(line.dropFirst("ready ".count).utf8))
      return (ProcessID(rawValue: command.pid), truth)
    }

    /// A stop takes each thread of a process when it next leaves the kernel.
    private func areStopped(_ pid: Int32) throws -> Bool {
      try FileManager.default.contentsOfDirectory(atPath: "/proc/\(pid)/task").allSatisfy { thread in
        // The kernel cuts names after 15 bytes, wherever that is.
        let status = try Data(contentsOf: URL(filePath: "/proc/\(pid)/task/\(thread)/status"))
        return String(decoding: status, as: UTF8.self).contains("State:\tT")
      }
    }

    private func find(_ process: ProcessID) throws -> (PythonRuntime, ProcessMemory) {
      let memory = try ProcessMemory(of: process)
      let runtime = try PythonRuntime.find(in: memory, modules: try MappedModule.all(of: process))
      return (try #require(runtime), memory)
    }

    private func matches(
      _ stack: PythonStack, _ truth: [Frame], _ runtime: PythonRuntime, _ memory: ProcessMemory
    ) -> Bool {
      let read = frames(stack, runtime, memory)
      let limit = Int(SWPROF_PYTHON_FRAMES_MAX)
      let isCut = stack.records.last?.first == UInt64(SWPROF_PYTHON_TRUNCATED.rawValue)
      guard isCut == (truth.count > limit), read.count == min(truth.count, limit) else { return false }
      return zip(truth, read).allSatisfy { $0.isTruth(of: $1) }
    }

    private func frames(_ stack: PythonStack, _ runtime: PythonRuntime, _ memory: ProcessMemory) -> [Frame] {
      stack.records.compactMap { record in
        guard record.first > 16 else { return nil }
        let cookie = UInt32(record.second >> 32)
        guard case .code(let code) = PythonCode.read(at: record.first, cookie: cookie, of: runtime, in: memory) else {
          return Frame(name: "unreadable", file: "", line: nil)
        }
        let line = code.line(atUnit: UInt32(truncatingIfNeeded: record.second))
        return Frame(name: code.qualifiedName, file: code.fileName, line: line)
      }
    }
  }
}

/// A CPython that this machine has.
struct PythonInterpreter: CustomTestStringConvertible, Sendable {
  let path: String
  let minor: Int
  var isFreeThreaded = false
  /// A root directory of its own.
  var root: String?

  var testDescription: String { (root ?? "") + path }

  /// Debian's own, the builds in the usual place, what `scripts/fetch-pythons` has built and fetched, and one that is
  /// named.
  static let all = known(["/usr/bin/python3"] + freeThreadedBuilds + builds + named) + fetched

  static var freeThreaded: PythonInterpreter? { all.first { $0.isFreeThreaded } }

  private static var named: [String] { ProcessInfo.processInfo.environment["SWPROF_PYTHON"].map { [$0] } ?? [] }

  private static var builds: [String] {
    let folder = NSHomeDirectory() + "/.pyenv/versions"
    return names(in: folder).map { "\(folder)/\($0)/bin/python3" }
  }

  private static func known(_ paths: [String]) -> [PythonInterpreter] {
    paths.compactMap { path in
      let target = URL(filePath: path).resolvingSymlinksInPath().lastPathComponent
      guard target.hasPrefix("python3."),
        let minor = Int(target.dropFirst("python3.".count).prefix(while: \.isNumber)), minor >= 8
      else { return nil }
      return PythonInterpreter(path: path, minor: minor, isFreeThreaded: target.hasSuffix("t"))
    }
  }

  private static let folder = URL(filePath: #filePath).appending(path: "../../../.build/pythons").standardized.path

  private static var freeThreadedBuilds: [String] {
    names(in: folder).filter {
      $0.hasPrefix("built-") && FileManager.default.fileExists(atPath: "\(folder)/\($0)/complete")
    }.map { "\(folder)/\($0)/bin/python\($0.dropFirst("built-".count))" }
  }

  private static var fetched: [PythonInterpreter] {
    names(in: folder).compactMap { name in
      guard FileManager.default.fileExists(atPath: "\(folder)/\(name)/complete"),
        let minor = name.split(separator: ".").last.flatMap({ Int($0) })
      else { return nil }
      return PythonInterpreter(path: "/usr/bin/python3.\(minor)", minor: minor, root: "\(folder)/\(name)")
    }
  }

  private static func names(in folder: String) -> [String] {
    ((try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []).sorted()
  }

  /// A shared library with the interpreter, if there is one.
  var library: String? {
    let folders =
      root == nil
      ? [URL(filePath: path).appending(path: "../../lib").standardized.path] : ["/usr/lib/x86_64-linux-gnu"]
    return folders.map { "\($0)/libpython3.\(minor).so.1.0" }.first {
      FileManager.default.fileExists(atPath: (root ?? "") + $0)
    }
  }

  /// Those whose tasks of asyncio know which tasks await them.
  static let withTasks = all.filter { $0.minor >= 14 }

  /// Those that see the files of the machine.
  static let installed = all.filter { $0.root == nil }

  /// Where `scripts/fetch-pythons` has put greenlet for it, if it has.
  var greenlets: String? {
    guard root == nil, !isFreeThreaded else { return nil }
    let path = "\(Self.folder)/greenlet-3.\(minor)"
    return FileManager.default.fileExists(atPath: path) ? path : nil
  }

  /// How it is started, as a command.
  var command: [String] { commandPrefix + [path] }

  /// The beginning of each command that runs it: in its root directory, and where it finds greenlet.
  var commandPrefix: [String] {
    if let root { return ["chroot", root] }
    return greenlets.map { ["env", "PYTHONPATH=\($0)"] } ?? []
  }

  /// The path of a file as the interpreter sees it: of a copy of its own where it has a root directory.
  func copied(_ file: String) throws -> String {
    guard let root else { return file }
    let copy = "/tmp/" + URL(filePath: file).lastPathComponent
    try? FileManager.default.removeItem(atPath: root + copy)
    try FileManager.default.copyItem(atPath: file, toPath: root + copy)
    return copy
  }
}
