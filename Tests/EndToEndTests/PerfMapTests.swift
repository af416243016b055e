import CommandRunning
import Foundation
import Testing

extension EndToEnd {
  /// A perf-map lies where every user may write: what it holds and what it is must not be trusted.
  @Suite struct PerfMapTests {
    private let bench: Workbench

    init() throws { bench = try Workbench() }

    @Test(arguments: ["", "0x"])
    func `code in anonymous memory is named by the perf-map`(prefix: String) throws {
      let stacks = try capture { map, address in
        try write("\(prefix)\(address) \(prefix)1000 compiled::loop\n", to: map)
      }

      #expect(stacks.percentage { $0.userFrames.last == "compiled::loop_[j]" } >= 98)
    }

    @Test(arguments: [false, true])
    func `code that nothing names is one function for each stretch of it`(startsLate: Bool) throws {
      let program = try bench.compile("jit_regions")
      let file = bench.path("regions.folded")
      let options = ["--folded", "-o", file, "--freq", "499"]
      let starts: [Substring]
      if startsLate {
        // Its mappings are read at the start of the capture.
        let workload = try bench.startWorkload([program])
        starts = try workload.waitForLine(startingWith: "ready").split(separator: " ").dropFirst().map { $0 }
        let result = try bench.run(bench.oncpu(options + ["--duration", "1s", "--pid", "\(workload.pid)"]))
        try #require(result.status == 0, "\(result.errors)")
      } else {
        let result = try bench.run(bench.oncpu(options + ["--", program, "1"]))
        try #require(result.status == 0, "\(result.errors)")
        let line = try #require(result.output.split(separator: "\n").first { $0.hasPrefix("ready") })
        starts = line.split(separator: " ").dropFirst().map { $0 }
      }

      let stacks = try FoldedStacks(String(contentsOfFile: file, encoding: .utf8))
      let leaves = Set(
        stacks.stacks.compactMap(\.userFrames.last).filter { $0.hasPrefix("[code") || $0.hasPrefix("[0x") })
      #expect(leaves == Set(starts.map { "[code at 0x\($0)]" }))
      #expect(stacks.percentage { leaves.contains($0.userFrames.last ?? "") } >= 95)
    }

    @Test func `binary junk in a perf-map names nothing and stops nothing`() throws {
      let stacks = try capture { map, _ in
        let random = try FileHandle(forReadingFrom: URL(filePath: "/dev/urandom"))
        try #require(try random.read(upToCount: 1_000_000)).write(to: URL(filePath: map))
      }

      try expectUnnamed(stacks)
    }

    @Test func `a symbolic link in place of a perf-map is not followed`() throws {
      let stacks = try capture { map, address in
        try write("\(address) 1000 forged\n", to: bench.path("elsewhere"))
        try FileManager.default.createSymbolicLink(atPath: map, withDestinationPath: bench.path("elsewhere"))
      }

      try expectUnnamed(stacks)
    }

    @Test func `a FIFO in place of a perf-map does not hang the capture`() throws {
      let stacks = try capture { map, _ in try #require(mkfifo(map, 0o666) == 0) }

      try expectUnnamed(stacks)
    }

    @Test func `a perf-map of another user is not read`() throws {
      let stacks = try capture { map, address in
        try write("\(address) 1000 forged\n", to: map)
        try #require(chown(map, 65534, 65534) == 0)
      }

      try expectUnnamed(stacks)
    }

    @Test func `a gigabyte of lines does not stop the capture`() throws {
      let stacks = try capture { map, address in
        // Written by one program, as a test in Swift takes longer than what it tests.
        let lines = "(echo \(address) 1000 compiled; yes '1000 10 elsewhere') | head -c 1G > \(map)"
        try #require(try bench.run(["sh", "-c", lines]).status == 0, "1 GiB of room in /tmp")
      }

      #expect(stacks.percentage { $0.userFrames.last == "compiled_[j]" } >= 98)
    }

    @Test func `a perf-map is looked for in the target's own namespaces`() throws {
      let program = try bench.compile("jit_like")
      // In there, the process has another number and /tmp is another directory.
      let script = """
        mount -t tmpfs none /mnt && cp \(program) /mnt/jit_inside && mount -t tmpfs none /tmp && cd /tmp || exit 1
        /mnt/jit_inside >address &
        until read -r _ address <address && [ -n "$address" ]; do :; done
        echo "$address 1000 inside" >perf-$!.map
        echo ready
        wait
        """
      _ = try bench.startWorkload(["unshare", "-m", "-p", "-f", "--kill-child", "sh", "-c", script])

      let stacks = try bench.capture(["--comm", "jit_inside", "--duration", "1s"])

      #expect(stacks.total > 20)
      #expect(stacks.percentage { $0.userFrames.last == "inside_[j]" } >= 98)
    }

    @Test func `a perf-map that is written when the process ends names its code`() throws {
      let workload = try bench.startWorkload([try bench.compile("jit_like")])
      let address = String(try workload.waitForLine(startingWith: "ready").dropFirst("ready ".count))
      let map = "/tmp/perf-\(workload.pid).map"
      unlink(map)
      defer { unlink(map) }
      let capture = try bench.startCapture(["--pid", "\(workload.pid)", "--duration", "60s", "--folded"])
      // From the first sample of its code on, the place of the map is held open.
      try waitUntil("a sample to be read") {
        let descriptors = "/proc/\(capture.pid)/fd"
        return try FileManager.default.contentsOfDirectory(atPath: descriptors).contains {
          (try? FileManager.default.destinationOfSymbolicLink(atPath: "\(descriptors)/\($0)")) == "/tmp"
        }
      }
      try write("\(address) 1000 written::late\n", to: map)
      workload.kill()

      let stacks = try FoldedStacks(try capture.wait().output)

      #expect(stacks.count(leaf: "written::late_[j]") > 0)
      #expect(!stacks.stacks.contains { $0.userFrames.last?.hasPrefix("[0x") ?? false })
    }

    @Test func `a process without a perf-map is named with what would write one`() throws {
      let workload = try bench.startWorkload([try bench.compile("jit_like")])

      let result = try bench.run(bench.oncpu(["--pid", "\(workload.pid)", "--duration", "1s"]))

      let lines = (result.output + result.errors).split(separator: "\n").filter { $0.contains("perf-map") }
      #expect(lines.count == 1)
      #expect(lines.first?.contains("process \(workload.pid): there is no perf-map") == true, "\(result)")
    }

    /// Runs code in anonymous memory, makes its perf-map, and captures it.
    private func capture(_ makeMap: (_ map: String, _ address: String) throws -> Void) throws -> FoldedStacks {
      let workload = try bench.startWorkload([try bench.compile("jit_like")])
      let address = String(try workload.waitForLine(startingWith: "ready").dropFirst("ready ".count))
      let map = "/tmp/perf-\(workload.pid).map"
      unlink(map)
      defer { unlink(map) }
      try makeMap(map, address)
      let stacks = try bench.capture(["--pid", "\(workload.pid)", "--duration", "1s"], deadlineSeconds: 120)
      // Up to 99 where the workload has a CPU to itself.
      #expect(stacks.total > 20)
      return stacks
    }

    private func write(_ text: String, to path: String) throws {
      try text.write(toFile: path, atomically: false, encoding: .utf8)
    }

    /// The leaf is an address without a name.
    private func expectUnnamed(_ stacks: FoldedStacks) throws {
      #expect(stacks.percentage { $0.userFrames.last?.hasPrefix("[") ?? false } >= 98)
      #expect(try bench.latestTask().status == "done")
    }
  }
}
