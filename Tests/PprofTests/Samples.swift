import ProfileModel

/// Profiles that several suites use.
enum Sample {
  /// Two threads; user, inlined, kernel, JIT and unnamed code; a recursion; a stack that was cut; hostile names.
  static let profile: Profile = {
    var builder = ProfileBuilder()
    let libc = builder.module("/usr/lib/x86_64-linux-gnu/libc.so.6")
    let bench = builder.module("/opt/bench/bin/bench", buildID: "0123456789abcdef0123456789abcdef01234567")
    let kernel = builder.module("[kernel]")
    let jitCode = builder.module("[jit]")
    let start = Frame(function: "_start", module: bench, address: 0x1000)
    let main = Frame(
      function: "main", module: bench, address: 0x1120, source: SourceLocation(file: "/src/bench.c", line: 42))
    let compute = Frame(
      function: "compute(std::vector<int, std::allocator<int>> const&)", module: bench, address: 0x1200)
    let square = Frame(
      function: "square", module: bench, address: 0x1200, isInlined: true,
      source: SourceLocation(file: "/src/square.h", line: 7))
    let multiply = Frame(function: "multiply", module: bench, address: 0x1200, isInlined: true)
    let fib = Frame(function: "fib", module: bench, address: 0x1300)
    let memcpy = Frame(function: "memcpy", module: libc, address: 0x9000)
    let unnamed = Frame(function: "[libc.so.6+0x1234]", module: libc, address: 0x1234, origin: .unresolved)
    let write = Frame(function: "ksys_write", module: kernel, address: 0xffff_ffff_8100_0010, origin: .kernel)
    let copy = Frame(function: "copy_from_user", module: kernel, address: 0xffff_ffff_8100_0f00, origin: .kernel)
    let jit = Frame(
      function: "LazyCompile:~<run>&\"]]>' [u8; 8]\n\u{1B}[31m\0\u{202E}" + String(repeating: "x", count: 4096),
      module: jitCode, address: 0x7f00_0000_1000, origin: .jit)
    let worker = ProfiledThread.named("bench", thread: "worker", id: 101)
    builder.add([start, main, compute, square, multiply], count: 412)
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
    spec: TaskSpec(kind: .onCPU(OnCPUOptions(frequencyHertz: 100)), durationNanoseconds: 10_000_000_000),
    host: "build-7",
    kernel: "6.1.0-18-amd64", version: "0.1.0 (0123456789)",
    startedAt: WallTime(nanoseconds: 1_795_408_831_250_000_000),
    endedAt: WallTime(nanoseconds: 1_795_408_841_251_000_000), status: .done,
    account: SampleAccount(ticks: 1008, taken: 1000, losses: [.ringBufferFull: 8]))

  static let waitTask: ProfilingTask = {
    var task = Sample.task
    task.spec.kind = .offCPU(OffCPUOptions())
    return task
  }()

  /// Random stacks over few names.
  static func randomProfile(using generator: inout some RandomNumberGenerator) -> Profile {
    let names = ["a", "a b", "b;c", "x\ny", "é", "\u{1F525}", "operator()(int)"]
    var builder = ProfileBuilder()
    let modules = [builder.module("/lib/x.so"), builder.module("/bin/y", buildID: "ab")]
    let threads = (0..<4).map { ProfiledThread.named($0 < 2 ? "p" : "p;q", thread: "t\($0 % 3)", id: $0) }
    for _ in 0..<Int.random(in: 1...60, using: &generator) {
      let frames = (0..<Int.random(in: 1...8, using: &generator)).map { _ in
        Frame(
          function: names.randomElement(using: &generator) ?? "a",
          module: modules.randomElement(using: &generator) ?? 0, address: UInt64.random(in: 0..<3, using: &generator))
      }
      builder.add(
        frames, count: UInt64.random(in: 1...500, using: &generator),
        thread: threads.randomElement(using: &generator) ?? threads[0])
    }
    return builder.profile
  }
}

/// Builds profiles from stacks as a capture would.
struct ProfileBuilder {
  private(set) var profile = Profile()
  private var stacks = StackTreeBuilder()

  mutating func add(_ frames: [Frame], count: UInt64, thread: ProfiledThread = .named("bench")) {
    let indices = frames.map { frame in
      if let known = profile.frames.firstIndex(of: frame) { return known }
      profile.frames.append(frame)
      return profile.frames.count - 1
    }
    guard let stack = stacks.insert(indices) else { return }
    profile.stacks = stacks.tree
    let index = profile.threads.firstIndex(of: thread) ?? profile.threads.count
    if index == profile.threads.count { profile.threads.append(thread) }
    var weight = Weight(count: count, nanoseconds: count * 10_000_000)
    if let place = profile.values.firstIndex(where: { $0.thread == index && $0.stack == stack }) {
      weight += profile.values[place].weight
      profile.values[place] = .init(thread: index, stack: stack, weight: weight)
    } else {
      profile.values.append(.init(thread: index, stack: stack, weight: weight))
    }
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

/// One stack of one thread, with everything that is said of it, whatever numbers it has in its profile.
struct PlainStack: Hashable {
  let thread: ProfiledThread
  let frames: [String]
  let weight: Weight

  static func all(of profile: Profile) -> Set<PlainStack> {
    Set(
      profile.values.map { value in
        PlainStack(
          thread: profile.threads[value.thread],
          frames: profile.stacks.path(to: value.stack).map { text(profile.frames[$0], profile) },
          weight: value.weight)
      })
  }

  private static func text(_ frame: Frame, _ profile: Profile) -> String {
    let module = frame.module.map { "\(profile.modules[$0])" } ?? "-"
    let source = frame.source.map { "\($0.file):\($0.line)" } ?? "-"
    return "\(frame.function)|\(module)|\(frame.address)|\(frame.origin)|\(frame.isInlined)|\(source)"
  }
}
