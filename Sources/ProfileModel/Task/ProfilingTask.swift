package enum TaskStatus: String, Sendable, Codable, CaseIterable {
  case running
  case done
  case failed
  /// The swprof process that ran it ended without finishing it.
  case interrupted
}

/// One run of a capture, with everything about it except the profile itself.
package struct ProfilingTask: Equatable, Sendable {
  package var id: TaskID
  /// What was profiled, in words: `pid 4711 (nginx)`, `comm nginx`, `all processes`, `command ./bench -n 3`.
  package var target: String
  /// How it was asked for.
  package var spec: TaskSpec
  /// The event that was recorded: `cpu-clock` or `cycles`, which tick, or `sched_switch`.
  package var event: String
  /// How user stacks were walked, as the output names it: `fp`.
  package var unwind: String
  /// What the times of ticks were drawn by; nil where nothing ticks, or at a fixed rate.
  package var jitterSeed: UInt32?
  package var host: String
  /// The kernel's release, as `uname -r` prints it.
  package var kernel: String
  /// Which swprof recorded it, `0.1.0 (a2783b4c1d)`; nil for a task of a swprof that did not store it.
  package var version: String?
  package var startedAt: WallTime
  /// Nil while the task runs, and for one that was interrupted.
  package var endedAt: WallTime?
  package var status: TaskStatus
  /// Why a failed task failed: one sentence.
  package var error: String?
  package var account: SampleAccount
  package var note: String?
  /// What started the task, as a JSON document; nil when a person did.
  package var trigger: String?
  /// Things the reader should know, a sentence each.
  package var warnings: [String]

  package init(
    id: TaskID = TaskID(rawValue: 0), target: String, spec: TaskSpec, event: String? = nil, unwind: String = "fp",
    host: String, kernel: String, version: String? = nil, startedAt: WallTime, endedAt: WallTime? = nil,
    status: TaskStatus = .running,
    error: String? = nil, account: SampleAccount = SampleAccount(), note: String? = nil, trigger: String? = nil,
    warnings: [String] = []
  ) {
    self.id = id
    self.target = target
    self.spec = spec
    self.event = event ?? spec.kind.name.words.event
    self.unwind = unwind
    self.host = host
    self.kernel = kernel
    self.version = version
    self.startedAt = startedAt
    self.endedAt = endedAt
    self.status = status
    self.error = error
    self.account = account
    self.note = note
    self.trigger = trigger
    self.warnings = warnings
  }

  package var kind: TaskKind { spec.kind.name }

  /// The length of the capture in ns; nil while it is not known, zero where the clock was set back.
  package var elapsedNanoseconds: UInt64? {
    guard let endedAt else { return nil }
    let (elapsed, overflow) = endedAt.nanoseconds.subtractingReportingOverflow(startedAt.nanoseconds)
    return overflow ? nil : UInt64(max(0, elapsed))
  }
}
