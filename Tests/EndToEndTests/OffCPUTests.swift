import CommandRunning
import Foundation
import Testing

extension EndToEnd {
  /// Where threads wait: against what the workloads themselves have measured.
  @Suite struct OffCPUTests {
    private let bench: Workbench

    init() throws { bench = try Workbench() }

    private static let withoutFeatures = ["switch-state", "switch-exit", "queue-times"].map {
      ["--without-feature", $0]
    }
    /// Few waits, which the kernel calls us for, and those that it does not.
    private static let longWaits = [["--min-block", "1ms"], ["--min-block", "1ms", "--without-feature", "task-work"]]

    @Test(arguments: [[], ["--kernel"], ["--user"]] + withoutFeatures + longWaits)
    func `sleeps come out with their lengths and their numbers`(options: [String]) throws {
      let program = try bench.compileWithoutFramePointers("sleeper")

      let result = try bench.run(bench.offcpu(options + ["--", program, "40"]))

      try #require(result.status == 0, "\(result.errors)")
      let times = try stacks(by: "duration")
      let counts = try stacks(by: "count")
      if options.contains("--kernel") {
        // A switch that the kernel does not show us costs the kernel stack, and not the wait.
        let waits = counts.stacks.filter {
          $0.names.contains { ["__x64_sys_clock_nanosleep_[k]", "[stack lost]"].contains($0) }
        }
        #expect(waits.reduce(0) { $0 + $1.count } == 80)
        return
      }
      // Where the kernel calls us in the thread, a switch that it does not show us costs both stacks, and not the wait.
      let isLost = { (stack: FoldedStacks.Stack) in stack.names[1] == "[stack lost]" }
      let lost = (count: counts.count(where: isLost), microseconds: Double(times.count(where: isLost)))
      #expect(lost.count <= (options == Self.longWaits[0] ? 2 : 0))
      #expect(counts.count { $0.names.contains("sleep_long") || $0.names.contains("sleep_short") } == 80 - lost.count)
      for (function, word) in [("sleep_long", "long"), ("sleep_short", "short")] {
        let truth = try number(behind: word, in: result.output) / 1000
        let difference = Double(times.count { $0.names.contains(function) }) - truth
        #expect(difference <= 0.02 * truth && difference >= -0.02 * truth - lost.microseconds, "\(function)")
        #expect((40 - lost.count...40).contains(counts.count { $0.names.contains(function) }), "\(function)")
        #expect(counts.stacks.allSatisfy { !$0.names.contains(function) || $0.names[1] == "_start" })
      }
      let isKernelShown = counts.stacks.contains { $0.names.contains("__x64_sys_clock_nanosleep_[k]") }
      #expect(isKernelShown == !options.contains("--user"))
    }

    @Test(arguments: [[]] + withoutFeatures)
    func `waits that differ in one caller, or within the kernel, are told apart each time`(options: [String]) throws {
      let program = try bench.compileWithoutFramePointers("alternating_callers")

      let result = try bench.run(bench.offcpu(options + ["--min-block", "0", "--", program, "libm.so.6"]))

      try #require(result.status == 0, "\(result.errors)")
      let all = try stacks(by: "count").stacks
      func count(_ stacks: [FoldedStacks.Stack]) -> Int { stacks.reduce(0) { $0 + $1.count } }
      var missing = 0
      for caller in ["first", "second"] {
        let own = all.filter { $0.names.contains("\(caller)_caller") }
        for (source, function) in [("pipe", "pipe_read"), ("socket", "unix_stream")] {
          let truth = Int(try number(behind: "\(caller)_\(source)", in: result.output))
          let told = count(own.filter { $0.names.contains { $0.contains(function) } })
          #expect(told <= truth, "\(caller) \(source)")
          missing += truth - told
        }
        #expect(own.allSatisfy { $0.names[1] == "_start" })
      }
      // Waits before the program's tables are there, and switches that the kernel does not show us.
      let unplaced = count(
        all.filter { $0.names.contains("read") && ($0.isTruncated || $0.names.contains("[stack lost]")) })
      #expect((0...min(unplaced, 400)).contains(missing))
    }

    @Test func `what waits for a lock stands under its caller, and who releases it above`() throws {
      let program = try bench.compileWithoutFramePointers("mutex")
      let file = bench.path("mutex.folded")

      let capture = try bench.start(bench.offcpu(["--wakers", "--folded", "-o", file, "--", program]))
      try capture.waitForLine(startingWith: "ready")
      sleep(2)
      capture.send(SIGTERM)
      let result = try capture.wait()
      try waitUntil("the workload's own measurement") { try capture.output.contains("waited ") }

      try #require(result.status == 0, "\(result.errors)")
      let stacks = try FoldedStacks(String(contentsOfFile: file, encoding: .utf8))
      let truth = try number(behind: "waited", in: try capture.output) / 1000
      let waited = stacks.count { sleeper(of: $0).contains("want_lock") }
      #expect(abs(Double(waited) / truth - 1) <= 0.05)
      let released = stacks.count { sleeper(of: $0).contains("want_lock") && waker(of: $0).contains("release_lock") }
      #expect(Double(released) >= 0.9 * Double(waited))
      // The waker's root is on top.
      #expect(stacks.stacks.allSatisfy { !waker(of: $0).contains("release_lock") || waker(of: $0).last == "mutex" })
      // A timer, and not whoever happens to run, ends a sleep.
      let slept = stacks.count { sleeper(of: $0).contains("hold_lock") }
      let byInterrupt = stacks.count { sleeper(of: $0).contains("hold_lock") && waker(of: $0).last == "[interrupt]" }
      #expect(Double(byInterrupt) >= 0.9 * Double(slept))
    }

    // With a longer minimum the kernel calls us as such a thread returns to user mode, where it can.
    @Test(arguments: ["1us", "500us"])
    func `two programs that share a CPU are preempted half of the time and hardly ever blocked`(minimum: String) throws
    {
      let first = try startOnOneCPU(try bench.compile("burn", as: "first"))
      let second = try startOnOneCPU(try bench.compile("burn", as: "second"))

      let result = try bench.run(
        bench.offcpu([
          "--pid", "\(first.pid),\(second.pid)", "--phase", "all", "--min-block", minimum, "--duration", "3s",
        ]))

      try #require(result.status == 0, "\(result.errors)")
      let times = try stacks(by: "duration")
      let elapsed = Double(try #require(try bench.task(bench.latestTask().id).durationNanoseconds)) / 1000
      for name in ["first", "second"] {
        let preempted = times.count { $0.processName == name && $0.names.last?.hasPrefix("[preempted") ?? false }
        // The test itself, and swprof, take their part of that CPU too.
        #expect((0.45...0.65).contains(Double(preempted) / elapsed), "\(name)")
        let blocked = times.count { $0.processName == name && $0.names.last?.hasPrefix("[blocked") ?? false }
        #expect(Double(blocked) <= 0.01 * elapsed, "\(name)")
      }
      #expect(times.stacks.filter { $0.names.contains("burn_here") }.allSatisfy { $0.names[1] == "_start" })
    }

    // On a CPU of its own, the thread that wakes up comes back from idling each time.
    @Test(arguments: [[], ["1"]])
    func `time in run queues is the kernel's own figure, at any number of waits`(otherCPU: [String]) throws {
      let program = try bench.compileWithoutFramePointers("pingpong")
      let otherCPU = ProcessInfo.processInfo.activeProcessorCount > 1 ? otherCPU : []

      let result = try bench.run(
        bench.offcpu(["--phase", "all", "--min-block", "0", "--", program, "1", "0", "threads"] + otherCPU))

      try #require(result.status == 0, "\(result.errors)")
      let truth = try number(behind: "run_delay", in: result.output) / 1000
      // The capture has a part of it: what comes behind exec.
      let before = try number(behind: "before", in: result.output) / 1000
      let times = try stacks(by: "duration")
      let inQueue = times.count { stack in
        ["[run queue", "[preempted", "[yielded"].contains { stack.names.last?.hasPrefix($0) ?? false }
      }
      let queued = Double(inQueue)
      // The threads go on for a moment after they have read the figure; switches that are not shown to us cost a little.
      #expect(queued >= 0.95 * truth - 5_000, "\(queued) us, kernel: \(truth) us")
      #expect(queued <= 1.05 * truth + before + 5_000, "\(queued) us, kernel: \(truth) us and \(before) us before")
    }

    @Test func `time that a CPU limit takes is a phase of its own, with the kernel's own figure`() throws {
      let group = try LimitedGroup(quotaMicroseconds: 5_000, periodMicroseconds: 20_000)
      let workload = try startOnOneCPU(try bench.compile("burn"))
      defer { workload.kill() }
      try group.add(workload.pid)

      let outside = try group.throttledNanoseconds()
      let capture = try bench.startCapture(
        command: bench.offcpu(["--pid", "\(workload.pid)", "--phase", "all", "--min-block", "0", "--duration", "10m"]))
      let inside = try group.throttledNanoseconds()
      sleep(1)
      let least = Double(try group.throttledNanoseconds() - inside) / 1000
      capture.send(SIGTERM)
      let result = try capture.wait()
      let most = Double(try group.throttledNanoseconds() - outside) / 1000

      try #require(result.status == 0, "\(result.errors)")
      let times = try stacks(by: "duration")
      let throttled = Double(times.count { $0.names.last?.hasPrefix("[throttled") ?? false })
      // The kernel adds to its figure when the limit is renewed, at the end of a period.
      #expect(least > 100_000)
      #expect(throttled >= 0.98 * least - 40_000 && throttled <= 1.02 * most + 40_000, "\(least)...\(most)")
      let stack = try #require(times.stacks.first { $0.names.last == "[throttled]" })
      #expect(stack.names.contains("burn_here") && !stack.isTruncated, "\(stack.names)")
    }

    @Test func `a thread that is asleep throughout appears with the length of the capture`() throws {
      let workload = try bench.startWorkload([try bench.compileWithoutFramePointers("exits_blocked"), "60000"])

      let result = try bench.run(bench.offcpu(["--pid", "\(workload.pid)", "--duration", "1s"]))

      try #require(result.status == 0, "\(result.errors)")
      let times = try stacks(by: "duration")
      for function in ["wait_forever", "let_it_wait"] {
        let stack = try #require(times.stacks.first { $0.names.contains(function) }, "\(function)")
        #expect(stack.names.last == "[blocked, open]")
        #expect(!stack.isTruncated)
        #expect(stack.names.contains { $0.contains("_sys_") })
        // Both are measured by one clock, but the task's length includes the end of the capture.
        #expect((980_000...1_300_000).contains(stack.count), "\(function)")
      }
      #expect(result.output.contains("idle-looking"))
    }

    @Test func `a thread that exits while it is blocked keeps its time and its stack`() throws {
      let result = try bench.run(
        bench.offcpu(["--", try bench.compileWithoutFramePointers("exits_blocked"), "1000"]))

      try #require(result.status == 0, "\(result.errors)")
      let times = try stacks(by: "duration")
      let waited = times.count { $0.names.contains("wait_forever") && !$0.isTruncated }
      #expect(abs(Double(waited) / 1_000_000 - 1) <= 0.02)
    }

    @Test(arguments: [[], ["--table-size", "2000"]])
    func `no time is unaccounted for with 32768 stacks`(options: [String]) throws {
      let program = try bench.compileWithoutFramePointers("many_stacks")

      let result = try bench.run(
        bench.offcpu(options + ["--min-block", "0", "--", program]), deadlineSeconds: 180)

      try #require(result.status == 0, "\(result.errors)")
      let task = try bench.task(try bench.latestTask().id)
      let times = try stacks(by: "duration")
      // The kernel counts as CPU time what an idle CPU needs to come back; its own figure of waiting for a CPU is what
      // is neither CPU time nor blocked.
      let truth =
        try number(behind: "wall", in: result.output) - number(behind: "cpu", in: result.output)
        - number(behind: "run_delay", in: result.output)
      let reported = Double(times.count { $0.names.contains("main") || $0.names.contains("[stack lost]") }) * 1000
      #expect(abs((reported + Double(task.lostNanoseconds)) / truth - 1) <= 0.02)
      #expect(task.ticks == task.taken + task.lost)
      #expect((task.lost > 0) == !options.isEmpty)
      if options.isEmpty {
        #expect(Set(times.stacks.filter { $0.names.contains("leaf") }.map { $0.names }).count >= 32_700)
      } else {
        #expect(result.output.contains("table of waits full"))
      }
    }

    @Test func `no time is unaccounted for with thousands of threads`() throws {
      let count = PrecompiledWorkloads.current == nil ? 5_000 : 200
      let program = try bench.compileWithoutFramePointers("many_threads")

      let result = try bench.run(
        bench.offcpu(["--phase", "all", "--min-block", "0", "--", program, "\(count)"]), deadlineSeconds: 180)

      try #require(result.status == 0, "\(result.errors)")
      let task = try bench.task(try bench.latestTask().id)
      let reported = Double(try stacks(by: "duration").total) * 1000
      // From "ready" on; the threads have begun to wait before, one after the other.
      let truth =
        try number(behind: "wall", in: result.output) * Double(count) - number(behind: "cpu", in: result.output)
      let excess = (reported + Double(task.lostNanoseconds)) / truth - 1
      let atBothEnds = try startShare(result.output, task)
      #expect((-0.02...0.02 + atBothEnds).contains(excess))
      #expect(task.ticks == task.taken + task.lost)
    }

    @Test func `waits below the minimum, and other states, are summed up and not recorded`() throws {
      let program = try bench.compileWithoutFramePointers("sleeper")

      _ = try bench.run(bench.offcpu(["--min-block", "45ms", "--", program, "5"]))

      let long = try stacks(by: "count")
      #expect(long.count { $0.names.contains("sleep_long") } == 5)
      #expect(long.count { $0.names.contains("sleep_short") } == 0)
      let task = try bench.task(try bench.latestTask().id)
      let leftOut = try #require(task.leftOut["blocked"])
      #expect(leftOut.count >= 5)
      #expect((145_000_000...200_000_000).contains(leftOut.nanoseconds))

      _ = try bench.run(bench.offcpu(["--state", "D", "--", program, "5"]))

      #expect(try stacks(by: "count").count { $0.names.contains("sleep_long") } == 0)
    }

    @Test func `blocks in page faults have their stacks`() throws {
      let program = try bench.compileWithoutFramePointers("page_faults")
      // Not in /tmp, which may be memory.
      let file = URL(filePath: "/proc/self/exe").resolvingSymlinksInPath().deletingLastPathComponent()
        .appending(path: "faults-\(UUID().uuidString)")
      defer { try? FileManager.default.removeItem(at: file) }
      try Data((0..<16 << 20).map { UInt8(truncatingIfNeeded: $0 &* 31) }).write(to: file)

      let result = try bench.run(bench.offcpu(["--", program, file.path, "1"]))

      try #require(result.status == 0, "\(result.errors)")
      let faults = try stacks(by: "count").stacks.filter {
        $0.names.contains("touch_pages") && $0.names.contains("asm_exc_page_fault_[k]")
      }
      let total = faults.reduce(0) { $0 + $1.count }
      #expect(total > 50)
      // The first ones come before the program's own table is there.
      let whole = faults.filter { $0.names[1] == "_start" }.reduce(0) { $0 + $1.count }
      #expect(Double(whole) >= 0.9 * Double(total))
    }

    @Test func `all processes are seen, kernel threads where asked for, and no idle task`() throws {
      let workload = try bench.startWorkload([try bench.compileWithoutFramePointers("exits_blocked"), "60000"])
      defer { workload.kill() }

      _ = try bench.run(bench.offcpu(["--all", "--duration", "1s"]))
      let users = try stacks(by: "count")
      _ = try bench.run(bench.offcpu(["--all", "--kernel-threads", "--duration", "1s"]))
      let all = try stacks(by: "count")

      #expect(users.stacks.contains { $0.processName == "exits_blocked" && $0.names.contains("wait_forever") })
      #expect(all.stacks.contains { $0.processName == "exits_blocked" })
      #expect(!users.stacks.contains { $0.processName == "kthreadd" })
      #expect(all.stacks.contains { $0.processName == "kthreadd" })
      #expect(!all.stacks.contains { $0.processName.hasPrefix("swapper") })
    }

    @Test func `members of a control group are seen, those that wait at the start included`() throws {
      let member = try bench.startWorkload([try bench.compile("exits_blocked", as: "member"), "60000"])
      let bystander = try bench.startWorkload([try bench.compile("exits_blocked", as: "bystander"), "60000"])
      defer { bystander.kill() }
      let group = "/sys/fs/cgroup/swprof-test-\(UUID().uuidString)"
      try FileManager.default.createDirectory(atPath: group, withIntermediateDirectories: false)
      defer {
        member.kill()
        rmdir(group)
      }
      try "\(member.pid)\n".write(toFile: "\(group)/cgroup.procs", atomically: false, encoding: .utf8)

      let result = try bench.run(bench.offcpu(["--cgroup", group, "--duration", "1s"]))

      try #require(result.status == 0, "\(result.errors)")
      #expect(Set(try stacks(by: "count").stacks.map(\.processName)) == ["member"])
    }

    @Test func `threads keep apart, by their names`() throws {
      let workload = try bench.startWorkload([try bench.compileWithoutFramePointers("mutex")])

      _ = try bench.run(bench.offcpu(["--pid", "\(workload.pid)", "--duration", "1s"]))

      let threads = Set(try stacks(by: "count", ["--per-thread"]).stacks.map { $0.names[1] })
      #expect(threads == ["mutex", "holder", "waiter"])
    }

    @Test func `a drawing of waits counts time, and says in what unit`() throws {
      _ = try bench.run(bench.offcpu(["--", try bench.compileWithoutFramePointers("sleeper"), "2"]))

      let drawing = try bench.run([bench.swprof, "report", "--db", bench.database, "--svg"])
      let folded = try bench.run([bench.swprof, "report", "--db", bench.database, "--folded"])

      #expect(drawing.output.contains("microseconds"))
      #expect(drawing.output.contains("sleep_long"))
      #expect(folded.errors.contains("the numbers are microseconds"))
    }

    // MARK: -

    private func stacks(by measure: String, _ options: [String] = []) throws -> FoldedStacks {
      let result = try bench.run(
        [bench.swprof, "report", "--db", bench.database, "--folded", "--by", measure] + options)
      try #require(result.status == 0, "\(result.errors)")
      return try FoldedStacks(result.output)
    }

    private func sleeper(of stack: FoldedStacks.Stack) -> ArraySlice<String> { stack.names.prefix { $0 != "--" } }

    private func waker(of stack: FoldedStacks.Stack) -> ArraySlice<String> { stack.names.drop { $0 != "--" } }

    /// The number behind a word in the output of a workload.
    private func number(behind word: String, in output: String) throws -> Double {
      let words = output.split(whereSeparator: \.isWhitespace)
      // The summary may have the same word in a sentence.
      let numbers = zip(words, words.dropFirst()).filter { $0.0 == word }.compactMap { Double($0.1) }
      return try #require(numbers.last, "\(output)")
    }

    /// The part of a program's life that lies before its first measurement, or behind its last.
    private func startShare(_ output: String, _ task: StoredTask) throws -> Double {
      let wall = try number(behind: "wall", in: output)
      return max(0, Double(try #require(task.durationNanoseconds)) / wall - 1)
    }

    /// Starts a program that, with others that are started so, has one CPU.
    private func startOnOneCPU(_ program: String) throws -> RunningCommand {
      let isOnlyOne = ProcessInfo.processInfo.activeProcessorCount == 1
      return try bench.startWorkload((isOnlyOne ? [] : ["taskset", "-c", "0"]) + [program])
    }
  }
}
