import ProfileModel
import Rendering
import Testing

@Suite struct FunctionTotalsTests {
  @Test func `a recursive function counts once a stack`() throws {
    var builder = ProfileBuilder()
    builder.add(["main", "f", "g", "f", "f"], count: 4)
    builder.add(["main", "g", "f"], count: 2)
    builder.add(["main"], count: 1)
    let totals = FunctionTotals(builder.profile)
    #expect(try function("f", totals).total == 6)
    #expect(try function("f", totals).own == 6)
    #expect(try function("g", totals).total == 6)
    #expect(try function("main", totals).total == 7)
    #expect(try function("main", totals).own == 1)
  }

  @Test func `inlined copies count with their function`() throws {
    var builder = ProfileBuilder()
    builder.add([Frame(function: "main"), Frame(function: "f", isInlined: true)], count: 2)
    builder.add([Frame(function: "main"), Frame(function: "f", address: 9)], count: 3)
    #expect(try function("f", FunctionTotals(builder.profile)).own == 5)
  }

  @Test func `marks are no functions of the total table but stay in the sums`() {
    var builder = ProfileBuilder()
    builder.add([.truncated(.tooDeep)], count: 3)
    builder.add([.truncated(.tooDeep), Frame(function: "f")], count: 1)
    let totals = FunctionTotals(builder.profile)
    #expect(totals.hottestByTotal(limit: 10).map(\.name) == ["f"])
    #expect(totals.hottestByOwn(limit: 10).map(\.name) == ["[truncated: too deep]", "f"])
    #expect(totals.total == 4)
  }

  @Test func `the share of complete user stacks leaves kernel threads out`() {
    var builder = ProfileBuilder()
    builder.add([Frame(function: "kthread", origin: .kernel)], count: 50)
    builder.add([.truncated(.tooDeep), Frame(function: "f")], count: 1)
    builder.add([Frame(function: "main"), Frame(function: "write", origin: .kernel)], count: 3)
    let totals = FunctionTotals(builder.profile)
    #expect(totals.userStacks == 4)
    #expect(totals.completeUserStacks == 3)
  }

  @Test func `totals agree with counting function by function`() {
    var generator = SystemRandomNumberGenerator()
    for _ in 0..<50 {
      let profile = Sample.randomProfile(using: &generator)
      let totals = FunctionTotals(profile)
      #expect(totals.functions.reduce(0) { $0 + $1.own } == profile.total.count)
      for function in totals.functions {
        let expected = profile.values.filter { value in
          profile.stacks.path(to: value.stack).contains { index in
            let frame = profile.frames[index]
            return frame.function == function.name && frame.origin == function.origin
              && profile.moduleName(of: frame).map(String.init) == function.module
          }
        }.reduce(0) { $0 + $1.weight.count }
        #expect(function.total == expected)
      }
    }
  }

  @Test func `functions of equal weight stand in the order of their names`() {
    var builder = ProfileBuilder()
    for name in ["c", "a", "b"] { builder.add([name], count: 1) }
    #expect(FunctionTotals(builder.profile).hottestByOwn(limit: 2).map(\.name) == ["a", "b"])
  }

  private func function(_ name: String, _ totals: FunctionTotals) throws -> FunctionTotals.Function {
    try #require(totals.functions.first { $0.name == name })
  }
}
