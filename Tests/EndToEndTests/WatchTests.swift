import CommandRunning
import Foundation
import Testing

extension EndToEnd {
  /// Processes that are watched by policies, and the tasks that come of it.
  @Suite struct WatchTests {
    private let bench: Workbench

    init() throws { bench = try Workbench() }

    @Test func `a process that begins to burn a core is profiled within seconds`()
      throws
    {
      let program = try bench.compile("burn", as: "watched")
      let watch = try startWatch(policies())
      // Somebody else burns too.
      _ = try bench.startWorkload([try bench.compile("burn", as: "bystander")])
      let workload = try bench.startWorkload([program])
      let start = ContinuousClock.now

      let started = try watch.event("started")
      let elapsed = ContinuousClock.now - start
      try waitUntil("the end of the task") { try bench.tasks().first?.status == "done" }

      // On a machine whose other CPUs are busy, a whole core may take a while to get.
      #expect(elapsed < .seconds(20), "\(elapsed)")
      #expect(started.policy == "hot")
      #expect(started.pid == workload.pid)
      #expect(started.values?.count == 5)
      let stacks = try FoldedStacks(
        try bench.run([bench.swprof, "report", "\(started.task ?? 0)", "--folded", "--db", bench.database]).output)
      #expect(stacks.count(leaf: "burn_here") > stacks.total / 2)
      #expect(Set(stacks.stacks.map(\.processName)) == ["watched"])
      #expect(try watch.stop().status == 0)
    }

    @Test func `the verdicts on a Python service name the functions and lines that did it`() throws {
      let program = bench.workload("python_service.py")
      let lines = try String(contentsOfFile: program, encoding: .utf8).split(
        separator: "\n", omittingEmptySubsequences: false)
      let watch = try startWatch(
        policies() + """
            - name: waits
              match: { comm: watched }
              task: { type: offcpu, duration: 2s }
              cooldown: 10m
              rules: [{ metric: process_cpu, threshold: 30, period: 5s, count: 3 }]

          """)
      let interpreter = bench.path("watched")
      try FileManager.default.createSymbolicLink(
        atPath: interpreter, withDestinationPath: URL(filePath: "/usr/bin/python3").resolvingSymlinksInPath().path)
      _ = try bench.start([interpreter, program])

      try waitUntil("the end of both tasks", 60) { try bench.tasks().count { $0.status == "done" } == 2 }

      #expect(try watch.stop().status == 0)
      let reports = try bench.tasks().map {
        try bench.run([bench.swprof, "report", "\($0.id)", "--db", bench.database]).output
      }
      for (function, comment) in [("compute_here", "# computes"), ("wait_here", "# waits")] {
        let line = try #require(lines.firstIndex { $0.hasSuffix(comment) }) + 1
        let verdicts = reports.map { $0.split(separator: "\n").prefix(3).joined(separator: " ") }
        let verdict = verdicts.first { $0.contains(function) }
        #expect(verdict?.contains("python_service.py:\(line)") == true, "\(verdicts)")
      }
    }

    @Test func `what ran before the trigger is in the task too, and marked`() throws {
      let program = try bench.compile("spike", as: "watched")
      let watch = try startWatch("lookback: 10s\n" + policies(duration: "3s"))
      let workload = try bench.startWorkload([program])
      let used = try workload.waitForLine(startingWith: "used").split(separator: " ")
      let started = try watch.event("started")
      try waitUntil("the end of the task") { try bench.tasks().first?.status == "done" }

      #expect(try watch.stop().status == 0)
      let stacks = try FoldedStacks(
        try bench.run([bench.swprof, "report", "\(started.task ?? 0)", "--folded", "--db", bench.database]).output)
      let spike = stacks.stacks.filter { $0.names.contains("spike_here") }
      let before = spike.filter { $0.names.contains("[before the trigger]") }.reduce(0) { $0 + $1.count }
      let after = spike.reduce(0) { $0 + $1.count } - before
      #expect(before > 0)
      // The recorder's rate is 19 Hz, so that a second has a chance error of some percent.
      let seconds = Double(before) / 19 + Double(after) / 99
      #expect(seconds > (Double(used[1]) ?? .infinity) / 1e6 * 0.85, "\(before), \(after), \(used)")
    }

    @Test func `a full disk ends neither the watch nor the task, and is said once`() throws {
      let small = try bench.mountTemporaryFileSystem("small", size: "1m")
      let database = "\(small)/tasks.db"
      let watch = try startWatch(policies(duration: "1s"), database: database)
      let filler = "\(small)/filler"
      // As much as there is room for: that dd fails is what is wanted.
      _ = try bench.run(["dd", "if=/dev/zero", "of=\(filler)", "bs=4k"])
      _ = try bench.startWorkload([try bench.compile("burn", as: "watched")])
      _ = try watch.event("ended")
      try FileManager.default.removeItem(atPath: filler)
      try waitUntil("the task in the database") {
        let result = try bench.run([bench.swprof, "tasks", "list", "--db", database])
        return result.output.contains(" done ")
      }

      #expect(try watch.stop().status == 0)
      let output = try watch.command.output
      #expect(try watch.events().count { $0.event == "trouble" } == 1, "\(output)")
    }

    @Test(arguments: ["/dev/full", ">(true)"])
    func `a standard output that fails ends no watch, and is said once`(output: String) throws {
      try write(policies(threshold: 1, duration: "1s"))
      // `exec` keeps the number of the process; bash has the second form.
      let watch = try bench.start([
        "bash", "-c", "exec \(bench.swprof) watch --policy \(file) --db \(bench.database) > \(output)",
      ])
      _ = try bench.startWorkload([try bench.compile("burn", as: "watched")])
      try waitUntil("the task", 60) { try bench.tasks().first?.status == "done" }
      watch.send(SIGTERM)

      let result = try watch.wait()

      #expect(result.status == 0)
      #expect(result.errorLines.count == 1 && result.errors.contains("the watch goes on"), "\(result.errors)")
    }

    @Test func `twelve tasks at once have their unwind tables from the first sample on`() throws {
      // Each program is a file of its own, with no frame pointers to fall back on.
      for number in 0..<12 {
        let program = try bench.compileWithoutFramePointers(
          "burn", options: ["-Wl,--build-id=0x" + String(repeating: "0", count: 30) + "\(10 + number)"])
        try FileManager.default.moveItem(atPath: program, toPath: bench.path("watched\(number)"))
      }
      let policies =
        "max_concurrent_tasks: 12\n" + policies(threshold: 1).replacing("comm: watched", with: "comm: 'watched*'")
      let workloads = try (0..<12).map { try bench.startWorkload([bench.path("watched\($0)")]) }
      let watch = try startWatch(policies)
      try waitUntil("twelve tasks", 120) { try bench.tasks().count { $0.status == "done" } >= 12 }

      #expect(try watch.stop().status == 0)
      for workload in workloads { workload.kill() }
      var total = 0
      for task in try bench.tasks() {
        let report = try bench.run([bench.swprof, "report", "\(task.id)", "--folded", "--db", bench.database])
        #expect(!report.output.contains("[truncated"), "\(report.output)")
        total += task.taken
      }
      #expect(total > 100)
    }

    @Test func `below the threshold nothing is started, and signals end the watch`() throws {
      let workload = try bench.startWorkload([try bench.compile("sleeper", as: "watched")])
      let watch = try startWatch(policies())
      try pass(seconds: 5)

      let result = try watch.stop()

      #expect(result.status == 0, "\(result.errors)")
      #expect(try watch.events().map(\.event) == ["ready", "stopped"])
      #expect(try bench.tasks().isEmpty)
      workload.kill()
    }

    @Test(arguments: ["127.0.0.1", "a socket"])
    func `rules about requests hold for what a server answers, by path and threshold, and for nothing else`(
      place: String
    ) throws {
      func policy(_ name: String, _ rule: String) -> String {
        """
          - name: \(name)
            match: { comm: http_server }
            task: { type: network, duration: 2s }
            cooldown: 10m
            rules: [{ \(rule), period: 5s, count: 3 }]

        """
      }
      // A fifth of the answers are errors, and one path takes 120 ms.
      let policies = [
        ("errors-10", "metric: http_error_rate, threshold: 10"),
        ("errors-30", "metric: http_error_rate, threshold: 30"),
        ("errors-there", "metric: http_error_rate, threshold: 90, uri: { regex: '^/status/' }"),
        ("errors-elsewhere", "metric: http_error_rate, threshold: 1, uri: { regex: '^/ok/' }"),
        ("slow-100", "metric: http_avg_response_time, threshold: 100, uri: { list: [/ok/120] }"),
        ("slow-150", "metric: http_avg_response_time, threshold: 150, uri: { list: [/ok/120] }"),
        ("all-slow", "metric: http_avg_response_time, threshold: 100"),
      ]
      let server = try bench.startServer(at: place == "a socket" ? bench.path("socket") : place)
      let watch = try startWatch("policies:\n" + policies.map(policy).joined())
      let mixed = [[String]](repeating: ["/ok/5*4", "/status/500"], count: 1000).flatMap(\.self)
      let clients = [
        try bench.startClient([], of: server, mixed), try bench.startClient([], of: server, ["/ok/120*200"]),
      ]
      for client in clients { client.send(SIGUSR1) }

      try waitUntil("three tasks", 60) { try watch.events().count { $0.event == "started" } >= 3 }
      try pass(seconds: 3)
      let result = try watch.stop()

      #expect(result.status == 0, "\(result.errors)")
      let started = try watch.events().filter { $0.event == "started" }
      #expect(started.compactMap(\.policy).sorted() == ["errors-10", "errors-there", "slow-100"])
      for (policy, truth) in [("errors-10", 15.0...22), ("errors-there", 100...100), ("slow-100", 119...140)] {
        let values = try #require(started.first { $0.policy == policy }?.values).compactMap(\.self)
        // The second in which the traffic began is not whole: of three answers, none or one may have failed.
        #expect(values.count >= 3 && values.dropFirst().allSatisfy(truth.contains), "\(policy): \(values)")
      }
      #expect(try bench.tasks().count { $0.status == "done" } == 3)
      for client in clients { client.kill() }
    }

    @Test func `answers that were not seen are a number of the watch, and no errors`() throws {
      let rule = "rules: [{ metric: http_error_rate, threshold: 1, period: 2s, count: 1 }]"
      let server = try bench.start([try bench.compile("http_shapes")])
      let client = try bench.compile("http_client")
      let port = String(try server.waitForLine(startingWith: "ready").dropFirst("ready ".count))
      let watch = try startWatch(
        "policies: [{ name: errors, match: { comm: http_shapes }, task: { type: network, duration: 1s }, \(rule) }]\n")
      let shapes = ["/200/plain", "/200/file", "/200/vectors1024", "/200/chunks", "/200/file", "/200/head"]

      // The probes are there once a first request has been counted.
      try waitUntil("counted requests", 30) {
        _ = try bench.run([client, port] + (0..<20).flatMap { _ in shapes })
        let status = try bench.run([bench.swprof, "status", "--json", "--db", bench.database]).output
        let unpaired = try Regex("\"request_unpaired\": ([0-9]+)").firstMatch(in: status)
        return unpaired?.output[1].substring.flatMap { Int($0) } ?? 0 >= 40
      }
      #expect(try bench.run([bench.swprof, "status", "--db", bench.database]).output.contains("requests whose answer"))
      #expect(try watch.events().allSatisfy { $0.event != "started" })

      // And errors are errors still.
      _ = try bench.run([client, port] + [String](repeating: "/500/vectors1024", count: 200))
      #expect(try watch.event("started").policy == "errors")
      #expect(try watch.stop().status == 0)
    }

    @Test func `a policy file that becomes wrong leaves the old policies armed, a right one takes their place`() throws
    {
      let watch = try startWatch(policies(threshold: 100_000))
      try write("policies: [{ name: hot }]\n")
      _ = try watch.event("refused")
      try write(policies())
      _ = try watch.event("reloaded")
      _ = try bench.startWorkload([try bench.compile("burn", as: "watched")])
      _ = try watch.event("started")

      // The task runs: the signal ends it early and keeps it.
      let result = try watch.stop()

      #expect(result.status == 0)
      #expect(result.errors.contains("policy.yaml:1:12: a policy has no 'match'"), "\(result.errors)")
      #expect(try bench.tasks().map(\.status) == ["done"])
    }

    @Test func `a watch that was killed leaves its task interrupted, and begins no second one`() throws {
      let watch = try startWatch(policies(duration: "100s"))
      _ = try bench.startWorkload([try bench.compile("burn", as: "watched")])
      _ = try watch.event("started")
      watch.command.send(SIGKILL)
      _ = try watch.command.wait()

      let next = try startWatch(policies(duration: "100s"))
      try pass(seconds: 5)

      #expect(try next.stop().status == 0)
      #expect(try bench.tasks().map(\.status) == ["interrupted"])
    }

    @Test func `what is wrong with a policy file is told by 'policy check', all of it`() throws {
      try write(policies().replacing("count: 3", with: "count: 9").replacing("oncpu", with: "oncp"))

      let result = try bench.run([bench.swprof, "policy", "check", file])

      #expect(result.status == 65)
      #expect(result.errors.split(separator: "\n").count == 2, "\(result.errors)")
    }

    // MARK: - Policies

    private var file: String { bench.path("policy.yaml") }

    private func policies(threshold: Int = 30, duration: String = "2s") -> String {
      """
      policies:
        - name: hot
          match: { comm: watched }
          task: { type: oncpu, duration: \(duration) }
          cooldown: 10m
          rules: [{ metric: process_cpu, threshold: \(threshold), period: 5s, count: 3 }]

      """
    }

    private func write(_ text: String) throws { try text.write(toFile: file, atomically: true, encoding: .utf8) }

    private func startWatch(_ text: String, database: String? = nil) throws -> Watch {
      try write(text)
      let command = try bench.start([
        bench.swprof, "watch", "--policy", file, "--db", database ?? bench.database, "--json",
      ])
      let watch = Watch(command: command)
      _ = try watch.event("ready")
      return watch
    }

    /// Lets a number of seconds pass in which something must not happen.
    private func pass(seconds: Int) throws {
      let end = ContinuousClock.now + .seconds(seconds)
      try waitUntil("\(seconds) seconds", Double(seconds) + 10) { ContinuousClock.now >= end }
    }
  }
}

/// A watch that runs, and what it says.
private struct Watch {
  struct Event: Decodable {
    let event: String
    let policy: String?
    let pid: Int32?
    let task: Int?
    let values: [Double?]?
  }

  let command: RunningCommand

  func events() throws -> [Event] {
    try command.output.split(separator: "\n").compactMap { try? JSONDecoder().decode(Event.self, from: Data($0.utf8)) }
  }

  func event(_ name: String) throws -> Event {
    var found: Event?
    try waitUntil("'\(name)' of the watch: \(command.errors)", 30) {
      found = try events().first { $0.event == name }
      return found != nil
    }
    return try #require(found)
  }

  func stop() throws -> CommandResult {
    command.send(SIGTERM)
    return try command.wait(deadlineSeconds: 30)
  }
}
