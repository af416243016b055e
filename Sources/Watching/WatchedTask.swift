import Capture
import LinuxSystem
import Policies
import ProfileModel
import Recording
import Version

/// A task that a rule asks for, from its trigger to its last report, as a state machine.
///
/// ```
/// idle ─begin─► recording ─drive─► saving ─ended─► over
///    └────────► refused ───────────failed────────► over
/// ```
/// Each step says what the recorder is to be asked for, and what is to be reported. Its clock is the caller's.
struct WatchedTask {
  enum State {
    /// The rule holds; nothing is armed yet.
    case idle
    /// The capture is armed, and what ran before is kept.
    case recording(Running)
    /// What was recorded is with the recorder, which names and stores it.
    case saving
    /// It could not begin; the recorder notes that.
    case refused(error: String)
    /// Reported, and done with.
    case over
  }

  struct Running {
    let capture: any CaptureLifecycle
    let armedAt: MonotonicTime
    let deadline: MonotonicTime
    let lookback: Lookback?
  }

  let start: PolicyEngine.Start
  private(set) var trigger: Trigger
  private(set) var state = State.idle

  init(_ start: PolicyEngine.Start, firedAt: WallTime, hostLoad: Double?) {
    self.start = start
    trigger = start.trigger(firedAt: firedAt, hostLoad: hostLoad)
  }

  /// What is recorded, while that is so.
  var running: Running? {
    if case .recording(let running) = state { running } else { nil }
  }

  var isOver: Bool {
    if case .over = state { true } else { false }
  }

  /// Arms the capture.
  ///
  /// - Parameters:
  ///   - prepare: a capture that is aimed at the task's processes.
  ///   - lookback: what ran before a moment; nil for nothing.
  mutating func begin(
    _ prepare: () throws -> any CaptureLifecycle, lookback: (MonotonicTime) -> Lookback?
  ) -> RecorderRequest {
    var task = start.task(trigger: trigger)
    do {
      let capture = try prepare()
      let begun = try capture.arm()
      (task.event, task.unwind, task.jitterSeed) = (begun.event, begun.unwind, begun.jitterSeed)
      task.startedAt = Clock.wall(at: begun.armedAt)
      let earlier = lookback(begun.armedAt)
      if let earlier {
        trigger.lookbackNanoseconds = earlier.nanoseconds
        task.trigger = TriggerText.encode(trigger)
        task.startedAt = WallTime(nanoseconds: task.startedAt.nanoseconds - Int64(earlier.nanoseconds))
      }
      let deadline = begun.armedAt + (start.policy.task.durationNanoseconds ?? 0)
      state = .recording(
        Running(capture: capture, armedAt: begun.armedAt, deadline: deadline, lookback: earlier))
      return .begin(start.id, task, start.cooldowns)
    } catch {
      let sentence = FailureSentence.of(error)
      state = .refused(error: sentence)
      return .fail(start.id, task, error: sentence)
    }
  }

  /// Takes what was recorded, and ends the task where its time is over or its processes are gone.
  ///
  /// - Returns: what to ask the recorder for once it has ended; nil while it goes on.
  mutating func drive(now: MonotonicTime) -> RecorderRequest? {
    guard let running else { return nil }
    do { try running.capture.drain() } catch { return end(failedBy: error) }
    return now >= running.deadline || running.capture.hasNoTargetLeft ? end() : nil
  }

  /// Ends a task that records; another one is left as it is.
  mutating func end(failedBy failure: (any Error)? = nil) -> RecorderRequest? {
    guard let running else { return nil }
    state = .saving
    // What finishing takes is no part of the capture.
    let endedAt = Clock.wall
    do {
      if let failure { throw failure }
      return .finish(start.id, try running.capture.finish(), running.lookback, endedAt: endedAt)
    } catch {
      return .abandon(start.id, error: FailureSentence.of(error), endedAt: endedAt)
    }
  }

  /// Takes the recorder's answer about this task.
  ///
  /// - Returns: what to report.
  mutating func hear(_ reply: RecorderReply) -> WatchNews? {
    switch (reply, state) {
    case (.began(_, let id), .recording), (.began(_, let id), .saving): return .started(start, trigger, id)
    case (.ended(_, let task), .saving):
      state = .over
      return .ended(start, trigger, task)
    case (.failed(_, let id), .refused(let error)):
      state = .over
      return .failed(start, trigger, id, error: error)
    case (.began, _), (.ended, _), (.failed, _), (.trouble, _), (.stopped, _): return nil
    }
  }

  /// How soon after its slot the task recorded something, in words.
  func promptness(of running: Running) -> String {
    let slotEnd = MonotonicTime(nanoseconds: UInt64(start.slot + 1) * 1_000_000_000)
    func milliseconds(_ time: MonotonicTime) -> UInt64 { time.nanoseconds(since: slotEnd) / 1_000_000 }
    let first =
      running.capture.firstRecordAt.map { ", first record after \(milliseconds($0)) ms" } ?? ", nothing recorded"
    return "\(start.policy.name): armed \(milliseconds(running.armedAt)) ms after its slot\(first)"
  }
}

extension PolicyEngine.Start {
  func trigger(firedAt: WallTime, hostLoad: Double?) -> Trigger {
    var trigger = Trigger(
      policy: policy.name, process: process.key.process, processName: process.name,
      metric: rule.measure.metric.rawValue,
      unit: rule.measure.metric.unit, threshold: rule.threshold, periodSeconds: rule.periodSeconds, count: rule.count,
      values: values, firedAt: firedAt, cooldownSeconds: policy.cooldownSeconds)
    if rule.isBelow { trigger.isBelow = true }
    trigger.uri = rule.measure.uri?.description
    if processes.count > 1 { trigger.processes = processes.map(\.key.process) }
    trigger.hostLoad = hostLoad
    return trigger
  }

  /// The task, as far as it is known before it is armed.
  func task(trigger: Trigger) -> ProfilingTask {
    let named = processes.map { "\($0.key.process) (\($0.name))" }
    var spec = policy.task
    spec.target = .processes(processes.map(\.key.process))
    return ProfilingTask(
      target: (named.count == 1 ? "pid " : "pids ") + named.joined(separator: ", "), spec: spec, host: Host.name,
      kernel: Host.kernelRelease, version: SwprofVersion.text, startedAt: Clock.wall,
      trigger: TriggerText.encode(trigger))
  }

  var cooldowns: [Cooldown] {
    processes.map { Cooldown(policy: policy.name, process: $0.key, until: slot + policy.cooldownSeconds) }
  }
}

extension Rule {
  /// `process_cpu >= 80 %, 5 of 10 s`.
  package var sentence: String {
    let unit = measure.metric.unit.isEmpty ? "" : " \(measure.metric.unit)"
    let number = threshold == threshold.rounded() && abs(threshold) < 1e9 ? "\(Int(threshold))" : "\(threshold)"
    let requests = measure.uri.map { ", \($0.description)" } ?? ""
    return "\(measure.metric.rawValue) \(isBelow ? "<=" : ">=") \(number)\(unit), \(count) of \(periodSeconds) s"
      + requests
  }
}
