import Capture
import LinuxSystem
import Policies
import ProfileModel
import Recording
import Testing

@testable import Watching

/// The life of a task that a rule asks for. Needs neither the program nor eBPF.
@Suite struct WatchedTaskTests {
  private let desk = FakeCapture.Desk()
  private let fired = WallTime(nanoseconds: 1_000_000_000)

  private func task() throws -> WatchedTask { WatchedTask(try Sample.start(), firedAt: fired, hostLoad: nil) }

  private func begin(_ task: inout WatchedTask, lookback: Lookback? = nil) -> RecorderRequest {
    task.begin({ FakeCapture(desk) }, lookback: { _ in lookback })
  }

  /// The task as the recorder would answer with it.
  private func answer(_ task: WatchedTask) -> ProfilingTask { task.start.task(trigger: task.trigger) }

  @Test func `a task records, is saved, is reported and is over`() throws {
    var task = try task()
    #expect(task.running == nil && !task.isOver)

    guard case .begin(let number, let begun, let cooldowns) = begin(&task) else {
      Issue.record("nothing began")
      return
    }
    let running = try #require(task.running)
    #expect(number == task.start.id && begun.event == "a fake" && cooldowns.count == 1)
    #expect(task.drive(now: running.armedAt) == nil)
    guard case .finish(number, .profile(let raw), nil, _)? = task.drive(now: running.deadline) else {
      Issue.record("the task does not end")
      return
    }
    #expect(raw.account.taken == 2)
    #expect(task.running == nil && !task.isOver)
    guard case .started? = task.hear(.began(number, TaskID(rawValue: 1))),
      case .ended? = task.hear(.ended(number, answer(task)))
    else {
      Issue.record("nothing is reported")
      return
    }
    #expect(task.isOver)
    #expect(desk.steps == ["prepare", "arm", "finish"])
  }

  @Test func `a task ends early where its processes are gone`() throws {
    var task = try task()
    _ = begin(&task)
    desk.hasNoTargetLeft = true
    let now = try #require(task.running).armedAt

    #expect(task.drive(now: now) != nil)
    #expect(task.end() == nil, "it ends once")
  }

  @Test func `what cannot be armed is refused, and reported with its reason`() throws {
    desk.armingFailure = .missingFeature("no such probe")
    var task = try task()

    guard case .fail(let number, _, error: "no such probe") = begin(&task) else {
      Issue.record("it has begun")
      return
    }
    guard case .failed(_, _, _, error: "no such probe")? = task.hear(.failed(number, TaskID(rawValue: 1))) else {
      Issue.record("nothing is reported")
      return
    }
    #expect(task.isOver)
  }

  @Test func `a capture that cannot be finished abandons its task`() throws {
    desk.finishingFailure = .missingFeature("the kernel refused")
    var task = try task()
    _ = begin(&task)

    guard case .abandon(_, error: "the kernel refused", _)? = task.end() else {
      Issue.record("it has a result")
      return
    }
  }

  @Test func `what ran before the trigger begins the task, and is in its trigger`() throws {
    var task = try task()
    guard case .profile(let earlier) = try FakeCapture(desk).finish() else { return }
    guard case .begin(_, let with, _) = begin(&task, lookback: Lookback(profile: earlier, nanoseconds: 5_000_000_000))
    else {
      Issue.record("nothing began")
      return
    }
    let armedAt = try #require(task.running).armedAt

    #expect(task.trigger.lookbackNanoseconds == 5_000_000_000)
    #expect(TriggerText.decode(with.trigger)?.lookbackNanoseconds == 5_000_000_000)
    let before = Clock.wall(at: armedAt).nanoseconds - with.startedAt.nanoseconds
    #expect((4_990_000_000...5_010_000_000).contains(before), "\(before)")
  }

  @Test func `answers that do not belong to a state change nothing`() throws {
    var task = try task()
    _ = begin(&task)

    #expect(task.hear(.ended(task.start.id, answer(task))) == nil)
    #expect(task.hear(.failed(task.start.id, TaskID(rawValue: 1))) == nil)
    #expect(task.hear(.stopped) == nil)
    #expect(task.running != nil)
  }
}

enum Sample {
  static let policy = """
    policies:
      - name: hot
        match: { comm: watched }
        task: { type: oncpu, duration: 1s }
        cooldown: 10m
        rules: [{ metric: process_thread_count, threshold: 1, period: 1s, count: 1 }]

    """

  /// A start as the engine decides on it.
  static func start() throws -> PolicyEngine.Start {
    var engine = PolicyEngine(try PolicyFile.parse(Array(policy.utf8), name: "p.yaml"), cpuCount: 1)
    let key = ProcessKey(process: ProcessID(rawValue: 4711), startTicks: 1)
    engine.observe(WatchedProcess(key: key, name: "watched"))
    for decision in engine.close(slots: 1...1, hostLoad: nil, values: { _ in [3] }) {
      if case .start(let start) = decision { return start }
    }
    throw NoStart()
  }

  struct NoStart: Error {}
}
