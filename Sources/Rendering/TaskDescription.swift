import ProfileModel

/// Sentences and phrases about a task, which the summary and `tasks show` share.
struct TaskDescription {
  let task: ProfilingTask

  /// What was asked for: `99 Hz on every CPU, cpu-clock, user and kernel stacks (fp), children included`.
  var capture: String {
    let parameters = task.parameters
    let stacks =
      switch parameters.side {
      case .both: "user and kernel stacks (\(parameters.unwind))"
      case .user: "user stacks (\(parameters.unwind))"
      case .kernel: "kernel stacks"
      }
    let children = parameters.includeChildren ? "" : ", without children"
    return "\(parameters.frequencyHertz) Hz, \(parameters.event), \(stacks)\(children)"
  }

  /// How long it took: `4.2s of 10s`, `10s`, or what is known of a task that did not end.
  var duration: String {
    let requested = task.parameters.durationNanoseconds.map(TimeText.duration(nanoseconds:))
    guard let elapsed = task.elapsedNanoseconds.map(TimeText.duration(nanoseconds:)) else {
      return "\(requested.map { "\($0) asked for" } ?? "no limit asked for"), no end recorded"
    }
    guard let requested, requested != elapsed else { return elapsed }
    return "\(elapsed) of \(requested)"
  }

  /// Taken and lost, the sum of which is every tick that hit the target.
  var samples: String {
    let account = task.account
    return "\(NumberText.grouped(account.taken)) taken, \(NumberText.grouped(account.lost)) lost"
      + (account.lost == 0 ? "" : " (\(NumberText.percent(account.lost, of: account.ticks)) %)")
  }

  /// A phrase for each cause of loss that occurred.
  var losses: [String] {
    LossCause.allCases.compactMap { cause in
      phrase(task.account.losses[cause], cause.explanation)
    }
  }

  /// A phrase for each defect that occurred.
  var defects: [String] {
    DefectCause.allCases.compactMap { cause in
      phrase(task.account.defects[cause], cause.explanation)
    }
  }

  /// Set when ticks are neither taken nor lost: a bug of ours that must not pass in silence.
  var imbalance: String? {
    let account = task.account
    guard !account.isBalanced else { return nil }
    return "account does not add up: \(NumberText.grouped(account.ticks)) ticks, "
      + "\(NumberText.grouped(account.taken)) taken, \(NumberText.grouped(account.lost)) lost"
  }

  private func phrase(_ count: UInt64?, _ explanation: String) -> String? {
    guard let count, count > 0 else { return nil }
    return "\(NumberText.grouped(count)) \(explanation)"
  }
}
