package import ProfileModel

/// Two profiles as folded stacks with two counts, before and after: `comm;root;...;leaf 12 15`.
///
/// Every stack of either side has a line, so that the sums of both columns are those of the profiles. Readers of this
/// form are difffolded.pl's.
package enum DiffFolded {
  package static func render(
    base: Profile, new: Profile, root: CallTree.Root = .process, measure: WeightMeasure = .count
  ) -> String {
    var counts: [String: (base: Substring, new: Substring)] = [:]
    for line in lines(base, root, measure) { counts[line.stack] = (line.count, "0") }
    for line in lines(new, root, measure) { counts[line.stack, default: ("0", "0")].new = line.count }
    return counts.sorted { $0.key.utf8.lexicographicallyPrecedes($1.key.utf8) }
      .map { "\($0.key) \($0.value.base) \($0.value.new)\n" }.joined()
  }

  private static func lines(
    _ profile: Profile, _ root: CallTree.Root, _ measure: WeightMeasure
  ) -> [(stack: String, count: Substring)] {
    Folded.render(profile, root: root, measure: measure).fields(at: "\n").compactMap { line in
      line.utf8.lastIndex(of: UInt8(ascii: " ")).map { (String(line[..<$0]), line[line.utf8.index(after: $0)...]) }
    }
  }
}
