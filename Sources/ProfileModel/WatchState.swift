/// How a watch is doing, as it keeps it for `swprof status`.
package struct WatchState: Codable, Equatable, Sendable {
  package struct Policy: Codable, Equatable, Sendable {
    package var name: String
    package var kind: TaskKind
    /// In words: `process_cpu >= 80 %, 5 of 10 s`.
    package var rules: [String]
    package var processCount: Int
    /// The busiest of its processes.
    package var processes: [Process]

    package init(name: String, kind: TaskKind, rules: [String], processCount: Int, processes: [Process]) {
      self.name = name
      self.kind = kind
      self.rules = rules
      self.processCount = processCount
      self.processes = processes
    }
  }

  package struct Process: Codable, Equatable, Sendable {
    package var pid: ProcessID
    package var name: String
    /// In percent of one core; nil for no data.
    package var cpu: Double?
    package var threads: Double?
    package var residentMiB: Double?
    /// For how many seconds it gets no other task; nil where it may have one.
    package var cooldownSeconds: Int?

    package init(
      pid: ProcessID, name: String, cpu: Double?, threads: Double?, residentMiB: Double?, cooldownSeconds: Int?
    ) {
      self.pid = pid
      self.name = name
      self.cpu = cpu
      self.threads = threads
      self.residentMiB = residentMiB
      self.cooldownSeconds = cooldownSeconds
    }
  }

  /// Of the watch itself.
  package var pid: ProcessID
  package var startedAt: WallTime
  package var policyFile: String
  package var policies: [Policy]
  package var runningTasks: Int
  /// What of requests no rule counts, since the watch began: they were not seen whole, or not with their answer. Nil
  /// where no rule is about requests.
  package var requestLosses: [NetworkLoss: UInt64]?

  package init(
    pid: ProcessID, startedAt: WallTime, policyFile: String, policies: [Policy], runningTasks: Int,
    requestLosses: [NetworkLoss: UInt64]? = nil
  ) {
    self.pid = pid
    self.startedAt = startedAt
    self.policyFile = policyFile
    self.policies = policies
    self.runningTasks = runningTasks
    self.requestLosses = requestLosses
  }

  /// Whether its numbers are such as a watch has; those of a damaged document may be any.
  package var isConsistent: Bool {
    let longest = 1 << 32
    return startedAt.isPlausible && (0...longest).contains(runningTasks)
      && policies.allSatisfy { policy in
        (policy.processes.count...longest).contains(policy.processCount)
          && policy.processes.allSatisfy { process in
            [process.cpu, process.threads, process.residentMiB].allSatisfy { $0?.isFinite ?? true }
              && (process.cooldownSeconds.map { (0...longest).contains($0) } ?? true)
          }
      }
  }
}
