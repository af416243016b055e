import ProfileModel
import Rendering
import Testing

@Suite struct FlameGraphLayoutTests {
  @Test func `siblings stand in the order of their names, each as wide as its weight`() {
    var builder = ProfileBuilder()
    builder.add(["main", "zeta"], count: 30)
    builder.add(["main", "alpha"], count: 50)
    builder.add(["main"], count: 20)
    let layout = FlameGraphLayout(CallTree(builder.profile))
    #expect(layout.boxes.map(\.label.name) == ["all", "bench", "main", "alpha", "zeta"])
    #expect(layout.boxes.map(\.start) == [0, 0, 0, 0, 50])
    #expect(layout.boxes.map(\.total) == [100, 100, 100, 50, 30])
    #expect(layout.boxes.map(\.own) == [0, 0, 20, 50, 30])
    #expect(layout.boxes.map(\.depth) == [0, 1, 2, 3, 3])
    #expect(layout.rowCount == 4)
  }

  @Test func `a box of exactly the least share is drawn, one below is told of`() {
    var builder = ProfileBuilder()
    builder.add(["main", "big"], count: 1996)
    builder.add(["main", "even"], count: 2)
    builder.add(["main", "small", "smaller"], count: 1)
    builder.add(["main", "tiny"], count: 1)
    let layout = FlameGraphLayout(CallTree(builder.profile))
    #expect(layout.boxes.map(\.label.name) == ["all", "bench", "main", "big", "even"])
    #expect(layout.hiddenWeight == 2)
  }

  @Test func `what is hidden leaves its place empty`() {
    var builder = ProfileBuilder()
    builder.add(["a"], count: 1)
    builder.add(["b"], count: 9)
    let layout = FlameGraphLayout(CallTree(builder.profile), minimumPerMille: 200)
    #expect(layout.boxes.last?.label.name == "b")
    #expect(layout.boxes.last?.start == 1)
  }

  @Test func `a stack of 100,000 frames is laid out`() {
    var builder = ProfileBuilder()
    builder.add([String](repeating: "f", count: 100_000), count: 3)
    let layout = FlameGraphLayout(CallTree(builder.profile))
    #expect(layout.rowCount == 100_002)
    #expect(layout.boxes.last?.total == 3)
  }

  @Test func `boxes lie inside their callers and beside each other`() {
    var generator = SystemRandomNumberGenerator()
    for _ in 0..<50 {
      let layout = FlameGraphLayout(CallTree(Sample.randomProfile(using: &generator)), minimumPerMille: 0)
      #expect(layout.hiddenWeight == 0)
      var callers: [FlameGraphLayout.Box] = []
      var ends = [UInt64](repeating: 0, count: layout.rowCount)
      for box in layout.boxes {
        callers.removeSubrange(box.depth...)
        if let caller = callers.last {
          #expect(box.start >= caller.start && box.start + box.total <= caller.start + caller.total)
        }
        #expect(box.start >= ends[box.depth])
        ends[box.depth] = box.start + box.total
        callers.append(box)
      }
      #expect(layout.boxes.reduce(0) { $0 + $1.own } == layout.total)
    }
  }

  @Test func `an empty profile has no boxes`() {
    let layout = FlameGraphLayout(CallTree(Profile()))
    #expect(layout.boxes.isEmpty)
    #expect(layout.total == 0)
  }

  @Test func `the hottest functions are named by their own weight, in all places together`() {
    let layout = FlameGraphLayout(CallTree(Sample.profile))
    #expect(layout.hottest.map(\.own) == [412, 260, 95, 88, 70])
    #expect(layout.hottest.map(\.label.name).prefix(2) == ["square", "fib"])
  }
}
