import Foundation
import LinuxSystem
import ProfileModel
import Testing

@testable import Storage

@Suite struct WatchRecordTests {
  private let directory: TemporaryDirectory
  private let key = ProcessKey(process: ProcessID(rawValue: 7), startTicks: .max)

  init() throws { directory = try TemporaryDirectory() }

  @Test func `cooldowns of this boot are kept until they are over`() throws {
    let store = try TaskStore.open(path: directory.database)
    let cooldowns = [
      Cooldown(policy: "a", process: key, until: 100), Cooldown(policy: "b", process: key, until: 200),
    ]
    try store.keep(cooldowns, now: 50)
    #expect(try store.cooldowns() == cooldowns)

    try store.keep([], now: 100)

    #expect(try TaskStore.openReadOnly(path: directory.database).cooldowns().map(\.policy) == ["b"])
  }

  @Test func `decisions come back in the order of time, without the task that was removed`() throws {
    let store = try TaskStore.open(path: directory.database)
    let task = try store.begin(
      ProfilingTask(
        target: "", spec: TaskSpec(kind: .onCPU(OnCPUOptions()), durationNanoseconds: 1), host: "",
        kernel: "",
        startedAt: WallTime(nanoseconds: 1)))
    let entries = (1...3).map { number in
      TriggerLogEntry(
        firedAt: WallTime(nanoseconds: Int64(number)), policy: "p\(number)", process: key.process, processName: "n\0x",
        outcome: .started, task: task)
    }
    try store.log(entries.reversed())
    try store.remove([task])

    let found = try store.triggers(since: WallTime(nanoseconds: 2))

    #expect(found.map(\.policy) == ["p2", "p3"])
    #expect(found.map(\.task) == [nil, nil])
  }

  @Test func `any history comes back as it was`() throws {
    let store = try TaskStore.open(path: directory.database)
    var generator = SystemRandomNumberGenerator()
    var histories: [MetricHistory] = []
    for row in 0..<20 {
      var history = MetricHistory(process: key, processName: "worker", resolution: 1, start: Int64(row * 60))
      var entry: MetricHistory.Entry?
      for _ in 0..<60 {
        if Int.random(in: 0..<3, using: &generator) == 0 {
          entry = MetricHistory.Entry(
            cpuPerMille: Bool.random(using: &generator) ? nil : UInt32.random(in: .min ... .max, using: &generator),
            threads: UInt32.random(in: 0...9, using: &generator),
            residentKiB: UInt32.random(in: .min ... .max, using: &generator),
            requests: Bool.random(using: &generator)
              ? nil
              : RequestSums(
                finished: UInt64.random(in: .min ... .max, using: &generator),
                serverErrors: UInt64.random(in: 0...9, using: &generator),
                microseconds: UInt64.random(in: .min ... .max, using: &generator),
                timed: Bool.random(using: &generator) ? nil : UInt64.random(in: 0...9, using: &generator)))
        }
        if Int.random(in: 0..<9, using: &generator) == 0 { entry = nil }
        history.entries.append(entry)
      }
      histories.append(history)
    }
    try store.append(histories)

    #expect(try store.history(of: key.process, since: WallTime(nanoseconds: 0)) == histories)
    #expect(try store.history(of: ProcessID(rawValue: 8), since: WallTime(nanoseconds: 0)).isEmpty)
  }

  @Test func `requests that an earlier release has stored were all timed`() throws {
    let entry = MetricHistory.Entry(
      cpuPerMille: nil, threads: 0, residentKiB: 0, requests: RequestSums(finished: 5, serverErrors: 1, microseconds: 9)
    )

    #expect(try MetricHistoryCoding.decode([1, 3, 0, 0, 5, 1, 9]) == [entry])
    #expect(entry.requests?.timed == 5)
  }

  @Test func `an idle process takes a few bytes an hour, and damaged bytes are an error`() throws {
    let entry = MetricHistory.Entry(cpuPerMille: 0, threads: 4, residentKiB: 100_000)
    let bytes = MetricHistoryCoding.encode([MetricHistory.Entry?](repeating: entry, count: 3600))
    #expect(bytes.count < 12)
    for length in 1..<bytes.count {
      #expect(throws: VarintReader.Malformed.self) { try MetricHistoryCoding.decode(Array(bytes.prefix(length))) }
    }
    #expect(throws: VarintReader.Malformed.self) { try MetricHistoryCoding.decode([0xFF, 0xFF, 0xFF, 0x7F, 0]) }
  }

  @Test func `what is too old goes, tasks that a person has started stay`() throws {
    let store = try TaskStore.open(path: directory.database)
    var task = ProfilingTask(
      target: "", spec: TaskSpec(kind: .onCPU(OnCPUOptions()), durationNanoseconds: 1), host: "",
      kernel: "",
      startedAt: WallTime(nanoseconds: 1_000_000_000))
    for trigger in ["{}", nil, "{}"] {
      task.trigger = trigger
      task.id = try store.begin(task)
      try store.finish(task, profile: Profile())
      task.startedAt = WallTime(nanoseconds: task.startedAt.nanoseconds + 100_000_000_000)
    }
    try store.append(
      [1, 10].map { MetricHistory(process: key, processName: "", resolution: $0, start: 1, entries: [nil]) })

    let removed = try store.keepWithin(
      TaskStore.Retention(seconds: 3700, maximumBytes: nil), now: WallTime(nanoseconds: 3_800_000_000_000))

    #expect(removed == 1)
    #expect(try store.tasks().map(\.id.rawValue) == [3, 2])
    #expect(try store.history(of: key.process, since: WallTime(nanoseconds: 0)).map(\.resolution) == [10])
  }

  @Test func `a file that is too large loses its oldest tasks`() throws {
    let store = try TaskStore.open(path: directory.database)
    for _ in 0..<5 {
      var task = ProfilingTask(
        target: String(repeating: "x", count: 200_000),
        spec: TaskSpec(kind: .onCPU(OnCPUOptions()), durationNanoseconds: 1), host: "", kernel: "",
        startedAt: WallTime(nanoseconds: 1)
      )
      task.id = try store.begin(task)
      try store.finish(task, profile: Profile())
    }

    try store.keepWithin(
      TaskStore.Retention(seconds: 3600, maximumBytes: 700_000), now: WallTime(nanoseconds: 2))

    #expect(try store.tasks().map(\.id.rawValue).min() ?? 0 > 1)
    #expect(try !store.tasks().isEmpty)
  }

  @Test func `the state of a watch is kept over the one before`() throws {
    let store = try TaskStore.open(path: directory.database)
    #expect(try store.watchState() == nil)
    var state = WatchState(
      pid: ProcessID(rawValue: 7), startedAt: WallTime(nanoseconds: 1), policyFile: "a.yaml", policies: [],
      runningTasks: 0)
    func keep(at time: Int64) throws {
      let document = String(decoding: try JSONEncoder().encode(state), as: UTF8.self)
      try store.keepWatchState(document, at: WallTime(nanoseconds: time))
    }
    try keep(at: 1)
    state.runningTasks = 3
    try keep(at: 2)

    let kept = try #require(try store.watchState())

    #expect(kept.updatedAt.nanoseconds == 2)
    #expect(kept.state == state)
  }

  @Test func `the state of a watch that is none is an error`() throws {
    let store = try TaskStore.open(path: directory.database)
    try store.keepWatchState("{}", at: WallTime(nanoseconds: 1))
    #expect(throws: StoreError.self) { try store.watchState() }
  }
}
