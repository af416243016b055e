/// A regular expression as a machine that is in several states at once (Thompson, "Regular Expression Search Algorithm",
/// 1968): it reads a text once and never goes back, whatever the text is.
struct PatternProgram: Sendable {
  enum Instruction: Sendable {
    /// Goes on behind a scalar of the set.
    case read(ScalarSet)
    case fork(Int, Int)
    case jump(Int)
    case hold(PatternNode.Assertion)
    case found
  }

  private var instructions: [Instruction] = []
  /// The ASCII characters that a match may begin with; nil where it may be empty.
  private var firsts: (low: UInt64, high: UInt64)?
  /// Whether a match begins at the start of the text only.
  private var isAnchored = false
  private var stepsLeft = maximumSteps

  /// Repetition writes a part of a pattern out several times. A text of 4 KiB takes up to 10 ns for each.
  static let maximumInstructions = 4096
  private static let maximumSteps = 1 << 16

  init(_ node: PatternNode) throws(UnreadableText) {
    try add(node)
    instructions.append(.found)
    if case .hold(.textStart) = instructions[0] { isAnchored = true }
    findFirsts()
  }

  private mutating func append(_ instruction: Instruction) throws(UnreadableText) {
    guard instructions.count < Self.maximumInstructions else { throw .patternTooLarge }
    instructions.append(instruction)
  }

  private mutating func add(_ node: PatternNode) throws(UnreadableText) {
    // Nothing may be repeated often, too.
    stepsLeft -= 1
    guard stepsLeft > 0 else { throw .patternTooLarge }
    switch node {
    case .set(let set): try append(.read(set))
    case .assertion(let assertion): try append(.hold(assertion))
    case .sequence(let nodes): for node in nodes { try add(node) }
    case .choice(let nodes): try addChoice(nodes)
    case .repeated(let node, let least, let most): try addRepeated(node, least, most)
    }
  }

  private mutating func addChoice(_ nodes: [PatternNode]) throws(UnreadableText) {
    var jumps: [Int] = []
    for (index, node) in nodes.enumerated() {
      guard index < nodes.count - 1 else {
        try add(node)
        break
      }
      let fork = instructions.count
      try append(.fork(fork + 1, fork + 1))
      try add(node)
      jumps.append(instructions.count)
      try append(.jump(0))
      instructions[fork] = .fork(fork + 1, instructions.count)
    }
    for jump in jumps { instructions[jump] = .jump(instructions.count) }
  }

  private mutating func addRepeated(_ node: PatternNode, _ least: Int, _ most: Int?) throws(UnreadableText) {
    for _ in 0..<least { try add(node) }
    guard let most else {
      let fork = instructions.count
      try append(.fork(fork + 1, fork + 1))
      try add(node)
      try append(.jump(fork))
      instructions[fork] = .fork(fork + 1, instructions.count)
      return
    }
    var forks: [Int] = []
    for _ in least..<max(least, most) {
      forks.append(instructions.count)
      try append(.fork(0, 0))
      try add(node)
    }
    for fork in forks { instructions[fork] = .fork(fork + 1, instructions.count) }
  }

  private mutating func findFirsts() {
    var bits: (low: UInt64, high: UInt64) = (0, 0)
    var visited = Set<Int>()
    var next = [0]
    while let place = next.popLast() {
      guard visited.insert(place).inserted else { continue }
      switch instructions[place] {
      case .read(let set): bits = (bits.low | set.asciiBits.low, bits.high | set.asciiBits.high)
      case .fork(let first, let second): next += [first, second]
      case .jump(let target): next.append(target)
      case .hold: next.append(place + 1)
      case .found: return
      }
    }
    firsts = bits
  }

  private func mayBegin(with scalar: Unicode.Scalar) -> Bool {
    guard let firsts else { return true }
    return switch scalar.value {
    case ..<64: firsts.low >> UInt64(scalar.value) & 1 != 0
    case ..<128: firsts.high >> UInt64(scalar.value - 64) & 1 != 0
    default: true
    }
  }

  /// What is around a place of a text.
  private struct Surroundings {
    var before: Unicode.Scalar?
    var next: Unicode.Scalar?
    var afterNext: Unicode.Scalar?
  }

  /// Whether the pattern is found anywhere in a text.
  ///
  /// - Complexity: O(text × instructions).
  func finds(_ text: String) -> Bool {
    var search = Search(size: instructions.count)
    var scalars = text.unicodeScalars.makeIterator()
    var place = Surroundings()
    place.next = scalars.next()
    place.afterNext = scalars.next()
    while true {
      let mayBegin = isAnchored ? place.before == nil : place.next.map(mayBegin) ?? true
      if mayBegin { search.reached.append(0) }
      if !search.reached.isEmpty, search.follow(instructions, place) { return true }
      guard let scalar = place.next, !isAnchored || !search.waiting.isEmpty else { return false }
      search.read(scalar, instructions)
      place = Surroundings(before: scalar, next: place.afterNext, afterNext: scalars.next())
    }
  }

  /// The states that the machine is in.
  private struct Search {
    /// Behind the last scalar, before anything was followed; some may be there twice.
    var reached: [Int] = []
    /// Those that wait for the next scalar, each once.
    var waiting: [Int] = []
    private var stack: [Int] = []
    /// In which round each instruction was last followed.
    private var rounds: [Int]
    private var round = 0

    init(size: Int) { rounds = [Int](repeating: 0, count: size) }

    /// Follows all states up to those that wait for a scalar.
    ///
    /// - Returns: whether the pattern is found.
    mutating func follow(_ instructions: [Instruction], _ place: Surroundings) -> Bool {
      round += 1
      (stack, reached) = (reached, stack)
      while let state = stack.popLast() {
        guard rounds[state] != round else { continue }
        rounds[state] = round
        switch instructions[state] {
        case .read: waiting.append(state)
        case .fork(let first, let second):
          stack.append(second)
          stack.append(first)
        case .jump(let target): stack.append(target)
        case .hold(let assertion): if Self.holds(assertion, place) { stack.append(state + 1) }
        case .found: return true
        }
      }
      return false
    }

    mutating func read(_ scalar: Unicode.Scalar, _ instructions: [Instruction]) {
      for state in waiting {
        if case .read(let set) = instructions[state], set.contains(scalar) { reached.append(state + 1) }
      }
      waiting.removeAll(keepingCapacity: true)
    }

    private static func holds(_ assertion: PatternNode.Assertion, _ place: Surroundings) -> Bool {
      switch assertion {
      case .textStart: place.before == nil
      case .textEnd: place.next == nil
      case .textEndOrNewline:
        place.next == nil || place.afterNext == nil && place.next.map(ScalarSet.Class.isNewline) ?? false
      case .lineStart: place.before.map(ScalarSet.Class.isNewline) ?? true
      case .lineEnd: place.next.map(ScalarSet.Class.isNewline) ?? true
      case .wordBoundary(let isNegated):
        ((place.before.map(ScalarSet.Class.isWord) ?? false)
          != (place.next.map(ScalarSet.Class.isWord) ?? false)) != isNegated
      }
    }
  }
}
