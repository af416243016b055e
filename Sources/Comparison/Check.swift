package import ProfileModel

/// Whether a program has become slower, from runs before a change and after it.
package struct Check: Sendable {
  package struct Options: Sendable {
    package var limits = RegressionTest.Limits()
    /// The growth of a whole run below which it has not regressed.
    package var totalGrowth = 0.10
    /// What is not tested, beside what belongs to the machine more than to the program.
    package var isExcluded: @Sendable (FunctionKey) -> Bool = { _ in false }
    package var accepted: AcceptList?
    /// The day that accepted regressions are judged by: `2026-11-23`.
    package var today = ""
    /// How much work one run of each side did, for the test of totals.
    package var work = (base: 1.0, new: 1.0)
    /// Whether the machines are taken to be alike, whatever is known of them.
    package var trustsMachine = false
    /// Which sides more runs could be made of.
    package var repeatable = RegressionTest.Repeatable.bothSides

    package init() {}
  }

  package enum Verdict: String, Sendable {
    case pass
    case regression
    /// Nothing was found, and not enough could have been.
    case inconclusive
    case notComparable = "not_comparable"
  }

  /// A function that has become slower.
  package struct Finding: Sendable, Equatable {
    package let result: RegressionTest.Result
    /// The line that most of its weight is on now.
    package let source: SourceLocation?
    /// The caller that most of it comes through, and how that has grown as a whole.
    package let caller: FunctionKey?
    package let callerGrowth: Double?
    /// Where the cost came from, if it only moved.
    package let movement: Movement?
    /// Why it is accepted.
    package let acceptance: AcceptList.Entry?

    /// Whether it fails the check.
    package var isFailure: Bool { movement == nil && acceptance == nil }
  }

  package private(set) var verdict = Verdict.pass
  /// Why runs are not comparable, or the result says little; a sentence each.
  package private(set) var reasons: [String] = []
  package private(set) var warnings: [String] = []
  /// What has grown beyond the limits, failures first.
  package private(set) var findings: [Finding] = []
  /// Everything that was tested.
  package let test: RegressionTest
  package private(set) var total: TotalTest?
  package private(set) var isTotalRegression = false
  /// Why totals were not tested.
  package private(set) var totalObstacle: String?
  package let options: Options
  package let runs: (base: Int, new: Int)
  package let samples: (base: UInt64, new: UInt64)
  /// What the samples are.
  package let unit: String
  /// The functions that were joined as names differ by build.
  package let joinedNames: Int
  /// How many runs of a side would do for growth to be seen in all functions that decide whether the result says enough;
  /// nil where no number would, or nothing can be compared.
  package private(set) var runsNeeded: Int?
  /// The functions in which growth could have been missed.
  package private(set) var blind: [RegressionTest.Result] = []

  /// A function with this share decides whether the result says enough.
  private static let decisiveShare = 0.05

  package init(base: [ComparedRun], new: [ComparedRun], options: Options = Options()) {
    self.options = options
    runs = (base.count, new.count)
    samples = (Self.total(of: base), Self.total(of: new))
    unit = (base + new).first?.quality.unit ?? "samples"
    joinedNames = (base + new).reduce(into: Set<String>()) { $0.formUnion($1.costs.joined) }.count
    let comparability = Comparability(base: base, new: new)
    let isExcluded = options.isExcluded
    let isNotTested = { (key: FunctionKey) in MachineNoise.contains(key) || isExcluded(key) }
    // What cannot be added up cannot be tested.
    test = RegressionTest(
      base: comparability.isSummable ? base.map(\.costs) : [], new: comparability.isSummable ? new.map(\.costs) : [],
      limits: options.limits, isCounted: (base + new).allSatisfy { $0.quality.countObstacle == nil },
      unchanged: Self.unchangedRatio(base, new, options.work), isExcluded: isNotTested)
    guard comparability.obstacles.isEmpty else {
      verdict = .notComparable
      reasons = comparability.obstacles
      return
    }
    compareTotals(base, new, comparability.machineDifference)
    findRegressions(base, new)
    reviewAccepted()
    judge(isNotTested)
  }

  /// New share over base share of a function that costs as much as before; nil where samples are of unknown length.
  private static func unchangedRatio(
    _ base: [ComparedRun], _ new: [ComparedRun], _ work: (base: Double, new: Double)
  ) -> Double? {
    let rates = Set((base + new).map(\.quality.frequencyHertz))
    guard rates.count == 1, rates.first != .some(nil) else { return nil }
    let cost = { (runs: [ComparedRun], work: Double) in
      runs.reduce(0.0) { $0 + Double($1.costs.total) } / Double(max(1, runs.count)) / work
    }
    let costs = (cost(base, work.base), cost(new, work.new))
    return costs.0 > 0 && costs.1 > 0 ? costs.0 / costs.1 : nil
  }

  private static func total(of runs: [ComparedRun]) -> UInt64 {
    runs.reduce(0) { sum, run in
      let (total, overflow) = sum.addingReportingOverflow(run.costs.total)
      return overflow ? .max : total
    }
  }

  private mutating func compareTotals(_ base: [ComparedRun], _ new: [ComparedRun], _ machines: String?) {
    if let machines, !options.trustsMachine {
      totalObstacle = "the runs are of \(machines); name --same-machine if these are alike"
      return
    }
    let cost = { (runs: [ComparedRun], work: Double) in runs.map { Double($0.costs.total) / work } }
    total = TotalTest(
      base: cost(base, options.work.base), new: cost(new, options.work.new), alpha: options.limits.alpha)
    guard let total else {
      totalObstacle = "a test of whole runs takes \(TotalTest.minimumRuns) of them on each side"
      return
    }
    isTotalRegression = total.growth >= options.totalGrowth && total.p <= options.limits.alpha
  }

  private mutating func findRegressions(_ base: [ComparedRun], _ new: [ComparedRun]) {
    let before = base.reduce(into: FunctionCosts()) { $0 += $1.costs }
    let after = new.reduce(into: FunctionCosts()) { $0 += $1.costs }
    let movements = Movement.find(in: test, base: before, new: after)
    for result in test.results where result.isRegression {
      let caller = after.mainCaller(of: result.key)
      let growth = caller.map { caller in
        let cost = test.normalized { $0.inclusive[caller] ?? 0 }
        return cost.base > 0 ? cost.new / cost.base - 1 : .infinity
      }
      findings.append(
        Finding(
          result: result, source: after.hottestLine(of: result.key), caller: caller, callerGrowth: growth,
          movement: movements[result.key],
          acceptance: options.accepted?.entry(for: result.key, on: options.today)))
    }
    findings.sort { left, right in
      left.isFailure != right.isFailure ? left.isFailure : left.result.impact > right.result.impact
    }
  }

  private mutating func reviewAccepted() {
    for entry in options.accepted?.entries ?? [] {
      let about = "the accepted change of '\(entry.function)' (line \(entry.line))"
      if entry.lastDay < options.today {
        warnings.append("\(about) has expired on \(entry.lastDay): remove it, or renew it with its reason")
      } else if !findings.contains(where: { $0.acceptance == entry }) {
        warnings.append("\(about) is not needed: nothing of that name has regressed")
      }
    }
  }

  private mutating func judge(_ isNotTested: (FunctionKey) -> Bool) {
    let seen = 2 * options.limits.growth
    let decisive = test.results.filter { max($0.base.share, $0.new.share) >= Self.decisiveShare }
    blind = decisive.filter { $0.detectable > seen }
    let runsOfEach = decisive.map { test.runs(toSee: seen, of: $0, repeating: options.repeatable) }
    if test.results.isEmpty {
      runsNeeded = test.runsToTestAny(isNotTested)
    } else if runsOfEach.allSatisfy({ $0 != nil }) {
      runsNeeded = runsOfEach.compactMap(\.self).max() ?? max(runs.base, runs.new)
    }
    if isTotalRegression || findings.contains(where: \.isFailure) {
      verdict = .regression
      return
    }
    guard blind.isEmpty, !test.results.isEmpty else {
      verdict = .inconclusive
      let problem =
        test.results.isEmpty
        ? "no function has the weight that a test takes"
        : "of \(blind.count) function\(blind.count == 1 ? "" : "s") with 5 % or more, growth below"
          + " \(Self.percentUp(blind.map(\.detectable).max() ?? 0)) could have been missed"
      reasons.append("\(problem); \(remedy)")
      return
    }
  }

  /// What would make an inconclusive result conclusive.
  private var remedy: String {
    let made = runs.base == runs.new || options.repeatable == .newSide ? "\(runs.new)" : "\(runs.base) and \(runs.new)"
    let sides = options.repeatable == .bothSides ? "runs of each side" : "runs of the new side"
    guard let runsNeeded else {
      return options.repeatable == .newSide
        ? "no number of runs of the new side would do, as the base has too few samples"
        : "no number of runs would do"
    }
    let least = test.results.isEmpty ? "at least " : ""
    return "\(least)\(runsNeeded) \(sides) would do instead of \(made), or fewer at a higher --freq"
  }

  private static func percentUp(_ share: Double) -> String {
    share < 100 ? "\(Int((100 * share).rounded(.up))) %" : "10,000 %"
  }
}

/// What other programs and the kernel's own bookkeeping put into a profile.
enum MachineNoise {
  private static let names: Set<String> = [
    "irqentry_exit_to_user_mode", "exit_to_user_mode_loop", "irqentry_exit", "finish_task_switch", "schedule",
    "__schedule", "handle_softirqs", "__do_softirq", "do_softirq", "irq_exit_rcu", "__irq_exit_rcu", "do_idle",
    "cpu_startup_entry", "default_idle", "default_idle_call", "cpuidle_enter", "cpuidle_enter_state",
    "native_safe_halt", "pv_native_safe_halt", "run_ksoftirqd", "asm_sysvec_apic_timer_interrupt",
    "sysvec_apic_timer_interrupt", "asm_sysvec_reschedule_ipi", "sysvec_reschedule_ipi",
  ]

  static func contains(_ key: FunctionKey) -> Bool {
    guard key.kind == .function, key.module?.hasPrefix("[kernel") ?? true else { return false }
    return names.contains(key.name)
  }
}
