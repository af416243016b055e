/// The requests that a process has answered within a while.
package struct RequestSums: Equatable, Sendable {
  /// Responses that were seen with their request, of any status.
  package var finished: UInt64
  /// Responses with a status from 500 on.
  package var serverErrors: UInt64
  /// The times of those whose end was seen.
  package var microseconds: UInt64
  /// How many those are.
  package var timed: UInt64

  /// - Parameter timed: all, where it is nil.
  package init(finished: UInt64 = 0, serverErrors: UInt64 = 0, microseconds: UInt64 = 0, timed: UInt64? = nil) {
    self.finished = finished
    self.serverErrors = serverErrors
    self.microseconds = microseconds
    self.timed = timed ?? finished
  }

  package static func + (left: RequestSums, right: RequestSums) -> RequestSums {
    RequestSums(
      finished: left.finished &+ right.finished, serverErrors: left.serverErrors &+ right.serverErrors,
      microseconds: left.microseconds &+ right.microseconds, timed: left.timed &+ right.timed)
  }
}

/// What was measured of a process over a while: a value each second, or each ten.
package struct MetricHistory: Equatable, Sendable {
  package struct Entry: Equatable, Sendable {
    /// In tenths of a percent of one core; nil for no data.
    package var cpuPerMille: UInt32?
    package var threads: UInt32
    package var residentKiB: UInt32
    /// In all seconds that the entry stands for; nil where nobody counted, or nothing was ever answered.
    package var requests: RequestSums?

    package init(cpuPerMille: UInt32?, threads: UInt32, residentKiB: UInt32, requests: RequestSums? = nil) {
      self.cpuPerMille = cpuPerMille
      self.threads = threads
      self.residentKiB = residentKiB
      self.requests = requests
    }
  }

  package var process: ProcessKey
  package var processName: String
  /// The seconds that an entry stands for.
  package var resolution: Int
  /// When the first entry's time ended, in seconds since the Unix epoch.
  package var start: Int64
  /// One after the other; nil where nothing was measured.
  package var entries: [Entry?]

  package init(process: ProcessKey, processName: String, resolution: Int, start: Int64, entries: [Entry?] = []) {
    self.process = process
    self.processName = processName
    self.resolution = resolution
    self.start = start
    self.entries = entries
  }
}

/// A decision of the watch: a task that was started, or why none was.
package struct TriggerLogEntry: Equatable, Sendable {
  package enum Outcome: String, Sendable, CaseIterable {
    case started
    case failed
    /// Held back by a limit.
    case heldBack = "held_back"
  }

  package var firedAt: WallTime
  package var policy: String
  package var process: ProcessID
  package var processName: String
  package var outcome: Outcome
  /// Why no task was started.
  package var reason: String?
  package var task: TaskID?

  package init(
    firedAt: WallTime, policy: String, process: ProcessID, processName: String, outcome: Outcome, reason: String? = nil,
    task: TaskID? = nil
  ) {
    self.firedAt = firedAt
    self.policy = policy
    self.process = process
    self.processName = processName
    self.outcome = outcome
    self.reason = reason
    self.task = task
  }
}

/// For how long a process gets no other task of a policy.
package struct Cooldown: Equatable, Sendable {
  package var policy: String
  package var process: ProcessKey
  /// In s of the monotonic clock.
  package var until: Int

  package init(policy: String, process: ProcessKey, until: Int) {
    self.policy = policy
    self.process = process
    self.until = until
  }
}
