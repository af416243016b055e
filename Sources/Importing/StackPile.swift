import ProfileModel

/// Many stacks of numbered frames, packed, until they become a prefix tree.
///
/// A prefix tree that grows stack by stack needs a table of all its edges. Sorted stacks need none: what a stack shares
/// with the one before is what it shares with the tree.
struct StackPile {
  /// Frames of all stacks, root first, in blocks of one size: an array that grows would be copied, and be there twice.
  private var blocks: [[Int32]] = []
  private var starts: [StackStart] = []
  private static let blockSize = 1 << 18

  private struct StackStart {
    let block: Int32
    let offset: Int32
    let length: Int32
    let count: UInt64
  }

  /// Adds a stack, root first; one without frames is left out.
  mutating func add(_ frames: [Int32], count: UInt64) {
    guard !frames.isEmpty else { return }
    if blocks.isEmpty || blocks[blocks.count - 1].count + frames.count > Self.blockSize {
      var block: [Int32] = []
      block.reserveCapacity(max(Self.blockSize, frames.count))
      blocks.append(block)
    }
    let last = blocks.count - 1
    starts.append(
      StackStart(
        block: Int32(last), offset: Int32(blocks[last].count), length: Int32(frames.count), count: count))
    blocks[last] += frames
  }

  var isEmpty: Bool { starts.isEmpty }

  /// The stacks as a tree, and the values of those that are equal as one. Counts must fit when summed up.
  ///
  /// - Parameter ranks: the order of siblings, by frame.
  consuming func tree() -> (tree: StackTree, values: [(stack: Int32, count: UInt64)]) {
    sort()
    var tree = StackTree()
    // As it grew, it would be copied, and be there twice.
    tree.reserveCapacity(nodeCount)
    var values: [(stack: Int32, count: UInt64)] = []
    values.reserveCapacity(starts.count)
    // The nodes of the stack before, root first.
    var path: [Int32] = []
    var previous: ArraySlice<Int32> = []
    for start in starts {
      let frames = frames(of: start)
      let shared = sharedLength(previous, frames)
      path.removeSubrange(shared...)
      for frame in frames.dropFirst(shared) {
        path.append(tree.append(StackTree.Node(parent: path.last ?? -1, frame: frame)))
      }
      let node = path[path.count - 1]
      if let last = values.last, last.stack == node {
        values[values.count - 1].count += start.count
      } else {
        values.append((node, start.count))
      }
      previous = frames
    }
    return (tree, values)
  }

  private func sharedLength(_ left: ArraySlice<Int32>, _ right: ArraySlice<Int32>) -> Int {
    unsafe left.withUnsafeBufferPointer { left in
      unsafe right.withUnsafeBufferPointer { right in
        var length = 0
        let limit = min(left.count, right.count)
        while length < limit, unsafe left[length] == right[length] { length += 1 }
        return length
      }
    }
  }

  /// The nodes of the tree of the stacks, which are in order.
  private var nodeCount: Int {
    var count = 0
    var previous: ArraySlice<Int32> = []
    for start in starts {
      let frames = frames(of: start)
      count += frames.count - sharedLength(previous, frames)
      previous = frames
    }
    return count
  }

  private func frames(of start: StackStart) -> ArraySlice<Int32> {
    blocks[Int(start.block)][Int(start.offset)..<Int(start.offset) + Int(start.length)]
  }

  private mutating func sort() {
    let blocks = blocks
    starts.sort { left, right in
      let length = Int(min(left.length, right.length))
      return unsafe blocks[Int(left.block)].withUnsafeBufferPointer { leftBlock in
        unsafe blocks[Int(right.block)].withUnsafeBufferPointer { rightBlock in
          var leftIndex = Int(left.offset)
          var rightIndex = Int(right.offset)
          let end = leftIndex + length
          while leftIndex < end {
            let (a, b) = unsafe (leftBlock[leftIndex], rightBlock[rightIndex])
            if a != b { return a < b }
            leftIndex += 1
            rightIndex += 1
          }
          return left.length < right.length
        }
      }
    }
  }
}
