import ProfileModel

/// What a stack of a file counts: a number that may have a fraction.
struct ExactCount {
  /// Billionths: what is finer is rounded.
  static let fractionDigits = 9
  static let fractionScale: UInt64 = 1_000_000_000

  var whole: UInt64
  /// In billionths of one.
  var fraction: UInt32 = 0

  static let zero = ExactCount(whole: 0)
  var isZero: Bool { whole == 0 && fraction == 0 }

  /// The count in units of which `scale` make one, rounded half up; nil where that does not fit.
  func scaled(by scale: UInt64) -> UInt64? {
    let (product, overflow) = whole.multipliedReportingOverflow(by: scale)
    let part = (UInt64(fraction) * scale + Self.fractionScale / 2) / Self.fractionScale
    let (sum, isTooLarge) = product.addingReportingOverflow(part)
    return overflow || isTooLarge ? nil : sum
  }

  static func + (left: ExactCount, right: ExactCount) -> ExactCount {
    let fraction = UInt64(left.fraction) + UInt64(right.fraction)
    return ExactCount(
      whole: left.whole &+ right.whole &+ fraction / fractionScale, fraction: UInt32(fraction % fractionScale))
  }
}

/// Many stacks of numbered frames, packed, until they become a prefix tree.
///
/// A prefix tree that grows stack by stack needs a table of all its edges. Sorted stacks need none: what a stack shares
/// with the one before is what it shares with the tree.
struct StackPile {
  /// The frames of a stack at most. What shows stacks goes down them step by step.
  static let maximumDepth = 1 << 17

  /// Frames of all stacks, root first, in blocks of one size: an array that grows would be copied, and be there twice.
  private var blocks: [[Int32]] = []
  private var starts: [StackStart] = []
  private static let blockSize = 1 << 18
  /// From this many stacks on, equal ones are put together, so that a file that repeats itself takes little memory.
  private var compactionCount = 1 << 22

  /// 24 bytes: a file has millions.
  private struct StackStart {
    let block: Int32
    let offset: Int32
    let length: Int32
    private var fraction: UInt32
    private var whole: UInt64

    init(block: Int32, offset: Int32, length: Int32, count: ExactCount) {
      (self.block, self.offset, self.length) = (block, offset, length)
      (fraction, whole) = (count.fraction, count.whole)
    }

    var count: ExactCount {
      get { ExactCount(whole: whole, fraction: fraction) }
      set { (whole, fraction) = (newValue.whole, newValue.fraction) }
    }
  }

  /// Adds a stack, root first; one without frames is left out.
  mutating func add(_ frames: [Int32], count: ExactCount) {
    guard !frames.isEmpty else { return }
    if starts.count >= compactionCount { compact() }
    append(frames[...], count: count)
  }

  private mutating func append(_ frames: ArraySlice<Int32>, count: ExactCount) {
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

  private mutating func compact() {
    sort()
    let old = self
    (blocks, starts) = ([], [])
    var previous: ArraySlice<Int32> = []
    for start in old.starts {
      let frames = old.frames(of: start)
      if !starts.isEmpty, frames == previous {
        starts[starts.count - 1].count = starts[starts.count - 1].count + start.count
      } else {
        append(frames, count: start.count)
      }
      previous = frames
    }
    compactionCount = max(compactionCount, starts.count * 2)
  }

  /// The stacks as a tree, and the values of those that are equal as one. Counts must fit when summed up.
  consuming func tree() -> (tree: StackTree, values: [(stack: Int32, count: ExactCount)]) {
    sort()
    var tree = StackTree()
    // As it grew, it would be copied, and be there twice.
    tree.reserveCapacity(nodeCount)
    var values: [(stack: Int32, count: ExactCount)] = []
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
        values[values.count - 1].count = last.count + start.count
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
