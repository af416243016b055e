import Foundation
import LinuxSystem
import ProfileModel
import Storage
import Testing

/// A directory for one test, removed with its last reference.
final class TemporaryDirectory: Sendable {
  let path: String

  init() throws {
    path = NSTemporaryDirectory() + "/swprof-storage-" + UUID().uuidString
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
  }

  deinit { try? FileManager.default.removeItem(atPath: path) }

  var database: String { path + "/swprof.db" }

  func write(_ bytes: some Sequence<UInt8>, to name: String = "swprof.db") throws {
    try Data(bytes).write(to: URL(fileURLWithPath: path + "/" + name))
  }

  func bytes(of name: String = "swprof.db") throws -> [UInt8] {
    [UInt8](try Data(contentsOf: URL(fileURLWithPath: path + "/" + name)))
  }

  /// Overwrites a big-endian number of the file's header (https://www.sqlite.org/fileformat.html#the_database_header).
  func patchHeader(at offset: Int, _ value: UInt32) throws {
    var bytes = try bytes()
    for index in 0..<4 { bytes[offset + index] = UInt8(truncatingIfNeeded: value >> (24 - 8 * UInt32(index))) }
    try write(bytes)
  }

  static let userVersionOffset = 60
  static let applicationIDOffset = 68
}

enum Sample {
  static func task(startedAt seconds: Int64 = 1_000) -> ProfilingTask {
    ProfilingTask(
      target: "pid 100 (bench)",
      spec: TaskSpec(kind: .onCPU(OnCPUOptions(hasJitter: false)), durationNanoseconds: 10_000_000_000),
      host: "build-7",
      kernel: "6.1.0-18-amd64", startedAt: WallTime(nanoseconds: seconds * 1_000_000_000))
  }

  /// A task with every field set.
  static var fullTask: ProfilingTask {
    var task = ProfilingTask(
      target: "command ./bench 'a \u{1F525}'", spec: TaskSpec(kind: .onCPU(OnCPUOptions(frequencyHertz: 999))),
      event: "cycles", unwind: "fp", host: "build-7", kernel: "6.12", version: "0.1.0 (0123456789)",
      startedAt: WallTime(nanoseconds: 1_795_408_831_250_000_001),
      endedAt: WallTime(nanoseconds: 1_795_408_841_251_000_002), status: .done,
      account: SampleAccount(
        ticks: .max, taken: .max - 8, losses: [.ringBufferFull: 8], defects: [.stackTooDeep: 30, .frameUnresolved: 14]),
      note: "before \"the\" change", trigger: #"{"rule":"cpu > 80 %","values":[81,92.5]}"#,
      warnings: ["kernel symbols are hidden by kptr_restrict", "a\nb"])
    task.spec.options.side = .kernel
    task.spec.options.includesChildren = false
    task.jitterSeed = .max
    return task
  }

  /// An off-CPU task with every field set that an on-CPU task has not.
  static var waitTask: ProfilingTask {
    var task = fullTask
    task.jitterSeed = nil
    task.spec.kind = .offCPU(
      OffCPUOptions(
        minimumNanoseconds: 0, maximumNanoseconds: 7, phases: [.blocked, .yielded], states: ["D", "t"], wakers: true,
        kernelThreads: true))
    task.account.lostNanoseconds = .max
    task.account.leftOut = [.runQueue: Weight(count: 3, nanoseconds: .max), .preempted: .zero]
    return task
  }

  /// The sample profile with the lengths of single waits.
  static var waitProfile: Profile {
    var profile = profile
    profile.values = profile.values.map {
      Profile.Value(thread: $0.thread, stack: $0.stack, weight: $0.weight, extremes: UInt64($0.stack)...UInt64.max)
    }
    profile.timeline = nil
    return profile
  }

  /// Two modules, every origin, inlined and sourced frames, threads with and without values, times that are no product.
  static let profile: Profile = {
    var profile = Profile(
      modules: [Module(path: "/opt/bench", buildID: "0123abcd"), Module(path: "[kernel]")],
      frames: [
        Frame(function: "main", module: 0, address: 0x1120, source: SourceLocation(file: "/src/bench.c", line: 42)),
        Frame(function: "write", module: 1, address: 0xffff_ffff_8100_0010, origin: .kernel),
        Frame(function: "square", module: 0, address: 0x1130, isInlined: true),
        Frame(function: "LazyCompile:~é", address: 0x7f00_0000_1000, origin: .jit),
        Frame(function: "[0x12]", address: 0x12, origin: .unresolved), .truncated(.tooDeep),
        Frame(
          function: "serve", origin: .interpreted(.python), source: SourceLocation(file: "/srv/app.py", line: 7)),
        Frame(function: "method_vectorcall", module: 0, address: 0x1140, origin: .interpreterNative(.python)),
      ],
      threads: [thread(1, "bench"), thread(2, ""), thread(3, "worker")])
    var stacks = StackTreeBuilder()
    let nodes = [[0, 2], [0, 1], [0], [5, 3, 4], [0, 2, 2, 2]].compactMap { stacks.insert($0) }
    profile.stacks = stacks.tree
    profile.values = [
      Profile.Value(thread: 0, stack: nodes[2], weight: Weight(count: 1, nanoseconds: 10)),
      Profile.Value(thread: 0, stack: nodes[0], weight: Weight(count: 7, nanoseconds: 71)),
      Profile.Value(thread: 2, stack: nodes[1], weight: Weight(count: 0, nanoseconds: 0)),
      Profile.Value(thread: 2, stack: nodes[3], weight: Weight(count: 300, nanoseconds: 5_000_000_000_000)),
      Profile.Value(thread: 2, stack: nodes[4], weight: Weight(count: 2, nanoseconds: 1)),
    ].sorted { ($0.thread, $0.stack) < ($1.thread, $1.stack) }
    profile.timeline = Timeline(
      slotNanoseconds: 100_000_000,
      entries: [
        .init(slot: 0, value: 0, count: 1), .init(slot: 0, value: 3, count: 200), .init(slot: 9, value: 3, count: 100),
      ])
    return profile
  }()

  static func thread(_ id: Int32, _ name: String) -> ProfiledThread {
    ProfiledThread(
      process: ProcessID(rawValue: 1), thread: ThreadID(rawValue: id), processName: "bench", name: name)
  }
}

extension TaskStore {
  /// Stores a task that has ended with a profile.
  func add(_ task: ProfilingTask = Sample.task(), profile: Profile = Sample.profile) throws -> TaskID {
    var task = task
    task.id = try begin(task)
    try finish(task, profile: profile)
    return task.id
  }
}

/// The permission bits of a file or directory.
func mode(of path: String) throws -> Int {
  let attributes = try FileManager.default.attributesOfItem(atPath: path)
  return try #require(attributes[.posixPermissions] as? Int)
}
