import ProfileModel

/// Sentences and phrases about a task, which the summary and `tasks show` share.
struct TaskDescription {
  let task: ProfilingTask

  /// What was asked for: `99 Hz on every CPU, cpu-clock, user and kernel stacks (fp), children included`.
  var capture: String {
    if task.kind == .network { return network }
    let stacks =
      switch task.spec.options.side {
      case .both: "user and kernel stacks (\(task.unwind))"
      case .user: "user stacks (\(task.unwind))"
      case .kernel: "kernel stacks"
      }
    let children = task.spec.options.includesChildren ? "" : ", without children"
    return "\(what), \(stacks)\(children)"
  }

  /// What is recorded: `99 Hz, cpu-clock`, `blocked for 1us or more`.
  private var what: String {
    guard let offCPU = task.spec.kind.offCPU else {
      return "\(task.spec.kind.onCPU.map { "\($0.frequencyHertz) Hz, " } ?? "")\(task.event)"
    }
    let isAll = Set(offCPU.phases) == Set(Phase.allCases)
    var text = isAll ? "off the CPU" : offCPU.phases.map(\.explanation).joined(separator: " or ")
    if offCPU.minimumNanoseconds > 0 {
      text += " for \(TimeText.duration(nanoseconds: offCPU.minimumNanoseconds)) or more"
    }
    if let maximum = offCPU.maximumNanoseconds { text += ", at most \(TimeText.duration(nanoseconds: maximum))" }
    if let states = offCPU.states { text += ", in state \(states.joined(separator: " or "))" }
    return text + (offCPU.wakers ? ", with wakers" : "")
  }

  /// What of a network was recorded.
  private var network: String {
    "connections and HTTP requests" + (task.spec.kind.network?.callTimes == true ? ", with the times of calls" : "")
      + (task.spec.options.includesChildren ? "" : ", without children")
  }

  /// Which requests were kept: `slow (250ms or more), 4xx, 5xx, with 4096 bytes of each message`; nil for none.
  var keptRequests: String? {
    guard let network = task.spec.kind.network, !network.reasons.isEmpty else { return nil }
    var text = network.reasons.map { reason in
      switch reason {
      case .slow: "slow (\(TimeText.duration(nanoseconds: network.slowerThanNanoseconds)) or more)"
      case .clientError, .serverError: reason.rawValue
      }
    }.joined(separator: ", ")
    if network.bodyBytes > 0 { text += ", with \(network.bodyBytes) bytes of each message" }
    if !network.keepsContent { text += ", without what messages contain" }
    return text + (network.uris.isEmpty ? "" : ", of paths with \(network.uris.joined(separator: " or "))")
  }

  /// How the capture is described before its length: `at 99 Hz...`, `of threads blocked...`.
  var captureWord: String { task.kind.words.preposition }

  /// How long it took: `4.2s of 10s`, `10s`, or what is known of a task that did not end.
  var duration: String {
    let requested = task.spec.durationNanoseconds.map(TimeText.duration(nanoseconds:))
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
      + (account.lostNanoseconds == 0 ? "" : ", \(TimeText.duration(nanoseconds: account.lostNanoseconds))")
  }

  /// A phrase for each phase of which something was seen and not asked for.
  var leftOut: [String] {
    Phase.allCases.compactMap { phase in
      task.account.leftOut[phase].map {
        "\(NumberText.grouped($0.count)) times \(phase.explanation),"
          + " \(TimeText.duration(nanoseconds: $0.nanoseconds)) in all"
      }
    }
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
