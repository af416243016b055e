import CommandRunning
import Foundation
import Testing

extension EndToEnd {
  /// Losses that a kernel can be made to have: by tables that are small, and by a swprof that is stopped meanwhile.
  @Suite struct LossTests {
    private let bench: Workbench

    init() throws { bench = try Workbench() }

    /// A shell that waits for a file, and runs a command then.
    private func startShell(_ command: String) throws -> (shell: RunningCommand, start: () throws -> Void) {
      let gate = bench.path("gate")
      let shell = try bench.start(
        ["sh", "-c", "echo ready; until [ -e \(gate) ]; do sleep 0.01; done; \(command); echo done"])
      try shell.waitForLine(startingWith: "ready")
      return (shell, { try Data().write(to: URL(filePath: gate)) })
    }

    /// Ends a capture and takes its task.
    private func task(of capture: RunningCommand) throws -> StoredTask {
      capture.send(SIGTERM)
      let result = try capture.wait()
      try #require(result.status == 0, "\(result.errors)")
      return try bench.task(try bench.latestTask().id)
    }

    @Test func `processes that find no place in the table of targets are counted`() throws {
      let forks = "for i in 1 2 3 4 5 6 7 8 9; do sleep 0.3 & done; sleep 0.4"
      for command in [bench.oncpu([]), [bench.swprof, "network", "--db", bench.database]] {
        let result = try bench.run(command + ["--capacity", "targets=4", "--", "sh", "-c", forks])
        try #require(result.status == 0, "\(result.errors)")
        // The shell and three of its ten children have a place.
        #expect(result.output.contains("7 processes"), "\(result.output)")
      }
      let task = try bench.task(1)
      #expect(task.defects["target_table_full"] == 7)
    }

    @Test func `mapping records that the kernel drops while swprof is stopped are counted`() throws {
      let (shell, start) = try startShell("for i in $(seq 100); do /bin/true; done")
      let capture = try bench.startCapture(["--pid", "\(shell.pid)", "--capacity", "sideband=1"])

      capture.send(SIGSTOP)
      try start()
      try shell.waitForLine(startingWith: "done")
      capture.send(SIGCONT)
      let task = try task(of: capture)

      #expect(task.defects["mapping_records_lost"] ?? 0 > 0)
    }

    @Test func `mapping records of processes that nobody asked for are lost without a word`() throws {
      let target = try bench.startWorkload([try bench.compile("exits_blocked"), "60000"])
      let (shell, start) = try startShell("for i in $(seq 200); do /bin/true; done")
      let capture = try bench.startCapture(["--pid", "\(target.pid)", "--capacity", "sideband=1"])

      capture.send(SIGSTOP)
      try start()
      try shell.waitForLine(startingWith: "done")
      capture.send(SIGCONT)
      let task = try task(of: capture)

      #expect(task.defects["mapping_records_lost"] ?? 0 == 0)
    }

    @Test func `files that find no place for their unwind tables are counted`() throws {
      let workload = try bench.startWorkload([try bench.compileWithoutFramePointers("split")])
      let capture = try bench.startCapture(
        ["--pid", "\(workload.pid)", "--unwind", "dwarf", "--capacity", "unwind_lines=40"])
      let task = try task(of: capture)

      #expect(task.defects["unwind_table_full"] ?? 0 > 0)
    }

    @Test func `threads whose names find no room while swprof is stopped are counted`() throws {
      let (shell, start) = try startShell("for i in $(seq 200); do /bin/true; done")
      let capture = try bench.startCapture(
        command: [bench.swprof, "offcpu", "--db", bench.database, "--duration", "10m", "--ring-buffer-size", "4k"]
          + ["--pid", "\(shell.pid)"])

      capture.send(SIGSTOP)
      try start()
      try shell.waitForLine(startingWith: "done")
      capture.send(SIGCONT)
      let task = try task(of: capture)

      #expect(task.defects["thread_name_lost"] ?? 0 > 0)
    }

    @Test func `programs, requests and messages that find no room while swprof is stopped are counted`() throws {
      let server = try bench.startServer()
      let client = try bench.compile("http_client")
      let (shell, start) = try startShell(
        "\(client) \(server.place) '/status/500*100'; for i in $(seq 300); do /bin/true; done")
      let capture = try bench.startNetwork(["--pid", "\(shell.pid)", "--body", "512", "--ring-buffer-size", "4k"])

      capture.send(SIGSTOP)
      try start()
      try shell.waitForLine(startingWith: "done")
      capture.send(SIGCONT)
      let view = try bench.finish(capture)

      for loss in ["sample_record_lost", "payload_record_lost", "exec_record_lost"] {
        #expect(view.losses[loss] ?? 0 > 0, "\(loss)")
      }
      // What was lost of single requests is in the sums.
      let endpoint = try #require(view.endpoints.first { $0.path == "/status/500" })
      #expect(endpoint.totals.statuses["5xx"] == 100)
      #expect(view.samples.count + (view.losses["sample_record_lost"] ?? 0) >= 10)
    }

    @Test func `paths and peers that find no place in a table are counted`() throws {
      let servers = try (0..<4).map { _ in try bench.startServer() }
      let paths = (0..<12).map { "/ok/\($0)" }
      let clients = try servers.map { try bench.startClient([], of: $0, paths) }
      let pids = clients.map { "\($0.pid)" }.joined(separator: ",")
      let small = ["endpoints=2", "near_endpoints=1", "peer_times=1", "near_peers=1", "call_times=1"]

      let capture = try bench.startNetwork(
        ["--pid", pids, "--call-times"] + small.flatMap { ["--capacity", $0] })
      for client in clients { _ = try bench.finish(client: client) }
      let view = try bench.finish(capture)

      for loss in ["endpoint_table_full", "peer_table_full", "call_table_full"] {
        #expect(view.losses[loss] ?? 0 > 0, "\(loss)")
      }
      // Connections have all of them.
      let totals = view.edges.compactMap(\.clientView)
      #expect(totals.reduce(0) { $0 + $1.requests.finished } == 48)
      #expect(view.endpoints.reduce(0) { $0 + $1.totals.count } + (view.losses["endpoint_table_full"] ?? 0) >= 48)
    }

    @Test func `requests behind more than are kept are counted`() throws {
      let server = try bench.startServer()
      let client = try bench.startClient(["-p", "40"], of: server, ["/ok/0*40"])

      let capture = try bench.startNetwork(["--pid", "\(client.pid)"])
      _ = try bench.finish(client: client)
      let view = try bench.finish(capture)

      // Foundation leaves a unix socket open in what it starts.
      let totals = try #require(view.edges(client: client.pid).first { $0.transport == "tcp" }?.clientView)
      #expect(totals.requests.count == 40)
      #expect(view.losses["pipeline_overflow"] == 40 - totals.requests.finished)
    }

    /// How many samples a second the kernel allows.
    private static let rateLimit = "/proc/sys/kernel/perf_event_max_sample_rate"

    @Test func `pauses of sampling are counted`() throws {
      let workload = try bench.startWorkload([try bench.compile("split")])
      let limit = try String(contentsOfFile: Self.rateLimit, encoding: .utf8)
      let capture = try bench.startCapture(["--pid", "\(workload.pid)", "--freq", "997"])

      do {
        defer { try? limit.write(toFile: Self.rateLimit, atomically: false, encoding: .utf8) }
        try "100\n".write(toFile: Self.rateLimit, atomically: false, encoding: .utf8)
        let before = try cpuTicks(of: workload.pid)
        try waitUntil("half a second of CPU time") { try cpuTicks(of: workload.pid) >= before + 50 }
      }
      let task = try task(of: capture)

      #expect(task.defects["sampling_throttled"] ?? 0 > 0)
    }

    private static let secondCPU = "/sys/devices/system/cpu/cpu1/online"
    private static var hasSecondCPU: Bool {
      (try? String(contentsOfFile: secondCPU, encoding: .utf8)) == "1\n"
    }

    @Test(.enabled(if: hasSecondCPU)) func `a CPU that comes online later is sampled from then on`() throws {
      let workload = try bench.startWorkload([try bench.compile("split")])
      defer { try? "1\n".write(toFile: Self.secondCPU, atomically: false, encoding: .utf8) }
      try "0\n".write(toFile: Self.secondCPU, atomically: false, encoding: .utf8)
      let capture = try bench.startCapture(["--pid", "\(workload.pid)", "--freq", "499"])

      let before = try cpuTicks(of: workload.pid)
      try "1\n".write(toFile: Self.secondCPU, atomically: false, encoding: .utf8)
      let moved = try bench.run(["taskset", "-pc", "1", "\(workload.pid)"])
      try #require(moved.status == 0, "\(moved.errors)")
      try waitUntil("two seconds of CPU time there") { try cpuTicks(of: workload.pid) >= before + 200 }
      let used = try cpuTicks(of: workload.pid) - before
      let task = try task(of: capture)

      #expect(task.defects["cpu_came_late"] == 1)
      #expect(task.defects["cpu_not_sampled"] ?? 0 == 0)
      // A fifth of a second is missing, and what the machine is late by.
      #expect(Double(task.taken) > 0.7 * Double(used) * 4.99)
    }

    /// The CPU time of a process, in hundredths of a second.
    private func cpuTicks(of process: Int32) throws -> Int {
      let fields = try String(contentsOfFile: "/proc/\(process)/stat", encoding: .utf8).split(separator: " ")
      return try #require(Int(fields[13])) + #require(Int(fields[14]))
    }
  }
}
