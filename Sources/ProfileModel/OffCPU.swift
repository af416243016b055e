/// What a thread that does not run is doing.
package enum Phase: String, Sendable, Codable, CaseIterable, CodingKeyRepresentable {
  /// From its switch-out to its wake-up.
  case blocked
  /// From its wake-up to its switch-in.
  case runQueue = "runqueue"
  /// It could have gone on, and had to let another run.
  case preempted
  /// It could have gone on, and called `sched_yield(2)`.
  case yielded
  /// It could have gone on, and its control group had used up its CPU limit.
  case throttled

  package var explanation: String {
    switch self {
    case .blocked: "blocked"
    case .runQueue: "waiting on the run queue"
    case .preempted: "preempted"
    case .yielded: "after sched_yield"
    case .throttled: "throttled by a CPU limit"
    }
  }
}

/// What a thread was in while it was blocked, with the letters of ps(1).
package enum WaitState: String, Sendable, CaseIterable {
  case interruptible = "S"
  case uninterruptible = "D"
  case idle = "I"
  case stopped = "T"
  case traced = "t"
  case parked = "P"

  package var name: String {
    switch self {
    case .interruptible: "interruptible"
    case .uninterruptible: "uninterruptible"
    case .idle: "idle"
    case .stopped: "stopped"
    case .traced: "traced"
    case .parked: "parked"
    }
  }
}
