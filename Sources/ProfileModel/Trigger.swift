/// Why a task was started by itself: the rule that held, and the values for which it did.
package struct Trigger: Equatable, Sendable, Codable {
  package var policy: String
  package var process: ProcessID
  package var processName: String
  /// What the rule looks at: `process_cpu`.
  package var metric: String
  /// Of the threshold and the values: `%`, `ms`, or nothing for plain numbers.
  package var unit: String
  package var threshold: Double
  /// How many one-second slots the rule looks back.
  package var periodSeconds: Int
  /// How many of them have to be at the threshold or above.
  package var count: Int
  /// The slots that the rule looked at, a second each, the oldest first; nil where there was no data.
  package var values: [Double?]
  /// When the last slot closed.
  package var firedAt: WallTime
  /// For how long the process is then left alone by the policy.
  package var cooldownSeconds: Int
  /// Whether values at the threshold or below it match; nil stands for no.
  package var isBelow: Bool?
  /// The requests that count: a path or several, or a regular expression between slashes; nil for all.
  package var uri: String?
  /// All processes that the task is for, where it is not one alone.
  package var processes: [ProcessID]?
  /// The load average of one minute at the trigger.
  package var hostLoad: Double?
  /// How much of the task's time lies before the trigger, in ns: what the flight recorder has kept.
  package var lookbackNanoseconds: UInt64?

  package init(
    policy: String, process: ProcessID, processName: String, metric: String, unit: String, threshold: Double,
    periodSeconds: Int, count: Int, values: [Double?], firedAt: WallTime, cooldownSeconds: Int
  ) {
    self.policy = policy
    self.process = process
    self.processName = processName
    self.metric = metric
    self.unit = unit
    self.threshold = threshold
    self.periodSeconds = periodSeconds
    self.count = count
    self.values = values
    self.firedAt = firedAt
    self.cooldownSeconds = cooldownSeconds
  }

  /// The names in a task's JSON document.
  enum CodingKeys: String, CodingKey {
    case policy, metric, unit, threshold, count, values
    case process = "pid"
    case processName = "process_name"
    case periodSeconds = "period_s"
    case firedAt = "fired_at"
    case cooldownSeconds = "cooldown_s"
    case isBelow = "below"
    case uri
    case processes = "pids"
    case hostLoad = "host_load"
    case lookbackNanoseconds = "lookback_ns"
  }

  /// Whether its numbers are such as a policy has; those of a damaged document may be any.
  package var isConsistent: Bool {
    let longest = 1 << 32
    return (0...longest).contains(periodSeconds) && (0...longest).contains(count)
      && (0...longest).contains(cooldownSeconds) && threshold.isFinite
      && values.allSatisfy { $0?.isFinite ?? true } && firedAt.isPlausible
      && lookbackNanoseconds ?? 0 <= UInt64(longest) * 1_000_000_000
  }

  /// Which slots made the rule hold.
  package var fired: [Bool] { values.map { $0.map(matches) ?? false } }

  /// Whether a value is at the threshold, or beyond it.
  package func matches(_ value: Double) -> Bool { isBelow == true ? value <= threshold : value >= threshold }
}
