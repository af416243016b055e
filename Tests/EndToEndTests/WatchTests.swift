import CommandRunning
import Foundation
import Testing

extension EndToEnd {
  /// Processes that are watched by policies, and the tasks that come of it.
  @Suite struct WatchTests {
    private let bench: Workbench

    init() throws { bench = try Workbench() }

    @Test func `a process that begins to burn a core is profiled within seconds, and its cooldown outlives a crash`()
      throws
    {
      let program = try bench.compile("burn", as: "watched")
      var watch = try startWatch(policies())
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
      // A crash and a restart: the process still burns, and has its cooldown.
      watch.command.send(SIGKILL)
      _ = try watch.command.wait()
      watch = try startWatch(policies())
      try pass(seconds: 6)
      #expect(try bench.tasks().count == 1)
      #expect(try watch.stop().status == 0)
    }

    @Test func `below the threshold nothing is started, and signals end the watch`() throws {
      let workload = try bench.startWorkload([try bench.compile("sleeper", as: "watched")])
      let watch = try startWatch(policies())
      try pass(seconds: 6)

      let result = try watch.stop()

      #expect(result.status == 0, "\(result.errors)")
      #expect(try watch.events().map(\.event) == ["ready", "stopped"])
      #expect(try bench.tasks().isEmpty)
      workload.kill()
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
      try pass(seconds: 6)

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

    private func startWatch(_ text: String) throws -> Watch {
      try write(text)
      let command = try bench.start([bench.swprof, "watch", "--policy", file, "--db", bench.database, "--json"])
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
