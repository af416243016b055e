/// What a value was measured under, beside its thread and stack: a request, a span, a tag of the program's own.
package struct Label: Hashable, Comparable, Sendable {
  package let key: String
  package let value: String

  /// Makes a label of texts from anywhere; a zero byte, at which stores end a text, becomes U+FFFD.
  package init(key: String, value: String) {
    self.key = Self.withoutZeros(key)
    self.value = Self.withoutZeros(value)
  }

  package static func < (left: Self, right: Self) -> Bool { (left.key, left.value) < (right.key, right.value) }

  private static func withoutZeros(_ text: String) -> String {
    guard text.utf8.contains(0) else { return text }
    var scalars = String.UnicodeScalarView()
    scalars.append(contentsOf: text.unicodeScalars.lazy.map { $0 == "\0" ? "\u{FFFD}" : $0 })
    return String(scalars)
  }
}

/// Labels without an order, each once. A key may have several values.
package struct LabelSet: Hashable, Sendable {
  /// By key, then by value.
  package let labels: [Label]

  package static let empty = LabelSet([])

  package init(_ labels: some Sequence<Label>) {
    var sorted: [Label] = []
    for label in labels.sorted() where label != sorted.last { sorted.append(label) }
    self.labels = sorted
  }

  package var isEmpty: Bool { labels.isEmpty }

  package func contains(_ label: Label) -> Bool { labels.contains(label) }
}

/// The label sets of a profile by number, each once. Number 0 is the empty set.
package struct LabelTable: Equatable, Sendable {
  /// The sets that have labels: number `n` is `sets[n - 1]`.
  package private(set) var sets: [LabelSet] = []
  private var numbers: [LabelSet: Int32] = [:]

  package init() {}

  package var isEmpty: Bool { sets.isEmpty }

  package subscript(number: Int32) -> LabelSet { number == 0 ? .empty : sets[Int(number) - 1] }

  /// The number of a set, which is added where it is new.
  package mutating func number(of set: LabelSet) -> Int32 {
    if let known = known(set) { return known }
    sets.append(set)
    numbers[set] = Int32(sets.count)
    return Int32(sets.count)
  }

  /// The number of a set; nil for a new one where there are as many sets as the limit.
  package mutating func number(of set: LabelSet, limit: Int) -> Int32? {
    sets.count < limit ? number(of: set) : known(set)
  }

  private func known(_ set: LabelSet) -> Int32? { set.isEmpty ? 0 : numbers[set] }

  /// Adds the sets of another table.
  ///
  /// - Returns: the number here of each number there.
  package mutating func add(_ other: LabelTable) -> [Int32] {
    [0] + other.sets.map { number(of: $0) }
  }

  package static func == (left: Self, right: Self) -> Bool { left.sets == right.sets }
}
