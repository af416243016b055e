package import ProfileModel

/// Which processes are watched for what, and what is done then.
package struct Policy: Equatable, Sendable {
  package var name: String
  package var match: ProcessMatch
  /// What is started, for the processes that it is started for.
  package var task: TaskSpec
  /// For how long, in seconds from a trigger on, a process gets no other task of the policy.
  package var cooldownSeconds: Int
  /// Any one that holds starts the task; the first of them is told as the reason.
  package var rules: [Rule]

  package init(name: String, match: ProcessMatch, task: TaskSpec, cooldownSeconds: Int, rules: [Rule]) {
    self.name = name
    self.match = match
    self.task = task
    self.cooldownSeconds = cooldownSeconds
    self.rules = rules
  }
}

/// What watching may use of the machine.
package struct WatchLimits: Equatable, Sendable {
  package var maximumTasksPerHour: Int?
  /// The load average of one minute from which on no task is started.
  package var hostLoadLimit: Double?
  package var maximumConcurrentTasks = 4
  package var maximumDatabaseBytes: Int64?
  /// How long tasks are kept.
  package var retentionSeconds = 48 * 3600
  /// How far the flight recorder reaches back; zero where it is off.
  package var lookbackSeconds = 0

  package init() {}
}

/// What a policy file says.
package struct PolicySet: Equatable, Sendable {
  package var policies: [Policy]
  package var limits: WatchLimits

  package init(policies: [Policy], limits: WatchLimits = WatchLimits()) {
    self.policies = policies
    self.limits = limits
  }
}
