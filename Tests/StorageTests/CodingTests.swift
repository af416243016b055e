import ProfileModel
import Testing

@testable import Storage

@Suite struct VarintTests {
  private static let numbers: [UInt64] = [0, 1, 127, 128, 300, 1 << 35, (1 << 63) - 1, 1 << 63, .max]

  @Test(arguments: numbers)
  func `a number comes back`(number: UInt64) throws {
    var writer = VarintWriter()
    writer.append(number)
    writer.append(difference: number)
    var reader = VarintReader(writer.bytes)
    #expect(try reader.next() == number)
    #expect(try reader.nextDifference() == number)
    #expect(reader.isAtEnd)
  }

  @Test func `a difference near zero takes one byte in either direction`() {
    var writer = VarintWriter()
    for difference: Int64 in [0, -1, 1, 63, -64] { writer.append(difference: UInt64(bitPattern: difference)) }
    #expect(writer.bytes == [0, 1, 2, 126, 127])
  }

  @Test(arguments: [
    [], [0x80], [0xFF, 0xFF], Array(repeating: 0xFF, count: 11), Array(repeating: 0xFF, count: 9) + [2],
  ])
  func `bytes that are no number are refused`(bytes: [UInt8]) {
    var reader = VarintReader(bytes)
    #expect(throws: VarintReader.Malformed(position: min(bytes.count, 10))) { try reader.next() }
  }
}

@Suite struct StackTreeCodingTests {
  @Test func `a chain takes two bytes and its frames`() throws {
    var builder = StackTreeBuilder()
    _ = builder.insert([4, 5, 6])
    _ = builder.insert([4, 9])
    #expect(StackTreeCoding.encode(builder.tree) == [0, 3, 4, 5, 6, 3, 1, 9])
  }

  @Test func `every tree comes back, node for node`() throws {
    var generator = SystemRandomNumberGenerator()
    for _ in 0..<100 {
      let tree = randomTree(nodes: Int.random(in: 0...300, using: &generator), using: &generator)
      #expect(try StackTreeCoding.decode(StackTreeCoding.encode(tree), frameCount: 500) == tree)
    }
  }

  @Test(arguments: [
    ("a parent before the first node", [1, 1, 0]), ("a run without nodes", [0, 0]), ("no frame", [0, 2, 1]),
    ("a frame that is not there", [0, 1, 10]), ("half a number", [0, 1, 0x80]),
    ("a length beyond any memory", [0, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x7F]),
    ("a length beyond the bytes", [0, 0xFF, 0xFF, 0x7F, 1]),
  ])
  func `bytes of another form are refused`(what: String, bytes: [UInt8]) {
    #expect(throws: VarintReader.Malformed.self) { try StackTreeCoding.decode(bytes, frameCount: 10) }
  }

  @Test func `any bytes give a sound tree or an error`() {
    var generator = SystemRandomNumberGenerator()
    for _ in 0..<5_000 {
      let bytes = randomBytes(using: &generator)
      guard let tree = try? StackTreeCoding.decode(bytes, frameCount: 5) else { continue }
      #expect(tree.nodes.count <= bytes.count)
      #expect(tree.nodes.allSatisfy { 0..<5 ~= $0.frame })
    }
  }

  @Test func `a tree that was cut anywhere is an error or the beginning of the tree`() {
    var generator = SystemRandomNumberGenerator()
    let tree = randomTree(nodes: 60, using: &generator)
    let bytes = StackTreeCoding.encode(tree)
    for count in 0..<bytes.count {
      guard let part = try? StackTreeCoding.decode(Array(bytes.prefix(count)), frameCount: 500) else { continue }
      #expect(tree.nodes.starts(with: part.nodes))
    }
  }
}

@Suite struct WeightCodingTests {
  @Test func `times that are the count by a period take one byte`() {
    let entries = (0..<100).map { entry(Int32($0), count: UInt64($0) + 1, nanoseconds: (UInt64($0) + 1) * 10_101_010) }
    // The period takes four bytes.
    #expect(WeightCoding.encode(entries).count == 4 + 3 * 100)
  }

  @Test func `all weights come back, extreme ones too`() throws {
    let extremes: [UInt64] = [0, 1, 9, 1 << 32, .max]
    var entries: [WeightCoding.Entry] = []
    for count in extremes {
      for time in extremes { entries.append(entry(Int32(entries.count) * 1_000, count: count, nanoseconds: time)) }
    }
    for first in entries {
      let order = [first] + entries.filter { $0 != first }
      #expect(try WeightCoding.decode(WeightCoding.encode(order), nodeCount: 30_000) == entries)
    }
  }

  @Test func `a thread without weights comes back without`() throws {
    #expect(try WeightCoding.decode(WeightCoding.encode([]), nodeCount: 0).isEmpty)
  }

  @Test(arguments: [[], [0, 0], [0, 0, 1], [0, 3, 1, 0], [0, 1, 1, 0, 2, 1, 0]] as [[UInt8]])
  func `bytes of another form are refused`(bytes: [UInt8]) {
    #expect(throws: VarintReader.Malformed.self) { try WeightCoding.decode(bytes, nodeCount: 3) }
  }

  @Test func `any bytes give weights of the tree's nodes or an error`() {
    var generator = SystemRandomNumberGenerator()
    for _ in 0..<5_000 {
      let nodeCount = Int.random(in: 0...3, using: &generator)
      guard let entries = try? WeightCoding.decode(randomBytes(using: &generator), nodeCount: nodeCount) else {
        continue
      }
      #expect(entries.allSatisfy { 0..<nodeCount ~= Int($0.stack) })
    }
  }

  private func entry(_ stack: Int32, count: UInt64, nanoseconds: UInt64) -> WeightCoding.Entry {
    WeightCoding.Entry(stack: stack, weight: Weight(count: count, nanoseconds: nanoseconds))
  }
}

/// Bytes that are small numbers more often than chance has it, so that some of them decode.
private func randomBytes(using generator: inout some RandomNumberGenerator) -> [UInt8] {
  let limit: UInt8 = Bool.random(using: &generator) ? 4 : .max
  return (0..<Int.random(in: 0...40, using: &generator)).map { _ in UInt8.random(in: 0...limit, using: &generator) }
}

private func randomTree(nodes count: Int, using generator: inout some RandomNumberGenerator) -> StackTree {
  var tree = StackTree()
  for index in 0..<count {
    let isChain = Int.random(in: 0..<4, using: &generator) > 0
    let parent = isChain ? index - 1 : Int.random(in: -1..<index, using: &generator)
    _ = tree.append(
      StackTree.Node(parent: Int32(parent), frame: Int32.random(in: 0..<500, using: &generator)))
  }
  return tree
}

@Suite struct ExtremesCodingTests {
  private static let entries = [
    WeightCoding.Entry(stack: 9, weight: .zero, extremes: 5...5),
    WeightCoding.Entry(stack: 2, weight: .zero, extremes: 0...UInt64.max),
  ]

  @Test func `extremes come back in the order of the stacks`() throws {
    let bytes = try #require(ExtremesCoding.encode(Self.entries))
    var entries = Self.entries.sorted { $0.stack < $1.stack }
    let expected = entries
    for index in entries.indices { entries[index].extremes = nil }
    try ExtremesCoding.decode(bytes, into: &entries)
    #expect(entries == expected)
  }

  @Test func `a weight without extremes leaves all without`() {
    #expect(ExtremesCoding.encode(Self.entries + [WeightCoding.Entry(stack: 1, weight: .zero)]) == nil)
  }

  @Test(arguments: [[], [1], [1, 1, 1], [1, 1, 1, 1, 1]])
  func `bytes of another number of weights are refused`(bytes: [UInt8]) {
    var entries = Self.entries
    #expect(throws: VarintReader.Malformed.self) { try ExtremesCoding.decode(bytes, into: &entries) }
  }

  @Test func `a longest wait beyond all numbers is refused`() {
    var writer = VarintWriter()
    writer.append(UInt64.max)
    writer.append(1)
    var entries = [Self.entries[0]]
    #expect(throws: VarintReader.Malformed.self) { try ExtremesCoding.decode(writer.bytes, into: &entries) }
  }
}
