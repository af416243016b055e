// Truth: generic code, closures and reference counting as Swift programs have them, below `Tree.insert`.
// Usage: closures. Prints "ready"; ends by itself after 120 s.
import Glibc

final class Tree<Key: Comparable> {
  private final class Node {
    let key: Key
    var left: Node?
    var right: Node?
    init(_ key: Key) { self.key = key }
  }

  private var root: Node?

  @inline(never) func insert(_ key: Key) {
    func place(_ node: Node?) -> Node {
      guard let node else { return Node(key) }
      if key < node.key { node.left = place(node.left) } else { node.right = place(node.right) }
      return node
    }
    root = place(root)
  }
}

@inline(never) func pseudoRandom(_ x: Int) -> Int { x &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407 }

alarm(120)
print("ready")
fflush(stdout)
var x = 1
while true {
  let tree = Tree<String>()
  let keys = (0..<500).map { _ in
    x = pseudoRandom(x)
    return "key \(x)"
  }
  keys.sorted { $0.hashValue < $1.hashValue }.forEach { tree.insert($0) }
}
