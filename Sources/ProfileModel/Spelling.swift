/// What somebody may have meant who typed a name that there is not.
package enum Spelling {
  /// The name that is nearest to a word; nil where none is near, or where the word is a name itself.
  package static func nearest(to word: String, among names: [String]) -> String? {
    // A longer word is no slip, and the comparison takes the square of the length.
    guard !names.contains(word), word.count <= 40 else { return nil }
    let near = names.map { (name: $0, distance: distance(word, $0)) }.min { $0.distance < $1.distance }
    return near.flatMap { $0.distance <= 2 ? $0.name : nil }
  }

  /// How many letters are to be put in, left out, changed or swapped with the next to make one word of another.
  package static func distance(_ left: String, _ right: String) -> Int {
    let (left, right) = (Array(left), Array(right))
    var beforeLast: [Int] = []
    var last = Array(0...right.count)
    for (row, letter) in left.enumerated() {
      var current = [row + 1]
      for (column, other) in right.enumerated() {
        var best = min(last[column] + (letter == other ? 0 : 1), last[column + 1] + 1, current[column] + 1)
        if row > 0, column > 0, letter == right[column - 1], left[row - 1] == other {
          best = min(best, beforeLast[column - 1] + 1)
        }
        current.append(best)
      }
      (beforeLast, last) = (last, current)
    }
    return last[right.count]
  }
}
