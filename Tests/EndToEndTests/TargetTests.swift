import CommandRunning
import Foundation
import Testing

extension EndToEnd {
  /// Which processes a capture sees, and which it leaves out.
  @Suite struct TargetTests {
    private let bench: Workbench

    init() throws { bench = try Workbench() }

    @Test func `processes given by number are seen, no other`() throws {
      let first = try bench.startWorkload([try bench.compile("burn", as: "first")])
      let second = try bench.startWorkload([try bench.compile("burn", as: "second")])
      _ = try bench.startWorkload([try bench.compile("burn", as: "bystander")])

      let stacks = try bench.capture(["--pid", "\(first.pid),\(second.pid)", "--duration", "2s"])

      #expect(names(stacks) == ["first", "second"])
    }

    @Test func `processes given by name are seen, also one that takes the name later`() throws {
      let early = try bench.compile("burn", as: "wanted")
      try FileManager.default.createDirectory(atPath: bench.path("later"), withIntermediateDirectories: false)
      let late = try bench.compile("split", as: "later/wanted")
      _ = try bench.startWorkload([early])
      _ = try bench.startWorkload([try bench.compile("burn", as: "bystander")])
      let capture = try bench.startCapture(["--comm", "wanted", "--duration", "3s", "--folded"])
      _ = try bench.startWorkload([late])

      let stacks = try FoldedStacks(try capture.wait().output)

      #expect(names(stacks) == ["wanted"])
      #expect(stacks.count(leaf: "burn_here") > 0)
      #expect(stacks.count(leaf: "burn_three") > 0)
    }

    @Test func `members of a control group are seen, no other`() throws {
      let member = try bench.startWorkload([try bench.compile("burn", as: "member")])
      _ = try bench.startWorkload([try bench.compile("burn", as: "bystander")])
      let group = try makeControlGroup()
      defer {
        // The group goes only when nobody is in it.
        member.kill()
        rmdir(group)
      }
      try "\(member.pid)\n".write(toFile: "\(group)/cgroup.procs", atomically: false, encoding: .utf8)

      let stacks = try bench.capture(["--cgroup", group, "--duration", "2s"])

      #expect(names(stacks) == ["member"])
    }

    @Test func `processes that the target starts during the capture are seen`() throws {
      let stacks = try forkTree([])

      for function in ["burn_parent", "burn_child", "burn_grandchild"] {
        #expect(stacks.count { $0.userFrames.suffix(2).elementsEqual(["main", function]) } > 20, "\(function)")
      }
    }

    @Test func `processes that the target starts are left out on demand`() throws {
      let stacks = try forkTree(["--no-include-children"])

      #expect(stacks.count(leaf: "burn_parent") > 20)
      #expect(stacks.count(leaf: "burn_child") == 0)
      #expect(stacks.count(leaf: "burn_grandchild") == 0)
    }

    @Test func `a second signal leaves at once`() throws {
      let workload = try bench.startWorkload([try bench.compile("jit_like")])
      let address = String(try workload.waitForLine(startingWith: "ready").dropFirst("ready ".count))
      let map = "/tmp/perf-\(workload.pid).map"
      unlink(map)
      defer { unlink(map) }
      // Reading this many names keeps the capture busy after the first signal.
      let lines = "(echo \(address) 1000 compiled; yes '1000 10 elsewhere') | head -c 512M > \(map)"
      try #require(try bench.run(["sh", "-c", lines]).status == 0, "512 MiB of room in /tmp")
      // Without a sample by the first signal there would be nothing to name: at 99 Hz the first tick may take 30 ms.
      let capture = try bench.startCapture(["--pid", "\(workload.pid)", "--duration", "100s", "--freq", "999"])
      // Again and again: two that come within a tenth of a second are one.
      try waitUntil("the end") {
        capture.send(SIGINT)
        return kill(capture.pid, 0) != 0
      }

      let result = try capture.wait()

      #expect(result.status == 128 + SIGINT)
      #expect(result.output.isEmpty)
    }

    /// Captures a process that starts others while it is watched.
    private func forkTree(_ options: [String]) throws -> FoldedStacks {
      let workload = try bench.startWorkload([try bench.compile("fork_tree")])
      // Three processes on as few as one CPU: a second for each.
      let target = ["--pid", "\(workload.pid)", "--duration", "3s", "--folded"]
      let capture = try bench.startCapture(target + options)
      workload.send(SIGUSR1)
      return try FoldedStacks(try capture.wait().output)
    }

    /// An empty control group of version 2.
    private func makeControlGroup() throws -> String {
      let mounts = try String(contentsOfFile: "/proc/self/mounts", encoding: .utf8)
      let mount = try #require(
        mounts.split(separator: "\n").map { $0.split(separator: " ") }.first { $0.count > 2 && $0[2] == "cgroup2" },
        "mount -t cgroup2 none /sys/fs/cgroup/unified")
      let directory = "\(mount[1])/swprof-test-\(getpid())"
      try #require(mkdir(directory, 0o755) == 0, "mkdir \(directory)")
      return directory
    }

    private func names(_ stacks: FoldedStacks) -> Set<String> { Set(stacks.stacks.map(\.processName)) }
  }
}
