import ProfileModel

/// The form in which a prefix tree is stored: about two bytes a node.
///
/// The nodes come in the order of their indices, in runs. A run is a node and the nodes after it that are each the
/// child of the one before: what one new stack adds to the tree. All numbers are varints (see `VarintWriter`):
///
///     tree   = run*                          until the end of the bytes
///     run    = back length frame{length}     length >= 1
///     back   = 0 when the first node of the run has no parent,
///              else its own index minus its parent's index, >= 1
///     frame  = index into the task's frames
enum StackTreeCoding {
  static func encode(_ tree: StackTree) -> [UInt8] {
    let nodes = tree.nodes
    var writer = VarintWriter(capacity: nodes.count * 5 / 2)
    var start = 0
    while start < nodes.count {
      var end = start + 1
      while end < nodes.count, Int(nodes[end].parent) == end - 1 { end += 1 }
      let parent = Int(nodes[start].parent)
      writer.append(UInt64(parent < 0 ? 0 : start - parent))
      writer.append(UInt64(end - start))
      for node in nodes[start..<end] { writer.append(UInt64(node.frame)) }
      start = end
    }
    return writer.bytes
  }

  /// - Parameter frameCount: the number of the task's frames, which every frame index is below.
  /// - Complexity: O(bytes), whatever lengths the bytes claim.
  static func decode(_ bytes: [UInt8], frameCount: Int) throws(VarintReader.Malformed) -> StackTree {
    var reader = VarintReader(bytes)
    var nodes: [StackTree.Node] = []
    // A node takes one byte at least.
    nodes.reserveCapacity(bytes.count)
    while !reader.isAtEnd {
      let back = try reader.next(atMost: nodes.count)
      var parent = back == 0 ? -1 : Int32(nodes.count - back)
      let length = try reader.next(atMost: Int(Int32.max) - nodes.count)
      guard length > 0 else { throw reader.malformed }
      for _ in 0..<length {
        let frame = try reader.next(atMost: Int(Int32.max))
        guard frame < frameCount else { throw reader.malformed }
        nodes.append(StackTree.Node(parent: parent, frame: Int32(frame)))
        parent = Int32(nodes.count - 1)
      }
    }
    guard let tree = StackTree(nodes: nodes) else { throw reader.malformed }
    return tree
  }
}
