import Comparison
import Testing

@Suite struct RegressionTestTests {
  private let weights = [30.0, 20, 15, 10, 8, 5, 4, 3, 2, 1.5, 1, 0.5]

  private func compare(_ seed: UInt64, changed: (Int, Double)? = nil, runs: Int = 8, samples: Int = 3000)
    -> RegressionTest
  {
    var draw = Draw(seed: seed)
    var after = weights
    if let (index, factor) = changed { after[index] *= factor }
    let base = (0..<runs).map { _ in draw.run(weights, samples: samples) }
    let new = (0..<runs).map { _ in draw.run(after, samples: samples) }
    return RegressionTest(base: base, new: new)
  }

  @Test func `equal programs raise an alarm in one of a hundred comparisons at most`() {
    let alarms = (0..<200).count { compare(UInt64($0) + 1).results.contains { $0.isRegression } }
    #expect(alarms <= 2)
  }

  @Test func `a function that is noisier than all others raises no more alarms`() {
    // The share of f3, 10 %, varies by 10 % from run to run: four times the variance of 3,000 samples' chance.
    let alarms = (0..<200).count { seed in
      var draw = Draw(seed: UInt64(seed) + 5000)
      func runs() -> [FunctionCosts] {
        (0..<8).map { _ in
          var noisy = weights
          noisy[3] *= 1 + 0.1 * draw.normal()
          return draw.run(noisy, samples: 3000)
        }
      }
      return RegressionTest(base: runs(), new: runs()).results.contains { $0.isRegression }
    }
    #expect(alarms <= 2)
  }

  @Test func `a fifth more of a function of five percent is found by name in four of five comparisons`() {
    let found = (0..<40).count { seed in
      let regressions = compare(UInt64(seed) + 1000, changed: (5, 1.25)).results.filter(\.isRegression)
      return regressions.map(\.key) == [key("f5")]
    }
    #expect(found >= 32)
  }

  @Test func `one function's growth does not make the others faster, or its gain the others slower`() {
    let faster = compare(7, changed: (0, 0.5))
    #expect(!faster.results.contains { $0.isRegression })
    #expect(abs(faster.commonFactor - 1 / 0.85) < 0.03)
  }

  @Test func `growth below the limits is no regression, however sure it is`() {
    var limits = RegressionTest.Limits()
    limits.growth = 0.5
    var draw = Draw(seed: 3)
    var after = weights
    after[0] *= 1.3
    let base = (0..<8).map { _ in draw.run(weights, samples: 3000) }
    let new = (0..<8).map { _ in draw.run(after, samples: 3000) }
    #expect(RegressionTest(base: base, new: new).results.contains { $0.isRegression })
    #expect(!RegressionTest(base: base, new: new, limits: limits).results.contains { $0.isRegression })
  }

  @Test func `a new function is a regression from nothing`() throws {
    var draw = Draw(seed: 5)
    let base = (0..<5).map { _ in draw.run(weights, samples: 3000) }
    let new = (0..<5).map { _ in draw.run(weights + [5], samples: 3000) }
    let result = try #require(RegressionTest(base: base, new: new).results.first { $0.key == key("f12") })
    #expect(result.isRegression)
    #expect(result.base.samples == 0)
  }

  @Test func `what could not have been seen is said`() throws {
    let few = compare(9, runs: 2, samples: 500).results
    let many = compare(9, runs: 8, samples: 3000).results
    let small = try #require(few.first { $0.key == key("f3") })
    let large = try #require(many.first { $0.key == key("f3") })
    #expect(large.detectable < small.detectable)
    #expect((large.lowestGrowth...large.highestGrowth).contains(large.growth))
    #expect(large.highestGrowth - large.lowestGrowth < small.highestGrowth - small.lowestGrowth)
  }

  @Test func `one run a side is judged with more doubt`() {
    var draw = Draw(seed: 11)
    let base = [draw.run(weights, samples: 3000)]
    let new = [draw.run(weights, samples: 3000)]
    let results = RegressionTest(base: base, new: new).results
    #expect(results.allSatisfy { $0.dispersion == 2 })
  }

  /// Runs whose samples weigh whatever perf's `freq` mode makes of them: about a million each.
  private func weighted(_ draw: inout Draw, _ weights: [Double], samples: Int) -> FunctionCosts {
    var costs = FunctionCosts()
    // In the same order in every run of the test: what is drawn for a function depends on its turn.
    for (key, count) in draw.run(weights, samples: samples).own.sorted(by: { $0.key.name < $1.key.name }) {
      let weight = (0..<count).reduce(UInt64(0)) { sum, _ in sum + 500_000 + draw.next() % 1_000_000 }
      costs.add([key], count: weight)
    }
    return costs
  }

  @Test func `weights of any size are tested by what the runs show, and equal programs raise no more alarms`() {
    var alarms = 0
    var found = 0
    for seed in 0..<100 {
      var draw = Draw(seed: UInt64(seed) + 9000)
      var after = weights
      after[1] *= 1.5
      let sides = (0..<3).map { side in (0..<6).map { _ in weighted(&draw, side == 2 ? after : weights, samples: 800) }
      }
      func regressions(_ new: [FunctionCosts]) -> [FunctionKey] {
        RegressionTest(base: sides[0], new: new, isCounted: false).results.filter(\.isRegression).map(\.key)
      }
      alarms += regressions(sides[1]).isEmpty ? 0 : 1
      found += regressions(sides[2]) == [FunctionKey(name: "f1", module: "bench")] ? 1 : 0
    }
    #expect(alarms <= 1)
    // As numbers of samples, each of these comparisons would have alarms.
    #expect(found >= 80)
  }

  @Test func `so many runs would do as are said to`() throws {
    var draw = Draw(seed: 14)
    func runs(_ count: Int) -> [FunctionCosts] { (0..<count).map { _ in draw.run(weights, samples: 1000) } }
    let few = RegressionTest(base: runs(4), new: runs(4))
    let result = try #require(few.results.first { $0.key == key("f2") })
    let needed = try #require(few.runs(toSee: 0.2, of: result, repeating: .bothSides))
    #expect(result.detectable > 0.2)

    let many = RegressionTest(base: runs(needed), new: runs(needed))
    let seen = try #require(many.results.first { $0.key == key("f2") })
    #expect(abs(seen.detectable - 0.2) < 0.03)
    // The base's own chance stays, however many runs of the new side there are.
    #expect(few.runs(toSee: 0.05, of: result, repeating: .newSide) == nil)
  }

  @Test func `nothing to compare is no result`() {
    #expect(RegressionTest(base: [], new: []).results.isEmpty)
    #expect(RegressionTest(base: [FunctionCosts()], new: [FunctionCosts()]).results.isEmpty)
  }
}

@Suite struct FunctionCostsTests {
  @Test func `a recursion counts once a stack, and calls itself not`() {
    var costs = FunctionCosts()
    costs.add([key("main"), key("f"), key("f"), key("f")], count: 4)
    costs.add([key("main"), key("g"), key("f")], count: 1)
    #expect(costs.own == [key("f"): 5])
    #expect(costs.inclusive == [key("main"): 5, key("f"): 5, key("g"): 1])
    #expect(costs.total == 5)
    #expect(costs.callers[key("f")]?[key("f")] == nil)
    #expect(costs.callers[key("f")]?[key("g")] == 1)
  }
}
