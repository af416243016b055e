import CommandRunning
import Foundation
import LinuxSystem
import ProfileModel
import Testing

extension EndToEnd {
  /// Targets that have children already, that end and come again, and that do nothing.
  @Suite struct RestartTests {
    private let bench: Workbench

    init() throws { bench = try Workbench() }

    @Test func `the children that a process has started before are included, unless told otherwise`() throws {
      let workload = try bench.startWorkload([try bench.compile("fork_tree")])
      workload.send(SIGUSR1)
      try waitUntil("a child and a grandchild") {
        ProcessTable.descendants(of: [ProcessID(rawValue: workload.pid)]).count == 2
      }
      let target = ["--pid", "\(workload.pid)", "--duration", "3s"]

      let with = try bench.capture(target)
      let without = try bench.capture(target + ["--no-include-children"])

      for function in ["burn_parent", "burn_child", "burn_grandchild"] { #expect(with.count(leaf: function) > 20) }
      #expect(without.count(leaf: "burn_parent") > 20)
      #expect(without.count(leaf: "burn_child") + without.count(leaf: "burn_grandchild") == 0)
      #expect(try bench.tasks().map(\.target).contains("pid \(workload.pid) (fork_tree) and 2 children"))
    }

    @Test(arguments: ["network", "offcpu"])
    func `a worker that was there before its master was named is included by every kind of capture`(kind: String) throws
    {
      let program = try bench.compile("http_server")
      let master = try bench.startWorkload(["sh", "-c", "\(program) 127.0.0.1 & wait"])
      let port = try master.waitForLine(startingWith: "ready").dropFirst("ready ".count)
      let server = HTTPServer(command: master, place: String(port))
      let client = try bench.startClient([], of: server, ["/ok/5*20"])
      let capture = try bench.startCapture(
        command: [bench.swprof, kind, "--db", bench.database, "--pid", "\(master.pid)", "--duration", "100s", "--json"])
      _ = try bench.finish(client: client)
      capture.send(SIGINT)
      let result = try capture.wait()
      for process in ProcessTable.descendants(of: [ProcessID(rawValue: master.pid)]) { kill(process.rawValue, SIGKILL) }

      #expect(result.status == 0, "\(result.errors)")
      if kind == "network" {
        #expect(result.output.contains("/ok/5"))
      } else {
        #expect(result.output.contains("http_server"))
      }
    }

    @Test func `a capture by name outlives the end of its last process, and follows those that come then`() throws {
      let (program, renamed) = (try bench.compile("burn", as: "wanted"), try bench.compile("takes_name"))
      // An emulated machine takes a second to begin.
      let first = try bench.startWorkload([program, "3"])
      let capture = try bench.startCapture(["--comm", "wanted", "--duration", "100s", "--folded"])
      _ = try first.wait()
      // Another one of the name by a new program, and one that takes it with prctl(2).
      _ = try bench.startWorkload([program, "2"]).wait()
      _ = try bench.startWorkload([renamed, "wanted", "2"]).wait()
      capture.send(SIGINT)

      let result = try capture.wait()

      #expect(result.status == 0, "\(result.errors)")
      let stacks = try FoldedStacks(result.output)
      // 4 s at 99 Hz, and what the first has left.
      #expect(stacks.count(leaf: "burn_here") > 360, "\(stacks.total)")
    }

    @Test func `an empty result says what would help`() throws {
      let sleeper = try bench.startWorkload([try bench.compile("sleeper")])
      let result = try bench.run(bench.oncpu(["--pid", "\(sleeper.pid)", "--duration", "500ms"]))

      #expect(result.status == 0, "\(result.errors)")
      #expect(result.output.contains("'swprof offcpu'"), "\(result.output)")

      let parent = try bench.startWorkload(["sh", "-c", "\(try bench.compile("burn")) & wait"])
      let childless = try bench.run(
        bench.oncpu(["--pid", "\(parent.pid)", "--duration", "1s", "--no-include-children"]))
      for process in ProcessTable.descendants(of: [ProcessID(rawValue: parent.pid)]) { kill(process.rawValue, SIGKILL) }

      #expect(childless.output.contains("--no-include-children; burn ("), "\(childless.output)")
    }
  }
}
