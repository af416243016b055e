import ProfileModel
import Testing

@testable import Comparison

@Suite struct CheckTests {
  private let weights = [30.0, 20, 15, 10, 8, 6, 4, 3, 2, 1.5]

  private func run(_ costs: FunctionCosts, _ change: (inout RunQuality) -> Void = { _ in }) -> ComparedRun {
    var quality = RunQuality(kind: .onCPU, unit: "samples", frequencyHertz: 999, machine: "m", of: Profile())
    change(&quality)
    return ComparedRun(name: "run", costs: costs, quality: quality)
  }

  private func sides(factor: Double = 1, runs: Int = 8, samples: Int = 5000, newSamples: Int? = nil)
    -> (base: [ComparedRun], new: [ComparedRun])
  {
    var draw = Draw(seed: 21)
    var after = weights
    after[5] *= factor
    return (
      (0..<runs).map { _ in run(draw.run(weights, samples: samples)) },
      (0..<runs).map { _ in run(draw.run(after, samples: newSamples ?? samples)) }
    )
  }

  @Test func `a function that became slower fails the check, with its caller's growth`() throws {
    let (base, new) = sides(factor: 1.5)

    let check = Check(base: base, new: new)

    #expect(check.verdict == .regression)
    let finding = try #require(check.findings.first)
    #expect(check.findings.count == 1)
    #expect(finding.result.key == key("f5"))
    #expect(finding.isFailure)
    #expect(finding.caller == key("main"))
    #expect(abs((finding.callerGrowth ?? 0) - 0.03) < 0.03)
  }

  @Test func `runs that all take longer fail the check by their total`() {
    let (base, new) = sides(newSamples: 6000)

    let check = Check(base: base, new: new)

    #expect(check.isTotalRegression)
    #expect(check.verdict == .regression)
    #expect(check.findings.isEmpty)
  }

  @Test func `totals of work done are compared by the work`() {
    let (base, new) = sides(newSamples: 6000)
    var options = Check.Options()
    options.work = (base: 10, new: 12)

    let check = Check(base: base, new: new, options: options)

    #expect(!check.isTotalRegression)
    #expect(abs((check.total?.growth ?? 1)) < 0.01)
  }

  @Test func `totals of different machines are not compared, unless they are said to be alike`() {
    var (base, new) = sides(newSamples: 6000)
    new = new.map { run($0.costs) { $0.machine = "n" } }
    base = base.map { run($0.costs) }
    var options = Check.Options()

    #expect(Check(base: base, new: new, options: options).totalObstacle?.contains("m and n") == true)
    options.trustsMachine = true
    #expect(Check(base: base, new: new, options: options).isTotalRegression)
  }

  @Test func `few samples are inconclusive, many are not`() {
    let few = sides(runs: 3, samples: 500)
    #expect(Check(base: few.base, new: few.new).verdict == .inconclusive)
    let many = sides(samples: 60_000)
    #expect(Check(base: many.base, new: many.new).verdict == .pass)
  }

  /// Runs of two functions, of which the first has most of the time: it costs `factors.0` times as much, the other
  /// `factors.1` times.
  private func dominated(_ factors: (Double, Double), _ seed: UInt64) -> [ComparedRun] {
    var draw = Draw(seed: seed)
    let costs = [70 * factors.0, 20 * factors.1, 10 * factors.1]
    let samples = Int(3000 * costs.reduce(0, +) / 100)
    return (0..<8).map { _ in run(draw.run(costs, samples: samples)) }
  }

  @Test(arguments: [1.2, 1.5, 3]) func `a function with most of the time that becomes slower is found by its name`(
    factor: Double
  ) {
    let check = Check(base: dominated((1, 1), 3), new: dominated((factor, 1), 4))

    #expect(check.verdict == .regression)
    #expect(check.findings.map(\.result.key) == [key("f0")])
    let faster = check.test.results.filter { $0.isImprovement }
    #expect(faster.isEmpty)
  }

  @Test func `what becomes faster beside a function with most of the time makes that no slower`() {
    let check = Check(base: dominated((1, 1), 3), new: dominated((1, 0.5), 4))

    #expect(check.verdict != .regression)
    let faster = check.test.results.filter { $0.isImprovement }.map(\.key)
    #expect(faster.sorted() == [key("f1"), key("f2")])
  }

  @Test func `an inconclusive check says how many runs would do`() throws {
    let few = sides(runs: 3, samples: 500)
    let check = Check(base: few.base, new: few.new)

    let needed = try #require(check.runsNeeded)
    #expect(needed > 3)
    #expect(check.reasons.last?.contains("\(needed) runs of each side would do instead of 3") == true)
    #expect(!check.blind.isEmpty)
    let enough = sides(runs: needed, samples: 500)
    let again = Check(base: enough.base, new: enough.new)
    #expect(again.verdict == .pass || abs((again.runsNeeded ?? 0) - needed) < needed / 5)
  }

  @Test func `weights that are no numbers of samples take two runs a side`() {
    let (base, new) = sides(factor: 3, runs: 1)
    func weighted(_ runs: [ComparedRun]) -> [ComparedRun] {
      runs.map { run($0.costs) { $0.countObstacle = "its weights are periods" } }
    }

    let one = Check(base: weighted(base), new: weighted(new))
    #expect(one.verdict == .notComparable)
    #expect(one.reasons.first?.contains("two runs or more on each side") == true)

    let two = Check(base: weighted(base + base), new: weighted(new + new))
    #expect(two.verdict != .notComparable)
  }

  @Test func `weights that cannot be added up are not compared`() {
    var costs = FunctionCosts()
    costs.add([key("f")], count: 1 << 60)
    let runs = [ComparedRun](repeating: run(costs), count: 17)

    let check = Check(base: runs, new: runs)

    #expect(check.verdict == .notComparable)
    #expect(check.reasons == ["the weights of all runs together are too large to be added up"])
  }

  @Test func `runs of different periods are not compared`() {
    let (base, new) = sides()
    let check = Check(
      base: base.map { run($0.costs) { $0.period = 1e7 } }, new: new.map { run($0.costs) { $0.period = 1e6 } })
    #expect(check.reasons == ["the runs were sampled with different periods"])
  }

  enum Difference: CaseIterable, Sendable {
    case kind, unit, rate, loss

    func apply(to quality: inout RunQuality) {
      switch self {
      case .kind: quality.kind = .offCPU
      case .unit: quality.unit = "waits"
      case .rate: quality.frequencyHertz = 99
      case .loss: quality.lostShare = 0.02
      }
    }

    var reason: String {
      switch self {
      case .kind: "different kinds: offcpu, oncpu"
      case .unit: "count different things: samples, waits"
      case .rate: "different rates: 99 Hz, 999 Hz"
      case .loss: "2 % of the new side's samples were lost, more than 1 %"
      }
    }
  }

  @Test(arguments: Difference.allCases)
  func `sides that differ in kind or quality are not compared`(difference: Difference) {
    let (base, new) = sides(factor: 3)

    let check = Check(base: base, new: new.map { run($0.costs, difference.apply) })

    #expect(check.verdict == .notComparable)
    #expect(check.reasons.contains { $0.contains(difference.reason) })
  }

  @Test func `stacks that were cut short are not compared`() {
    let thread = ProfiledThread(
      process: ProcessID(rawValue: 1), thread: ThreadID(rawValue: 1), processName: "p", name: "p")
    var stacks = StackTreeBuilder()
    let cut = stacks.insert([1, 0]) ?? -1
    let profile = Profile(
      frames: [Frame(function: "f"), .truncated(.tooDeep)], threads: [thread], stacks: stacks.tree,
      values: [Profile.Value(thread: 0, stack: cut, weight: Weight(count: 900, nanoseconds: 0))])
    let broken = ComparedRun(
      name: "x", costs: FunctionCosts(profile), quality: RunQuality(kind: .onCPU, unit: "samples", of: profile))

    let check = Check(base: [broken], new: [broken])

    #expect(check.verdict == .notComparable)
    #expect(check.reasons.first == "100 % of the base side's stacks were cut short, more than 5 %")
  }

  @Test func `an accepted regression passes up to its day, and is asked for when it is not there`() throws {
    let (base, new) = sides(factor: 1.5, samples: 60_000)
    var options = Check.Options()
    options.accepted = try AcceptList("2026-12-31 f5 # it does more now\n2026-12-31 f7 # so does this\n")
    options.today = "2026-12-31"

    let accepted = Check(base: base, new: new, options: options)
    #expect(accepted.verdict == .pass)
    #expect(accepted.findings.first?.acceptance?.reason == "it does more now")
    #expect(accepted.warnings.count == 1)
    #expect(accepted.warnings.first?.contains("'f7' (line 2) is not needed") == true)

    options.today = "2027-01-01"
    let expired = Check(base: base, new: new, options: options)
    #expect(expired.verdict == .regression)
    #expect(expired.warnings.first?.contains("expired on 2026-12-31") == true)
  }

  @Test func `code that is inlined no more has moved, and is not slower`() throws {
    var draw = Draw(seed: 5)
    func split(_ costs: FunctionCosts, into callee: Bool) -> ComparedRun {
      var changed = FunctionCosts()
      for (function, count) in costs.own {
        // A third of what f0 does is in a function of its own after the change.
        let part = callee && function == key("f0") ? count / 3 : 0
        changed.add([key("main"), function], count: count - part)
        if part > 0 { changed.add([key("main"), function, key("helper")], count: part) }
      }
      return run(changed)
    }
    let base = (0..<8).map { _ in split(draw.run(weights, samples: 5000), into: false) }
    let new = (0..<8).map { _ in split(draw.run(weights, samples: 5000), into: true) }

    let check = Check(base: base, new: new)

    let finding = try #require(check.findings.first)
    #expect(finding.movement == Movement(from: key("f0"), to: key("helper")))
    #expect(check.verdict != .regression)
  }

  @Test func `a renamed function has moved`() throws {
    var draw = Draw(seed: 6)
    func renamed(_ costs: FunctionCosts) -> ComparedRun {
      var changed = FunctionCosts()
      for (function, count) in costs.own {
        changed.add([key("main"), function == key("f1") ? key("g1") : function], count: count)
      }
      return run(changed)
    }
    let base = (0..<8).map { _ in run(draw.run(weights, samples: 5000)) }
    let new = (0..<8).map { _ in renamed(draw.run(weights, samples: 5000)) }

    let check = Check(base: base, new: new)

    #expect(check.findings.first?.movement == Movement(from: key("f1"), to: key("g1")))
    #expect(check.verdict != .regression)
  }

  @Test func `what belongs to the machine is not tested`() {
    let noise = FunctionKey(name: "finish_task_switch", module: "[kernel]")
    func with(_ count: UInt64) -> [ComparedRun] {
      var draw = Draw(seed: 8)
      return (0..<5).map { _ in
        var costs = draw.run(weights, samples: 3000)
        costs.add([noise], count: count)
        return run(costs)
      }
    }

    let check = Check(base: with(100), new: with(400))

    #expect(check.findings.isEmpty)
    #expect(!check.test.results.contains { $0.key == noise })
  }

  @Test func `equal input has an equal result`() {
    let (base, new) = sides(factor: 1.2)
    #expect(Check(base: base, new: new).test.results == Check(base: base, new: new).test.results)
  }
}

@Suite struct AcceptListTests {
  @Test func `entries have a day, a function and a reason`() throws {
    let list = try AcceptList("# known\n\n2026-01-31 std::map<int, int>::at(int) # a larger map\r\n")
    #expect(
      list.entries == [
        AcceptList.Entry(
          line: 3, lastDay: "2026-01-31", function: "std::map<int, int>::at(int)", reason: "a larger map")
      ])
  }

  @Test(arguments: ["f", "2026-1-31 f # r", "2026-13-01 f # r", "2026-01-01 f", "2026-01-01 f #", "2026-01-01  # r"])
  func `a line of another form is an error with its number`(line: String) {
    #expect(throws: AcceptList.Malformed(line: 2)) { try AcceptList("\n" + line) }
  }
}
