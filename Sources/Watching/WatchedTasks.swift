import Capture
import LinuxSystem
import Policies
import ProfileModel
import Recording

/// The tasks of a watch: what begins, drives and ends them.
struct WatchedTasks {
  /// Those that are not over, in the order of their triggers.
  private var tasks: [WatchedTask] = []
  private var shelf: ProbeShelf
  private let recorder: TaskRecorder
  private let report: (WatchNews) -> Void
  /// How many tasks each policy has started.
  private(set) var starts: [String: Int] = [:]
  private var isStocked = false

  private static let drainMilliseconds: Int32 = 100

  init(_ shelf: ProbeShelf, _ recorder: TaskRecorder, report: @escaping (WatchNews) -> Void) {
    self.shelf = shelf
    self.recorder = recorder
    self.report = report
  }

  /// How many record now.
  var runningCount: Int { tasks.count { $0.running != nil } }

  /// What to poll; any of them readable means that `drive(now:)` has work.
  var descriptors: [Int32] { tasks.flatMap { $0.running?.capture.descriptors ?? [] } }

  /// After how long at the latest `drive(now:)` is to be called; nil while nothing records.
  func timeoutMilliseconds(now: MonotonicTime) -> Int32? {
    tasks.compactMap(\.running).map { running in
      let left = Int32(clamping: running.deadline.nanoseconds(since: now) / 1_000_000 + 1)
      return min(left, running.capture.hasPending ? 1 : Self.drainMilliseconds)
    }.min()
  }

  // MARK: - Programs

  /// Loads all that tasks of some policies need.
  mutating func stock(for tasks: [TaskSpec]) throws {
    while try !shelf.restock(for: tasks) {}
    isStocked = true
  }

  /// Loads some of what is missing since a task took it, or since policies changed.
  mutating func restock(for tasks: [TaskSpec]) {
    guard !isStocked else { return }
    // The task that needs what does not load will say so.
    isStocked = (try? shelf.restock(for: tasks)) ?? true
  }

  mutating func noteChangedPolicies() { isStocked = false }

  // MARK: - Tasks

  /// Begins a task.
  ///
  /// - Parameter lookback: what ran before a moment; nil for nothing.
  /// - Returns: whether it records now.
  mutating func begin(
    _ start: PolicyEngine.Start, firedAt: WallTime, hostLoad: Double?, lookback: (MonotonicTime) -> Lookback?
  ) -> Bool {
    var task = WatchedTask(start, firedAt: firedAt, hostLoad: hostLoad)
    let request = task.begin(
      { try shelf.take(start.policy.task, start.processes.map(\.key.process)) }, lookback: lookback)
    let isRecording = task.running != nil
    if isRecording {
      isStocked = false
      starts[start.policy.name, default: 0] += 1
    }
    tasks.append(task)
    recorder.send(request)
    return isRecording
  }

  /// Takes what was recorded, and ends tasks.
  ///
  /// - Returns: the starts of those that have ended.
  mutating func drive(now: MonotonicTime) -> [PolicyEngine.Start] { end { $0.drive(now: now) } }

  /// Ends all tasks that record.
  mutating func endAll() -> [PolicyEngine.Start] { end { $0.end() } }

  private mutating func end(_ step: (inout WatchedTask) -> RecorderRequest?) -> [PolicyEngine.Start] {
    var ended: [PolicyEngine.Start] = []
    for index in tasks.indices {
      guard let running = tasks[index].running, let request = step(&tasks[index]) else { continue }
      ended.append(tasks[index].start)
      report(.promptness(tasks[index].promptness(of: running)))
      recorder.send(request)
    }
    return ended
  }

  /// Takes an answer of the recorder, and reports what it means.
  mutating func hear(_ reply: RecorderReply) {
    switch reply {
    case .trouble(let sentence): report(.trouble(sentence))
    case .stopped: break
    case .began(let number, _), .ended(let number, _), .failed(let number, _):
      guard let index = tasks.firstIndex(where: { $0.start.id == number }) else { return }
      if let news = tasks[index].hear(reply) { report(news) }
      if tasks[index].isOver { tasks.remove(at: index) }
    }
  }
}
