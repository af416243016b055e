import ProfileModel
import Testing

@testable import Rendering

@Suite struct DiffTreeTests {
  @Test func `every node of either side is there once, with what it weighs on both`() {
    var base = ProfileBuilder()
    base.add(["main", "a"], count: 3)
    base.add(["main", "gone"], count: 4)
    var new = ProfileBuilder()
    new.add(["main", "a"], count: 5)
    new.add(["main", "came"], count: 2)

    let tree = DiffTree(base: base.profile, new: new.profile, root: .none)

    #expect(tree.nodes.map(\.label.name) == ["all", "main", "a", "came", "gone"])
    #expect(tree.nodes.map(\.base.total) == [7, 7, 3, 0, 4])
    #expect(tree.nodes.map(\.new.total) == [7, 7, 5, 2, 0])
    #expect(tree.nodes.map(\.depth) == [0, 1, 2, 2, 2])
    #expect(tree.nodes.map(\.parent) == [-1, 0, 1, 1, 1])
  }

  @Test func `the sums of both sides are those of the profiles`() {
    var generator = SystemRandomNumberGenerator()
    for _ in 0..<50 {
      let base = Sample.randomProfile(using: &generator)
      let new = Sample.randomProfile(using: &generator)

      let tree = DiffTree(base: base, new: new, root: .thread)

      #expect(tree.nodes.reduce(0) { $0 + $1.base.own } == base.total.count)
      #expect(tree.nodes.reduce(0) { $0 + $1.new.own } == new.total.count)
      #expect(tree.nodes[0].base.total == base.total.count)
    }
  }
}
