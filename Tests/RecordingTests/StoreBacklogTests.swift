import Foundation
import LinuxSystem
import ProfileModel
import Storage
import Testing

@testable import Recording

/// What a watch keeps in memory while there is no room on the disk.
@Suite final class StoreBacklogTests {
  private let directory: URL
  private var database: String { directory.appending(path: "tasks.db").path }

  init() throws {
    directory = FileManager.default.temporaryDirectory.appending(path: "swprof-backlog-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: false)
  }

  deinit { try? FileManager.default.removeItem(at: directory) }

  private func task(_ kind: TaskKind, _ target: String = "pid 1") -> ProfilingTask {
    let payload: TaskSpec.Kind = kind == .network ? .network(NetworkOptions()) : .onCPU(OnCPUOptions())
    return ProfilingTask(
      target: target, spec: TaskSpec(kind: payload, durationNanoseconds: 1), host: "h", kernel: "k",
      startedAt: WallTime(nanoseconds: 1))
  }

  /// A profile of some hundred kilobytes that nothing packs.
  private var network: NetworkProfile {
    NetworkProfile(
      source: NetworkSource(kind: .sockets, received: .sockets, sent: .sockets, hasCallTimes: false),
      nodes: (0..<20_000).map { _ in .remote(address: UUID().uuidString, port: nil, name: nil) })
  }

  private var stacks: Profile {
    var profile = Profile()
    profile.threads = [
      ProfiledThread(process: ProcessID(rawValue: 1), thread: ThreadID(rawValue: 1), processName: "p", name: "t")
    ]
    profile.frames = (0..<20_000).map { _ in Frame(function: UUID().uuidString, origin: .user) }
    for frame in profile.frames.indices {
      let stack = profile.stacks.append(StackTree.Node(parent: -1, frame: Int32(frame)))
      profile.values.append(Profile.Value(thread: 0, stack: stack, weight: Weight(count: 1, nanoseconds: 1)))
    }
    return profile
  }

  @Test(arguments: [TaskKind.network, .onCPU])
  func `a task of any kind waits for room, and is then stored whole`(kind: TaskKind) throws {
    _ = try TaskStore.open(path: database)
    let full = try TaskStore.open(path: database, pageLimit: 60)
    var backlog = StoreBacklog()
    let network = network
    let result: TaskResult = kind == .network ? .network(network) : .stacks(stacks)
    #expect(backlog.add(task(kind), result).isEmpty)

    #expect(throws: StoreError.self) { try backlog.write(to: StoreSink(full)) }
    #expect(throws: StoreError.self) { try backlog.write(to: StoreSink(full)) }
    #expect(!backlog.isEmpty)

    let store = try TaskStore.open(path: database)
    #expect(try backlog.write(to: StoreSink(store)))
    #expect(backlog.isEmpty)
    let tasks = try store.tasks()
    #expect(tasks.map(\.status) == [.done])
    if kind == .network {
      #expect(try store.networkProfile(of: tasks[0].id) == network)
    } else {
      #expect(try store.profile(of: tasks[0].id).values.count == 20_000)
    }
  }

  @Test func `cooldowns and decisions wait too`() throws {
    _ = try TaskStore.open(path: database)
    let full = try TaskStore.open(path: database, pageLimit: 1)
    var backlog = StoreBacklog()
    let process = ProcessKey(process: ProcessID(rawValue: 7), startTicks: 8)
    backlog.add(.cooldowns([Cooldown(policy: "a", process: process, until: 1 << 39)]))
    backlog.add(
      .decision(
        TriggerLogEntry(
          firedAt: WallTime(nanoseconds: 5), policy: "a", process: process.process, processName: "p",
          outcome: .heldBack, reason: String(repeating: "r", count: 100_000), task: nil)))
    #expect(throws: StoreError.self) { try backlog.write(to: StoreSink(full)) }

    let store = try TaskStore.open(path: database)
    #expect(try !backlog.write(to: StoreSink(store)))
    #expect(try store.cooldowns().map(\.process) == [process])
    #expect(try store.triggers(since: WallTime(nanoseconds: 0)).map(\.policy) == ["a"])
  }

  @Test func `memory is bounded: the oldest tasks and rows go first, and are told`() {
    var backlog = StoreBacklog(sizeLimit: 30_000, rowLimit: 10)
    #expect(backlog.add(task(.onCPU, "first"), .stacks(stacks)).isEmpty)
    #expect(backlog.add(task(.network, "second"), .network(network)).map(\.target) == ["first"])
    let history = MetricHistory(
      process: ProcessKey(process: ProcessID(rawValue: 7), startTicks: 8), processName: "p", resolution: 1, start: 0)
    for _ in 0..<25 { backlog.add(.history([history])) }

    #expect(backlog.takeDropped() == 15)
    #expect(backlog.takeDropped() == 0)
  }

  @Test func `a task that somebody has removed is let go`() throws {
    let store = try TaskStore.open(path: database)
    var removed = task(.network)
    removed.id = try store.begin(removed)
    try store.remove([removed.id])
    var backlog = StoreBacklog()
    _ = backlog.add(removed, .network(network))
    backlog.add(.failure(removed.id, error: "e", endedAt: WallTime(nanoseconds: 1)))
    _ = try backlog.write(to: StoreSink(store))

    #expect(backlog.isEmpty)
  }
}
