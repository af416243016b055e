import ProfileModel
import Testing

@testable import Rendering

@Suite struct CallTreeTests {
  @Test func `frames of one function at different addresses merge`() {
    var builder = ProfileBuilder()
    builder.add([Frame(function: "main", address: 1), Frame(function: "f", address: 5)], count: 2)
    builder.add([Frame(function: "main", address: 2), Frame(function: "f", address: 6)], count: 3)
    let tree = CallTree(builder.profile)
    #expect(names(tree) == ["all", "bench", "main", "f"])
    #expect(tree.nodes.map(\.total) == [5, 5, 5, 5])
    #expect(tree.nodes.map(\.own) == [0, 0, 0, 5])
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
    #expect(tree.nodes.map(\.total) == [7, 3, 3, 4, 4])
  }

  @Test func `a tree of random stacks is that of a naive merge`() {
    var generator = SystemRandomNumberGenerator()
    for _ in 0..<100 {
      let profile = Sample.randomProfile(using: &generator)
      for root in [CallTree.Root.none, .process, .thread] {
        let tree = CallTree(profile, root: root, measure: .nanoseconds)
        #expect(paths(tree) == naivePaths(profile, root: root))
        #expect(tree.nodes[0].total == profile.total.nanoseconds)
        #expect(tree.nodes.reduce(0) { $0 + $1.own } == profile.total.nanoseconds)
        #expect(tree.ownOfLabel.reduce(0, +) == profile.total.nanoseconds)
      }
    }
  }

  @Test func `what a minimum leaves is the whole tree without its light nodes`() {
    var generator = SystemRandomNumberGenerator()
    for _ in 0..<50 {
      let profile = Sample.randomProfile(using: &generator)
      let whole = CallTree(profile)
      let least = CallTreeBuilder.leastWeight(100_000, of: whole.total)

      let part = CallTree(profile, minimumPerMillion: 100_000)

      let heavy = whole.nodes.filter { $0.total >= least || $0.parent < 0 }
      #expect(part.nodes.map(\.start) == heavy.map(\.start))
      #expect(part.nodes.map(\.label) == heavy.map(\.label))
      #expect(part.nodes.map(\.own) == heavy.map(\.own))
      #expect(part.ownOfLabel == whole.ownOfLabel)
    }
  }

  @Test func `a tree that is pruned is the one that was grown with that minimum`() {
    var generator = SystemRandomNumberGenerator()
    for _ in 0..<50 {
      let profile = Sample.randomProfile(using: &generator)
      let grown = CallTree(profile, root: .thread, minimumPerMillion: 50_000)

      let pruned = CallTree(profile, root: .thread, minimumPerMillion: 100).pruned(minimumPerMillion: 50_000)

      #expect(pruned.nodes.map(\.parent) == grown.nodes.map(\.parent))
      #expect(pruned.nodes.map(\.label) == grown.nodes.map(\.label))
      #expect(pruned.nodes.map(\.start) == grown.nodes.map(\.start))
      #expect(pruned.nodes.map(\.total) == grown.nodes.map(\.total))
      #expect(pruned.nodes.map(\.own) == grown.nodes.map(\.own))
    }
  }

  @Test func `microseconds are rounded once, when a sum is shown`() {
    var profile = Profile(
      frames: [Frame(function: "f", address: 1), Frame(function: "f", address: 2)],
      threads: [.named("a")])
    var stacks = StackTreeBuilder()
    for frame in 0..<2 {
      let stack = stacks.insert([frame]) ?? -1
      profile.values.append(
        Profile.Value(thread: 0, stack: stack, weight: Weight(count: 1, nanoseconds: 600)))
    }
    profile.stacks = stacks.tree
    #expect(CallTree(profile, measure: .microseconds).total(of: 2) == 1)
  }

  /// Every node by the names on the way to it, with its weight and place.
  private func paths(_ tree: CallTree) -> [[String]: [UInt64]] {
    var names: [[String]] = []
    var result: [[String]: [UInt64]] = [:]
    for (index, node) in tree.nodes.enumerated() {
      names.append((node.parent < 0 ? [] : names[Int(node.parent)]) + [key(tree.label(of: index))])
      result[names[index]] = [node.total, node.own]
    }
    #expect(result.count == tree.nodes.count)
    return result
  }

  private func naivePaths(_ profile: Profile, root: CallTree.Root) -> [[String]: [UInt64]] {
    var result: [[String]: [UInt64]] = [[key(.all)]: [0, 0]]
    for value in profile.values {
      let thread = profile.threads[value.thread]
      var path = [key(.all)]
      if root != .none { path.append(key(FrameLabel(name: thread.processName, kind: .process))) }
      if root == .thread { path.append(key(FrameLabel(name: thread.name, kind: .thread))) }
      path += profile.stacks.path(to: value.stack).map { frame in
        key(FrameLabel(profile.frames[frame], module: profile.moduleName(of: profile.frames[frame])))
      }
      for length in 1...path.count {
        result[Array(path.prefix(length)), default: [0, 0]][0] += value.weight.nanoseconds
      }
      result[path, default: [0, 0]][1] += value.weight.nanoseconds
    }
    return result.filter { $0.value[0] > 0 || $0.key.count == 1 }
  }

  private func key(_ label: FrameLabel) -> String { "\(label)" }

  @Test func `an empty profile has nothing but the root`() {
    let tree = CallTree(Profile())
    #expect(names(tree) == ["all"])
    #expect(tree.nodes[0].total == 0)
  }

  private func names(_ tree: CallTree) -> [String] { tree.nodes.indices.map { tree.label(of: $0).name } }
}
