import ProfileModel
import Testing

@Suite struct StackTreeTests {
  @Test func `equal stacks share one node`() {
    var builder = StackTreeBuilder()
    let first = builder.insert([1, 2, 3])
    let second = builder.insert([1, 2, 3])
    #expect(first == second)
    #expect(builder.tree.nodes.count == 3)
  }

  @Test func `stacks share the nodes of their common callers only`() {
    var builder = StackTreeBuilder()
    _ = builder.insert([1, 2, 3])
    _ = builder.insert([1, 2, 4])
    _ = builder.insert([5, 2, 3])
    #expect(builder.tree.nodes.count == 7)
  }

  @Test func `a path leads from the root to the leaf`() throws {
    var builder = StackTreeBuilder()
    _ = builder.insert([9, 8])
    let inserted = builder.insert([9, 7, 7, 6])
    let stack = try #require(inserted)
    #expect(builder.tree.path(to: stack) == [9, 7, 7, 6])
  }

  @Test func `an empty stack has no node`() {
    var builder = StackTreeBuilder()
    #expect(builder.insert([]) == nil)
    #expect(builder.tree.nodes.isEmpty)
  }

  @Test func `a recursive frame is a node at each depth`() {
    var builder = StackTreeBuilder()
    _ = builder.insert([4, 4, 4])
    #expect(builder.tree.nodes.map(\.parent) == [-1, 0, 1])
  }

  @Test func `every stack that was inserted comes back, whatever the order`() {
    var generator = SystemRandomNumberGenerator()
    for _ in 0..<50 {
      let stacks = (0..<40).map { _ in
        (0..<Int.random(in: 1...12, using: &generator)).map { _ in Int.random(in: 0..<4, using: &generator) }
      }
      var builder = StackTreeBuilder()
      let nodes = stacks.compactMap { builder.insert($0) }
      #expect(nodes.count == stacks.count)
      for (stack, node) in zip(stacks, nodes) { #expect(builder.tree.path(to: node) == stack) }
      #expect(StackTree(nodes: builder.tree.nodes) == builder.tree)
    }
  }

  @Test func `stored nodes are adopted when every parent precedes its child`() {
    let nodes = [StackTree.Node(parent: -1, frame: 0), .init(parent: 0, frame: 1), .init(parent: 0, frame: 0)]
    #expect(StackTree(nodes: nodes)?.nodes == nodes)
  }

  @Test(arguments: [
    StackTree.Node(parent: 1, frame: 0), StackTree.Node(parent: 2, frame: 0), StackTree.Node(parent: -2, frame: 0),
    StackTree.Node(parent: 0, frame: -1),
  ])
  func `stored nodes with a broken reference are refused`(node: StackTree.Node) {
    #expect(StackTree(nodes: [StackTree.Node(parent: -1, frame: 0), node]) == nil)
  }

  @Test func `a node cannot be its own parent`() {
    #expect(StackTree(nodes: [StackTree.Node(parent: 0, frame: 0)]) == nil)
  }
}
