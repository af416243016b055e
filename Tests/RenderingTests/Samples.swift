import ProfileModel

/// Builds profiles from stacks as a reader would write them.
struct ProfileBuilder {
  private(set) var profile = Profile()
  private var stacks = StackTreeBuilder()
  private var weights: [Pair: Int] = [:]

  private struct Pair: Hashable {
    let thread: Int
    let stack: Int32
  }

  static let period: UInt64 = 10_000_000

  /// Adds a stack from root to leaf; equal stacks of a thread add up, as they do in a capture.
  mutating func add(
    _ frames: [Frame], count: UInt64, time: UInt64? = nil, extremes: ClosedRange<UInt64>? = nil,
    thread: ProfiledThread = .named("bench")
  ) {
    let indices = frames.map { frame in
      if let known = profile.frames.firstIndex(of: frame) { return known }
      profile.frames.append(frame)
      return profile.frames.count - 1
    }
    guard let stack = stacks.insert(indices) else { return }
    profile.stacks = stacks.tree
    let index = profile.threads.firstIndex(of: thread) ?? profile.threads.count
    if index == profile.threads.count { profile.threads.append(thread) }
    var weight = Weight(count: count, nanoseconds: time ?? count * Self.period)
    let pair = Pair(thread: index, stack: stack)
    if let position = weights[pair] {
      weight += profile.values[position].weight
      profile.values[position] = .init(thread: index, stack: stack, weight: weight, extremes: extremes)
    } else {
      weights[pair] = profile.values.count
      profile.values.append(.init(thread: index, stack: stack, weight: weight, extremes: extremes))
    }
  }

  mutating func add(_ names: [String], count: UInt64, thread: ProfiledThread = .named("bench")) {
    add(names.map { Frame(function: $0) }, count: count, thread: thread)
  }

  mutating func module(_ path: String, buildID: String? = nil) -> Int {
    profile.modules.append(Module(path: path, buildID: buildID))
    return profile.modules.count - 1
  }
}

extension ProfiledThread {
  /// The main thread of process 100, or another thread of it.
  static func named(_ process: String, thread: String? = nil, id: Int32 = 100) -> ProfiledThread {
    ProfiledThread(
      process: ProcessID(rawValue: 100), thread: ThreadID(rawValue: id), processName: process, name: thread ?? process)
  }
}

/// Profiles and tasks that several suites use.
enum Sample {
  /// Two threads; user, inlined, kernel, JIT and unnamed code; a recursion; a stack that was cut; hostile names.
  static let profile: Profile = {
    var builder = ProfileBuilder()
    let bench = builder.module("/opt/bench/bin/bench", buildID: "0123456789abcdef0123456789abcdef01234567")
    let libc = builder.module("/usr/lib/x86_64-linux-gnu/libc.so.6")
    let kernel = builder.module("[kernel]")
    let start = Frame(function: "_start", module: bench, address: 0x1000)
    let main = Frame(
      function: "main", module: bench, address: 0x1120, source: SourceLocation(file: "/src/bench.c", line: 42))
    let compute = Frame(
      function: "compute(std::vector<int, std::allocator<int>> const&)", module: bench, address: 0x1200)
    let square = Frame(function: "square", module: bench, address: 0x1200, isInlined: true)
    let fib = Frame(function: "fib", module: bench, address: 0x1300)
    let memcpy = Frame(function: "memcpy", module: libc, address: 0x9000)
    let unnamed = Frame(function: "[libc.so.6+0x1234]", module: libc, address: 0x1234, origin: .unresolved)
    let write = Frame(function: "ksys_write", module: kernel, address: 0xffff_ffff_8100_0010, origin: .kernel)
    let copy = Frame(function: "copy_from_user", module: kernel, address: 0xffff_ffff_8100_0f00, origin: .kernel)
    let jit = Frame(function: "LazyCompile:~<run>&\"]]>' [u8; 8]\n\u{1B}[31m", address: 0x7f00_0000_1000, origin: .jit)
    let worker = ProfiledThread.named("bench", thread: "worker", id: 101)
    builder.add([start, main, compute, square], count: 412)
    builder.add([start, main, compute], count: 88)
    builder.add([start, main, fib, fib, fib], count: 230)
    builder.add([start, main, memcpy], count: 60)
    builder.add([start, main, memcpy, write, copy], count: 95, thread: worker)
    builder.add([start, main, unnamed], count: 14, thread: worker)
    builder.add([start, main, jit], count: 70, thread: worker)
    builder.add([.truncated(.noFramePointer), fib, fib], count: 30)
    builder.add([start], count: 1)
    return builder.profile
  }()

  static let task = ProfilingTask(
    id: TaskID(rawValue: 12), target: "pid 100 (bench)",
    spec: TaskSpec(kind: .onCPU(OnCPUOptions()), durationNanoseconds: 10_000_000_000), host: "build-7",
    kernel: "6.1.0-18-amd64", startedAt: WallTime(nanoseconds: 1_795_408_831_250_000_000),
    endedAt: WallTime(nanoseconds: 1_795_408_841_251_000_000), status: .done,
    account: SampleAccount(
      ticks: 1008, taken: 1000, losses: [.ringBufferFull: 8], defects: [.stackTooDeep: 30, .frameUnresolved: 14]),
    note: "before the change", trigger: #"{"rule": "cpu > 80 %", "values": [81, 92.5]}"#,
    warnings: ["kernel symbols are hidden by kptr_restrict"])

  static var stored: ProfilingTask {
    var task = ProfilingTask(
      id: TaskID(rawValue: 3), target: "command ./bench -n 3",
      spec: TaskSpec(kind: .onCPU(OnCPUOptions(frequencyHertz: 999))), host: "build-7", kernel: "6.1.0-18-amd64",
      startedAt: WallTime(nanoseconds: 951_827_696_000_000_000))
    task.spec.options.side = .user
    task.spec.options.includesChildren = false
    task.jitterSeed = 4711
    return task
  }

  /// Waits: a lock, a sleep, a page fault, a worker that waits for work, a kernel thread, and who woke one of them.
  static let waits: Profile = {
    var builder = ProfileBuilder()
    let bench = builder.module("/opt/bench/bin/bench")
    let libc = builder.module("/usr/lib/x86_64-linux-gnu/libc.so.6")
    let kernel = builder.module("[kernel]")
    func user(_ names: String...) -> [Frame] { names.map { Frame(function: $0, module: bench) } }
    func system(_ names: String...) -> [Frame] { names.map { Frame(function: $0, module: kernel, origin: .kernel) } }
    func marker(_ name: String) -> Frame { Frame(function: name, origin: .marker) }
    let lock = user("_start", "main", "want_lock") + [Frame(function: "__lll_lock_wait", module: libc)]
    let futex = system("do_syscall_64", "__x64_sys_futex", "futex_do_wait")
    let unlocker = system("try_to_wake_up", "__x64_sys_futex") + user("release_lock", "main") + [marker("bench")]
    builder.add(
      lock + futex + [marker("[blocked]"), marker("--")] + unlocker, count: 40, time: 800_000_000,
      extremes: 1...30_000_000)
    builder.add(lock + futex + [marker("[run queue]")], count: 40, time: 2_000_000, extremes: 1000...90_000)
    builder.add(
      user("_start", "main", "touch") + system("asm_exc_page_fault", "io_schedule")
        + [marker("[blocked: uninterruptible]")], count: 900, time: 90_000_000, extremes: 80_000...1_500_000)
    builder.add(user("_start", "main", "burn") + [marker("[preempted]")], count: 3, time: 12_000_000, extremes: 1...2)
    builder.add(
      user("clone3", "await_work") + [Frame(function: "epoll_wait", module: libc)]
        + system("do_syscall_64", "__x64_sys_epoll_wait") + [marker("[blocked, open]")], count: 2, time: 18_000_000_000,
      extremes: 8_000_000_000...10_000_000_000)
    builder.add(
      system("ret_from_fork_asm", "ret_from_fork", "kthread", "worker_thread") + [marker("[blocked: idle]")],
      count: 50, time: 20_000_000, extremes: 10...1_000_000, thread: .named("kworker/0:1"))
    return builder.profile
  }()

  static let waitTask: ProfilingTask = {
    var task = Sample.task
    task.spec.kind = .offCPU(OffCPUOptions(minimumNanoseconds: 1000, phases: [.blocked, .runQueue]))
    task.event = "sched_switch"
    task.account = SampleAccount(ticks: 1043, taken: 1035, losses: [.intervalTableFull: 8])
    task.account.lostNanoseconds = 3_000_000
    task.account.leftOut = [.blocked: Weight(count: 1200, nanoseconds: 900_000)]
    return task
  }()

  /// Random stacks over few names, so that they share callers, leaves and names after cleaning.
  static func randomProfile(using generator: inout some RandomNumberGenerator) -> Profile {
    let names = ["a", "a b", "a 5", "b;c", "b\u{FF1B}c", "x\ny", "x\u{FFFD}y", "é", "\u{1F525}"]
    let origins: [FrameOrigin] = [
      .user, .kernel, .jit, .unresolved, .marker, .interpreted(.python), .interpreted(.java),
      .interpreterNative(.python),
    ]
    var builder = ProfileBuilder()
    let modules: [Int?] = [nil, builder.module("/lib/x.so"), builder.module("/lib/y.so")]
    let threads = (0..<4).map { ProfiledThread.named($0 < 2 ? "p" : "p;q", thread: "t\($0 % 3)", id: $0) }
    for _ in 0..<Int.random(in: 1...60, using: &generator) {
      let frames = (0..<Int.random(in: 1...8, using: &generator)).map { _ in
        Frame(
          function: names.randomElement(using: &generator) ?? "a",
          module: modules.randomElement(using: &generator) ?? nil,
          address: UInt64.random(in: 0..<3, using: &generator),
          origin: origins.randomElement(using: &generator) ?? .user,
          isInlined: Bool.random(using: &generator))
      }
      builder.add(
        frames, count: UInt64.random(in: 1...500, using: &generator),
        thread: threads.randomElement(using: &generator) ?? threads[0])
    }
    return builder.profile
  }
}
