import ProfileModel

/// The form in which the weights of one thread's stacks are stored: about four bytes a stack.
///
/// Stacks come in ascending order; one with several label sets comes once for each. All numbers are varints (see `VarintWriter`); `excess` is zigzag-coded and, like the
/// product, wraps around at 64 bits. On-CPU time is always count x period, so that its excess is one zero byte.
///
///     weights = period weight*               until the end of the bytes
///     period  = ns of one count, chosen by the writer
///     weight  = step count excess
///     step    = the stack's node minus that of the weight before, which is 0 at the start
///     excess  = ns - count x period
enum WeightCoding {
  struct Entry: Equatable {
    let stack: Int32
    var labels: Int32 = 0
    let weight: Weight
    var extremes: ClosedRange<UInt64>?

    /// The order of entries in the store: by stack, then by labels.
    static func precedes(_ left: Entry, _ right: Entry) -> Bool {
      (left.stack, left.labels) < (right.stack, right.labels)
    }
  }

  static func encode(_ entries: [Entry]) -> [UInt8] {
    // The times of a thread have one period, or none: any of them shows it.
    let sample = entries.first?.weight ?? .zero
    let period = sample.count == 0 ? 0 : sample.nanoseconds / sample.count
    var writer = VarintWriter(capacity: 10 + entries.count * 4)
    writer.append(period)
    var previous: Int32 = 0
    for entry in entries.sorted(by: Entry.precedes) {
      precondition(entry.stack >= 0, "a value belongs to a node of the tree")
      writer.append(UInt64(entry.stack - previous))
      writer.append(entry.weight.count)
      writer.append(difference: entry.weight.nanoseconds &- entry.weight.count &* period)
      previous = entry.stack
    }
    return writer.bytes
  }

  /// - Parameter nodeCount: the number of the tree's nodes, which every stack is below.
  static func decode(_ bytes: [UInt8], nodeCount: Int) throws(VarintReader.Malformed) -> [Entry] {
    var reader = VarintReader(bytes)
    let period = try reader.next()
    var entries: [Entry] = []
    var stack = 0
    while !reader.isAtEnd {
      stack += try reader.next(atMost: nodeCount - 1 - stack)
      guard stack < nodeCount else { throw reader.malformed }
      let count = try reader.next()
      let excess = try reader.nextDifference()
      let weight = Weight(count: count, nanoseconds: count &* period &+ excess)
      entries.append(Entry(stack: Int32(stack), weight: weight))
    }
    return entries
  }
}

/// The form in which the shortest and the longest wait of each weight are stored, in the order of the weights.
///
///     extremes = (shortest difference)*      varints, ns; as many as there are weights
enum ExtremesCoding {
  /// - Returns: nil where a weight has none.
  static func encode(_ entries: [WeightCoding.Entry]) -> [UInt8]? {
    var writer = VarintWriter(capacity: entries.count * 6)
    for entry in entries.sorted(by: WeightCoding.Entry.precedes) {
      guard let extremes = entry.extremes else { return nil }
      writer.append(extremes.lowerBound)
      writer.append(extremes.upperBound - extremes.lowerBound)
    }
    return writer.bytes
  }

  static func decode(_ bytes: [UInt8], into entries: inout [WeightCoding.Entry]) throws(VarintReader.Malformed) {
    var reader = VarintReader(bytes)
    for index in entries.indices {
      let shortest = try reader.next()
      let (longest, overflow) = shortest.addingReportingOverflow(try reader.next())
      guard !overflow else { throw reader.malformed }
      entries[index].extremes = shortest...longest
    }
    guard reader.isAtEnd else { throw reader.malformed }
  }
}

/// The form in which the label sets of each weight are stored, in the order of the weights.
///
///     labels = number*                       varints; as many as there are weights
///     number = of a row of `label_set`, from 1, or 0 for no labels
enum LabelCoding {
  /// - Returns: nil where no weight has labels.
  static func encode(_ entries: [WeightCoding.Entry]) -> [UInt8]? {
    guard entries.contains(where: { $0.labels != 0 }) else { return nil }
    var writer = VarintWriter(capacity: entries.count)
    for entry in entries.sorted(by: WeightCoding.Entry.precedes) { writer.append(UInt64(entry.labels)) }
    return writer.bytes
  }

  /// - Parameter setCount: the number of the task's label sets, which no number is above.
  static func decode(
    _ bytes: [UInt8], setCount: Int, into entries: inout [WeightCoding.Entry]
  ) throws(VarintReader.Malformed) {
    var reader = VarintReader(bytes)
    for index in entries.indices { entries[index].labels = Int32(try reader.next(atMost: setCount)) }
    guard reader.isAtEnd else { throw reader.malformed }
  }
}
