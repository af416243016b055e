import ProfileModel
import Rendering
import Testing

@Suite struct CallTreeTests {
  @Test func `frames of one function at different addresses merge`() {
    var builder = ProfileBuilder()
    builder.add([Frame(function: "main", address: 1), Frame(function: "f", address: 5)], count: 2)
    builder.add([Frame(function: "main", address: 2), Frame(function: "f", address: 6)], count: 3)
    let tree = CallTree(builder.profile)
    #expect(names(tree) == ["all", "bench", "main", "f"])
    #expect(tree.nodes.map(\.total.count) == [5, 5, 5, 5])
    #expect(tree.nodes.map(\.own.count) == [0, 0, 0, 5])
  }

  @Test func `frames that differ in module, origin or inlining stay apart`() {
    var builder = ProfileBuilder()
    let library = builder.module("/lib/x.so")
    builder.add([Frame(function: "f")], count: 1)
    builder.add([Frame(function: "f", module: library)], count: 1)
    builder.add([Frame(function: "f", origin: .kernel)], count: 1)
    builder.add([Frame(function: "f", isInlined: true)], count: 1)
    #expect(names(CallTree(builder.profile)) == ["all", "bench", "f", "f", "f", "f"])
  }

  @Test func `processes of one name merge, those of other names do not`() {
    var builder = ProfileBuilder()
    let second = ProfiledThread(
      process: ProcessID(rawValue: 7), thread: ThreadID(rawValue: 7), processName: "a", name: "a")
    builder.add(["f"], count: 1, thread: .named("a"))
    builder.add(["f"], count: 2, thread: second)
    builder.add(["f"], count: 4, thread: .named("b", id: 8))
    let tree = CallTree(builder.profile)
    #expect(names(tree) == ["all", "a", "f", "b", "f"])
    #expect(tree.nodes.map(\.total.count) == [7, 3, 3, 4, 4])
  }

  @Test func `a tree of random stacks keeps both measures of the profile`() {
    var generator = SystemRandomNumberGenerator()
    for _ in 0..<50 {
      let profile = Sample.randomProfile(using: &generator)
      for perThread in [false, true] {
        let tree = CallTree(profile, root: perThread ? .thread : .process)
        #expect(tree.nodes[0].total == profile.total)
        #expect(tree.nodes.reduce(into: Weight.zero) { $0 += $1.own } == profile.total)
      }
    }
  }

  @Test func `an empty profile has nothing but the root`() {
    let tree = CallTree(Profile())
    #expect(names(tree) == ["all"])
    #expect(tree.nodes[0].total == .zero)
  }

  private func names(_ tree: CallTree) -> [String] { tree.nodes.map { tree.labels[$0.label].name } }
}
