import LinuxSystem
import Policies
import ProfileModel

/// A task that a policy has started, while it records.
final class RunningTask {
  let start: PolicyEngine.Start
  let capture: any DrivenCapture
  let trigger: Trigger
  let lookback: Lookback?
  private let deadline: MonotonicTime

  init(start: PolicyEngine.Start, capture: any DrivenCapture, trigger: Trigger, lookback: Lookback?) {
    self.start = start
    self.capture = capture
    self.trigger = trigger
    self.lookback = lookback
    deadline = capture.armedAt + (start.policy.task.durationNanoseconds ?? 0)
  }

  /// How soon after its slot the task recorded something, in words.
  var promptness: String {
    let slotEnd = MonotonicTime(nanoseconds: UInt64(start.slot + 1) * 1_000_000_000)
    func milliseconds(_ time: MonotonicTime) -> UInt64 { time.nanoseconds(since: slotEnd) / 1_000_000 }
    let first = capture.firstRecordAt.map { ", first record after \(milliseconds($0)) ms" } ?? ", nothing recorded"
    return "\(start.policy.name): armed \(milliseconds(capture.armedAt)) ms after its slot\(first)"
  }

  var isOver: Bool { Clock.monotonic >= deadline || capture.hasNoTargetLeft }
  var millisecondsLeft: Int32 { Int32(clamping: deadline.nanoseconds(since: Clock.monotonic) / 1_000_000 + 1) }
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
      kernel: Host.kernelRelease, startedAt: Clock.wall, trigger: TriggerText.encode(trigger))
  }

  var cooldowns: [Cooldown] {
    processes.map { Cooldown(policy: policy.name, process: $0.key, until: slot + policy.cooldownSeconds) }
  }
}

extension Rule {
  /// `process_cpu >= 80 %, 5 of 10 s`.
  var sentence: String {
    let unit = measure.metric.unit.isEmpty ? "" : " \(measure.metric.unit)"
    let number = threshold == threshold.rounded() && abs(threshold) < 1e9 ? "\(Int(threshold))" : "\(threshold)"
    let requests = measure.uri.map { ", \($0.description)" } ?? ""
    return "\(measure.metric.rawValue) \(isBelow ? "<=" : ">=") \(number)\(unit), \(count) of \(periodSeconds) s"
      + requests
  }
}
