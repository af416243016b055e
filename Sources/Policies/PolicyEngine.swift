package import ProfileModel

/// Decides each second which tasks are started: rules over windows of values, cooldowns and limits.
///
/// It has no clock and sees no process. Slots are whole seconds of a clock that never goes back; all times are slots.
package struct PolicyEngine {
  package private(set) var policies: [Policy]
  package private(set) var limits: WatchLimits
  /// What has to be measured of each process; values are given in this order.
  package private(set) var measures: [Measure] = []
  /// How many CPUs the host has, for rules of its whole capacity.
  private let cpuCount: Int
  private var watches: [Watch] = []
  private var places: [ProcessKey: Int] = [:]
  private var mutings: [Subject: Muting] = [:]
  /// The slots in which tasks of the last hour were started.
  private var startSlots: [Int] = []
  private var running: [Int: [Subject]] = [:]
  private var nextStart = 1

  package init(_ set: PolicySet, cpuCount: Int) {
    (policies, limits, self.cpuCount) = (set.policies, set.limits, max(1, cpuCount))
    measures = Self.measures(of: set.policies)
  }

  /// A process, and what the policies that match it look at.
  private struct Watch {
    let process: WatchedProcess
    var policies: [PolicyWatch]
  }

  private struct PolicyWatch {
    /// An index into `policies`.
    let policy: Int
    var windows: [RuleWindow]

    /// Takes the values of slots.
    ///
    /// - Returns: the rules that hold, nil for none.
    mutating func record(_ values: [Double], slots: ClosedRange<Int>, cpuCount: Int) -> [Int]? {
      var holding: [Int]?
      for index in windows.indices {
        let measure = windows[index].measure
        var value = measure < values.count ? values[measure] : .nan
        if windows[index].rule.isNormalized { value /= Double(cpuCount) }
        for slot in slots { windows[index].window.record(value, slot: slot) }
        if windows[index].window.holds { holding = (holding ?? []) + [index] }
      }
      return holding
    }
  }

  private struct RuleWindow {
    let rule: Rule
    /// An index into `measures`.
    let measure: Int
    var window: Window
  }

  /// What cooldowns are kept for.
  private struct Subject: Hashable {
    let policy: String
    let process: ProcessKey
  }

  /// Why a subject gets no task.
  private struct Muting {
    /// The first slot after the cooldown.
    var coolUntil = Int.min
    /// The slot of the next attempt after starts that failed.
    var retryAt = Int.min
    var failures = 0
    var isRunning = false
    /// What each rule has fired at within the cooldown.
    var peaks: [Rule: Double] = [:]
    /// The reasons that were reported, for as long as a rule holds.
    var reported: Set<Reason> = []
  }

  /// Why a rule that holds starts nothing.
  package enum Reason: Hashable, Sendable {
    case hostLoad
    case tasksPerHour
    case concurrentTasks
  }

  /// A task that is to be started now.
  package struct Start: Equatable, Sendable {
    /// Tells the engine's starts apart.
    package let id: Int
    package let policy: Policy
    package let rule: Rule
    /// The process that the rule holds for.
    package let process: WatchedProcess
    /// All processes that the task is for, that one among them.
    package let processes: [WatchedProcess]
    /// The slots that the rule looked at, the oldest first; nil where there was no data.
    package let values: [Double?]
    /// The slot that has just closed.
    package let slot: Int
  }

  package enum Decision: Equatable, Sendable {
    case start(Start)
    /// A rule holds and nothing is started; said once for as long as it holds.
    case heldBack(policy: String, process: WatchedProcess, Reason)
  }

  // MARK: - Processes and policies

  /// Takes note of a process, or of what has changed of it.
  ///
  /// - Returns: whether any policy matches it.
  @discardableResult
  package mutating func observe(_ process: WatchedProcess) -> Bool {
    let matching = policies.indices.filter { policies[$0].match.includes(process) }
    guard !matching.isEmpty else {
      forget(process.key)
      return false
    }
    let known = places[process.key].map { watches[$0].policies } ?? []
    let watch = Watch(
      process: process,
      policies: matching.map { index in
        known.first { $0.policy == index }
          ?? PolicyWatch(policy: index, windows: windows(of: policies[index], from: []))
      })
    if let place = places[process.key] {
      watches[place] = watch
    } else {
      places[process.key] = watches.count
      watches.append(watch)
    }
    return true
  }

  /// Forgets a process that has ended. Its task goes on until it is said to have ended too.
  package mutating func forget(_ key: ProcessKey) {
    guard let place = places.removeValue(forKey: key) else { return }
    let last = watches.removeLast()
    if last.process.key != key {
      watches[place] = last
      places[last.process.key] = place
    }
    for subject in mutings.keys where subject.process == key { mutings[subject]?.reported = [] }
  }

  /// Puts other policies in place. Rules that stay as they are keep their windows, policies of the same name their
  /// cooldowns; tasks go on.
  ///
  /// - Parameter processes: all there are now.
  package mutating func reload(_ set: PolicySet, processes: some Sequence<WatchedProcess>) {
    let oldPolicies = policies
    let oldWatches = watches
    let oldPlaces = places
    (policies, limits, measures) = (set.policies, set.limits, Self.measures(of: set.policies))
    (watches, places) = ([], [:])
    for process in processes {
      guard observe(process), let place = places[process.key], let oldPlace = oldPlaces[process.key] else { continue }
      for index in watches[place].policies.indices {
        let policy = policies[watches[place].policies[index].policy]
        guard let old = oldWatches[oldPlace].policies.first(where: { oldPolicies[$0.policy].name == policy.name })
        else {
          continue
        }
        watches[place].policies[index].windows = windows(of: policy, from: old.windows)
      }
    }
    mutings = mutings.filter { subject, muting in
      muting.isRunning || set.policies.contains { $0.name == subject.policy }
    }
    for subject in mutings.keys { mutings[subject]?.reported = [] }
  }

  private func windows(of policy: Policy, from old: [RuleWindow]) -> [RuleWindow] {
    policy.rules.map { rule in
      RuleWindow(
        rule: rule, measure: measures.firstIndex(of: rule.measure) ?? 0,
        window: old.first { $0.rule == rule }?.window ?? Window(rule))
    }
  }

  private static func measures(of policies: [Policy]) -> [Measure] {
    var measures: [Measure] = []
    for rule in policies.flatMap(\.rules) where !measures.contains(rule.measure) { measures.append(rule.measure) }
    return measures
  }

  /// The processes that any policy matches.
  package var processes: [WatchedProcess] { watches.map(\.process) }

  /// Those that a policy with a rule about requests matches.
  package var answeringProcesses: Set<ProcessID> {
    let asking = policies.map { $0.rules.contains { $0.measure.metric.isHTTP } }
    guard asking.contains(true) else { return [] }
    return Set(watches.filter { $0.policies.contains { asking[$0.policy] } }.map(\.process.key.process))
  }

  package func isWatched(_ key: ProcessKey) -> Bool { places[key] != nil }

  /// The processes of each policy, by the policies' order.
  package var processesByPolicy: [[WatchedProcess]] {
    var result = [[WatchedProcess]](repeating: [], count: policies.count)
    for watch in watches {
      for policy in watch.policies { result[policy.policy].append(watch.process) }
    }
    return result.map { $0.sorted { $0.key.process < $1.key.process } }
  }

  // MARK: - Slots

  /// Closes slots, takes their values and decides.
  ///
  /// - Parameters:
  ///   - slots: those that have passed since the last call; more than one where the caller was late, all with one value.
  ///   - hostLoad: the load average of one minute; nil where it is not known.
  ///   - values: of a process, in the order of `measures`; NaN for no data. Fewer values than measures are no data too.
  package mutating func close(
    slots: ClosedRange<Int>, hostLoad: Double?, values: (ProcessKey) -> [Double]
  ) -> [Decision] {
    let slot = slots.upperBound
    startSlots.removeAll { $0 <= slot - 3600 }
    var candidates: [Candidate] = []
    for index in watches.indices {
      let key = watches[index].process.key
      let values = values(key)
      for policy in watches[index].policies.indices {
        let holding = watches[index].policies[policy].record(values, slots: slots, cpuCount: cpuCount)
        if let holding {
          candidates.append(Candidate(watch: index, policyWatch: policy, rules: holding))
        } else if !mutings.isEmpty {
          let subject = Subject(policy: policies[watches[index].policies[policy].policy].name, process: key)
          mutings[subject]?.reported = []
        }
      }
    }
    candidates.sort { order($0) < order($1) }
    let decisions = candidates.compactMap { decide($0, slot: slot, hostLoad: hostLoad) }
    forgetOldMutings(slot: slot)
    return decisions
  }

  /// A policy of which rules hold for a process.
  private struct Candidate {
    let watch: Int
    let policyWatch: Int
    /// The rules that hold, as indices.
    let rules: [Int]
  }

  private func order(_ candidate: Candidate) -> (Int, Int32) {
    let watch = watches[candidate.watch]
    return (watch.policies[candidate.policyWatch].policy, watch.process.key.process.rawValue)
  }

  private mutating func decide(_ candidate: Candidate, slot: Int, hostLoad: Double?) -> Decision? {
    let watch = watches[candidate.watch]
    let policyWatch = watch.policies[candidate.policyWatch]
    let policy = policies[policyWatch.policy]
    let subject = Subject(policy: policy.name, process: watch.process.key)
    let muting = mutings[subject] ?? Muting()
    guard !muting.isRunning, slot >= muting.retryAt else { return nil }
    let windows = candidate.rules.map { policyWatch.windows[$0] }
    guard let window = slot >= muting.coolUntil ? windows.first : windows.first(where: { isWorse($0, muting) }) else {
      return nil
    }
    if let reason = reasonToHoldBack(slot: slot, hostLoad: hostLoad) {
      guard mutings[subject, default: Muting()].reported.insert(reason).inserted else { return nil }
      return .heldBack(policy: policy.name, process: watch.process, reason)
    }
    return .start(start(policy, window, of: watch.process, slot: slot))
  }

  /// Whether a rule that may fire again for something worse has found that.
  private func isWorse(_ window: RuleWindow, _ muting: Muting) -> Bool {
    guard window.rule.refiresWhenWorse, let last = muting.peaks[window.rule], let peak = window.window.peak else {
      return false
    }
    return window.rule.isWorse(peak, than: last)
  }

  private func reasonToHoldBack(slot: Int, hostLoad: Double?) -> Reason? {
    if let limit = limits.hostLoadLimit, let hostLoad, hostLoad >= limit { return .hostLoad }
    if running.count >= limits.maximumConcurrentTasks { return .concurrentTasks }
    if let limit = limits.maximumTasksPerHour, startSlots.count >= limit { return .tasksPerHour }
    return nil
  }

  private mutating func start(_ policy: Policy, _ window: RuleWindow, of process: WatchedProcess, slot: Int) -> Start {
    let processes = policy.task.kind.network != nil ? instance(of: process, policy: policy) : [process]
    let start = Start(
      id: nextStart, policy: policy, rule: window.rule, process: process, processes: processes,
      values: window.window.series, slot: slot)
    nextStart += 1
    startSlots.append(slot)
    let subjects = processes.map { Subject(policy: policy.name, process: $0.key) }
    running[start.id] = subjects
    for subject in subjects {
      var muting = mutings[subject] ?? Muting()
      if slot >= muting.coolUntil { muting.peaks = [:] }
      muting.coolUntil = slot + policy.cooldownSeconds
      muting.isRunning = true
      muting.peaks[window.rule] = window.window.peak
      muting.reported = []
      mutings[subject] = muting
    }
    return start
  }

  /// The processes that serve together with one: of the same control group, else all that the policy matches.
  private func instance(of process: WatchedProcess, policy: Policy) -> [WatchedProcess] {
    let matched = watches.map(\.process).filter { policy.match.includes($0) }
    let isGrouped = !["", "/"].contains(process.cgroup)
    let members = isGrouped ? matched.filter { $0.cgroup == process.cgroup } : matched
    return members.sorted { $0.key.process < $1.key.process }
  }

  private mutating func forgetOldMutings(slot: Int) {
    guard !mutings.isEmpty else { return }
    mutings = mutings.filter { subject, muting in
      muting.isRunning || slot < muting.coolUntil || !muting.reported.isEmpty
        || muting.failures > 0 && places[subject.process] != nil
    }
  }

  // MARK: - What became of a start

  /// Takes note that a task has ended, however it did.
  package mutating func ended(_ start: Start) {
    for subject in running.removeValue(forKey: start.id) ?? [] {
      mutings[subject]?.isRunning = false
      mutings[subject]?.failures = 0
    }
  }

  /// The longest time between two attempts, in seconds.
  private static let longestBackOff = 300

  /// Takes note that a task could not be started. It mutes nothing: the next attempt follows, each one later.
  package mutating func failed(_ start: Start, slot: Int) {
    for subject in running.removeValue(forKey: start.id) ?? [] {
      var muting = mutings[subject] ?? Muting()
      muting.isRunning = false
      muting.coolUntil = Int.min
      muting.peaks = [:]
      muting.failures += 1
      muting.retryAt = slot + min(Self.longestBackOff, 1 << min(muting.failures, 16))
      mutings[subject] = muting
    }
    if let index = startSlots.lastIndex(of: start.slot) { startSlots.remove(at: index) }
  }

  /// Keeps a cooldown that an earlier run has begun.
  package mutating func restoreCooldown(policy: String, process: ProcessKey, until slot: Int) {
    mutings[Subject(policy: policy, process: process), default: Muting()].coolUntil = slot
  }

  /// The slot up to which a process gets no other task of a policy; nil where it may have one.
  package func cooldown(policy: String, process: ProcessKey, slot: Int) -> Int? {
    guard let muting = mutings[Subject(policy: policy, process: process)], muting.coolUntil > slot else { return nil }
    return muting.coolUntil
  }
}
