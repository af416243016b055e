import Comparison
import Foundation
import ProfileModel
import Testing

@testable import Rendering

#if canImport(FoundationXML)
  import FoundationXML
#endif

@Suite struct DiffGraphTests {
  private func profiles() -> (base: Profile, new: Profile) {
    var base = ProfileBuilder()
    base.add(["main", "same"], count: 50)
    base.add(["main", "grows"], count: 25)
    base.add(["main", "gone"], count: 25)
    var new = ProfileBuilder()
    new.add(["main", "same"], count: 100)
    new.add(["main", "grows"], count: 80)
    new.add(["main", "came"], count: 20)
    return (base.profile, new.profile)
  }

  @Test func `a frame is as wide as the mean of its shares, and nothing is left out`() {
    let (base, new) = profiles()
    let tree = DiffGraph.tree(base: base, new: new, root: .none, measure: .count)

    #expect(
      tree.nodes.indices.map { tree.label(of: $0).name } == [
        "all", "main", "came +10.00", "gone -25.00", "grows +15.00", "same",
      ])
    #expect(tree.nodes.map { $0.total / 1_000_000 } == [1000, 1000, 50, 125, 325, 500])
    #expect(tree.nodes.map { $0.start / 1_000_000 } == [0, 0, 0, 50, 175, 500])
    #expect(
      tree.nodes.map { FlameColor.styleClass(of: tree.labels[Int($0.label)]).first } == ["a", "s", "o", "b", "o", "s"])
    #expect(tree.label(of: 2).module == "new, 0.00 % -> 10.00 %, +10.00 points, own +10.00, 0 -> 20")
    #expect(tree.label(of: 3).module == "vanished, 25.00 % -> 0.00 %, -25.00 points, own -25.00, 25 -> 0")
  }

  @Test func `a profile without samples is everything new, and two of them nothing`() {
    let (base, _) = profiles()
    let tree = DiffGraph.tree(base: Profile(), new: base, root: .none, measure: .count)
    #expect(tree.label(of: 1).module?.hasPrefix("new, 0.00 % -> 100.00 %") == true)
    let empty = DiffGraph.svg(base: Profile(), new: Profile(), title: "t", subtitle: "s")
    #expect(empty.contains("No samples"))
  }

  @Test func `boxes lie within their callers, whatever was rounded`() {
    var generator = SystemRandomNumberGenerator()
    for _ in 0..<50 {
      let tree = DiffGraph.tree(
        base: Sample.randomProfile(using: &generator), new: Sample.randomProfile(using: &generator), root: .thread,
        measure: .count)
      for node in tree.nodes.dropFirst() {
        let parent = tree.nodes[Int(node.parent)]
        #expect(node.start >= parent.start && node.start + node.total <= parent.start + parent.total)
      }
    }
  }

  @Test func `the drawing and the page are well-formed and name the change`() throws {
    let (base, new) = profiles()
    let svg = DiffGraph.svg(base: base, new: new, title: "a <b>", subtitle: "s")
    #expect(XMLParser(data: Data(svg.utf8)).parse())
    #expect(svg.contains("grows +15.00"))
    let check = try CheckOutputTests.check(name: CheckOutputTests.hostile)
    let page = DiffPage.render(check, base: base, new: new, title: CheckOutputTests.hostile)
    #expect(!page.contains("<script>alert") && page.contains("script-src 'none'"))
    #expect(page.contains("grows +15.00"))
  }
}
