package import Capture
package import ProfileModel
package import Symbolication

/// Ends tasks: names what was recorded, and closes the account.
package enum TaskCompletion {
  /// Completes a task by what its capture has recorded.
  ///
  /// - Parameters:
  ///   - task: what it warns of so far says why nothing may have been recorded. It stays where that is so.
  ///   - lookback: what ran before the trigger; nil for nothing.
  ///   - budget: what naming may cost.
  package static func complete(
    _ task: inout ProfilingTask, _ outcome: CaptureOutcome, lookback: Lookback? = nil,
    budget: NamingBudget = NamingBudget()
  ) throws(UnbalancedAccount) -> TaskResult {
    let result: TaskResult
    let warnings: [String]
    switch outcome {
    case .profile(let raw):
      let named = profile(raw, lookback, budget)
      (result, task.account, warnings) = (.stacks(named.profile), named.account, named.warnings)
    case .network(let recording):
      // It lasted as long as calls were counted.
      (task.startedAt, task.endedAt) = (recording.startedAt, recording.endedAt)
      (result, task.account, warnings) = (.network(recording.profile), recording.account, recording.warnings)
    }
    task.warnings = warnings + (task.account.ticks == 0 ? task.warnings : [])
    guard task.account.isBalanced else { throw UnbalancedAccount(kind: task.kind, account: task.account) }
    task.status = .done
    return result
  }

  private static func profile(
    _ raw: RawProfile, _ lookback: Lookback?, _ budget: NamingBudget
  ) -> (profile: Profile, account: SampleAccount, warnings: [String]) {
    var named = ProfileAssembly.assemble(raw, budget, runtimes: RuntimeNames(of: raw))
    guard let lookback else { return named }
    let earlier = ProfileAssembly.assemble(lookback.profile, budget, runtimes: RuntimeNames(of: lookback.profile))
    named.profile = named.profile.preceded(by: earlier.profile, offsetNanoseconds: lookback.nanoseconds)
    named.account.add(earlier.account)
    named.warnings += earlier.warnings.filter { !named.warnings.contains($0) }
    return named
  }
}

/// What was taken and what was lost is not all that was seen: a bug of ours.
package struct UnbalancedAccount: Error, CustomStringConvertible {
  let kind: TaskKind
  let account: SampleAccount

  package var description: String {
    "a bug of swprof: \(account.ticks) \(kind.unit) seen, but \(account.taken) taken and \(account.lost) lost;"
      + " please report it"
  }
}
