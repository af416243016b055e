package import ProfileModel

/// What both sides of a comparison have under different names: `old-bench` and `new-bench` are one program, and so are
/// the files that their builds made.
///
/// Equal names are one. Of the other names of both sides, those belong together that differ by a build's hash alone, or
/// that most functions have in common; and the main programs of both sides, whatever they are called.
package struct ProgramMatch: Sendable {
  /// The module of the main program on both sides.
  package static let programName = "[program]"

  /// Which names of both sides were taken for one thing, a sentence each.
  package let notes: [String]
  private let renamings: (base: Renaming, new: Renaming)
  private static let noteLimit = 10

  /// - Parameters:
  ///   - base: the runs before the change.
  ///   - new: the runs after it.
  package init(base: [Profile], new: [Profile]) {
    let sides = (SideSurvey(base), SideSurvey(new))
    var pairs = NamePairs()
    let programs = Self.pairPrograms(sides.0, sides.1)
    let isProgram = { (name: String) in sides.0.programs[name] != nil || sides.1.programs[name] != nil }
    pairs.add(programs)
    pairs.add(
      NamePairs.alike(sides.0.modules.filter { !isProgram($0.key) }, sides.1.modules.filter { !isProgram($0.key) }))
    if let main = Self.main(sides.0, sides.1, pairs) { pairs.name(base: main.base, new: main.new, Self.programName) }
    let processes = Self.pairProcesses(sides.0, sides.1, pairs)
    let roots = Self.pairRoots(sides.0, sides.1)
    let hasModules = sides.0.hasModules && sides.1.hasModules
    notes = Self.notes((hasModules ? pairs.list : []) + roots.list)
    // Where one side knows no modules, places without a name are called by their files on both.
    renamings = (
      Renaming(
        modules: hasModules ? pairs.base : [:], processes: processes.base, roots: roots.base, keepsModules: hasModules),
      Renaming(
        modules: hasModules ? pairs.new : [:], processes: processes.new, roots: roots.new, keepsModules: hasModules)
    )
  }

  private static func notes(_ pairs: [NamePairs.Pair]) -> [String] {
    let notes = pairs.map { "'\($0.base)' of the base and '\($0.new)' are compared as one" }
    guard notes.count > noteLimit else { return notes }
    return notes.prefix(noteLimit) + ["so are \(notes.count - noteLimit) more pairs of files"]
  }

  /// A profile of the base side with the names that both sides share.
  package func base(_ profile: Profile) -> Profile { renamings.base.apply(to: profile) }

  /// A profile of the new side with the names that both sides share.
  package func new(_ profile: Profile) -> Profile { renamings.new.apply(to: profile) }

  private static func pairPrograms(_ base: SideSurvey, _ new: SideSurvey) -> [NamePairs.Pair] {
    let parts = { (side: SideSurvey) in side.modules.filter { side.programs[$0.key] != nil } }
    var pairs = NamePairs.alike(parts(base), parts(new))
    // What each side mostly runs is compared, even if no function kept its name, or none has one.
    if let left = heaviest(base.programs), let right = heaviest(new.programs), left != right,
      base.programs[right] == nil, new.programs[left] == nil,
      !pairs.contains(where: { $0.base == left || $0.new == right })
    {
      pairs.append(NamePairs.Pair(base: left, new: right))
    }
    return pairs
  }

  /// The program that both sides together spend most in.
  private static func main(_ base: SideSurvey, _ new: SideSurvey, _ pairs: NamePairs) -> NamePairs.Pair? {
    let common = base.programs.keys.filter { new.programs[$0] != nil }.map { NamePairs.Pair(base: $0, new: $0) }
    let sums = (max(1, base.programs.values.reduce(0, +)), max(1, new.programs.values.reduce(0, +)))
    func share(_ pair: NamePairs.Pair) -> Double {
      (base.programs[pair.base] ?? 0) / sums.0 + (new.programs[pair.new] ?? 0) / sums.1
    }
    let joined = pairs.list.filter { base.programs[$0.base] != nil && new.programs[$0.new] != nil }
    return (common + joined).max { (share($0), $1.new) < (share($1), $0.new) }
  }

  /// Processes are one where their programs are.
  private static func pairProcesses(_ base: SideSurvey, _ new: SideSurvey, _ modules: NamePairs) -> NamePairs {
    let unmatched = { (side: SideSurvey, other: SideSurvey) in
      side.processes.filter { other.processes[$0.key] == nil }.sorted {
        ($1.value.weight, $0.key) < ($0.value.weight, $1.key)
      }
    }
    var pairs = NamePairs()
    var left = unmatched(base, new)
    for (name, part) in unmatched(new, base) {
      guard let program = heaviest(part.programs).map({ modules.new[$0] ?? $0 }),
        let place = left.firstIndex(where: { other in
          heaviest(other.value.programs).map { modules.base[$0] ?? $0 } == program
        })
      else { continue }
      pairs.add([NamePairs.Pair(base: left[place].key, new: name)])
      if program == programName { pairs.name(base: left[place].key, new: name, programName) }
      left.remove(at: place)
    }
    // Where programs are not known, the process that most of each side is in stands for one.
    if base.programs.isEmpty || new.programs.isEmpty, let old = left.first?.key,
      let other = unmatched(new, base).first?.key, base.heaviestProcess == old, new.heaviestProcess == other
    {
      pairs.name(base: old, new: other, programName)
    }
    return pairs
  }

  /// The outermost frames of folded stacks, where they are names of processes.
  private static func pairRoots(_ base: SideSurvey, _ new: SideSurvey) -> NamePairs {
    var pairs = NamePairs()
    var found = NamePairs.alike(base.roots, new.roots)
    if base.roots.count == 1, new.roots.count == 1, found.isEmpty, let left = base.roots.first,
      let right = new.roots.first, left.key != right.key
    {
      found = [NamePairs.Pair(base: left.key, new: right.key)]
    }
    pairs.add(found)
    let share = { (pair: NamePairs.Pair) in (base.roots[pair.base]?.weight ?? 0) + (new.roots[pair.new]?.weight ?? 0) }
    if let main = found.max(by: { (share($0), $1.new) < (share($1), $0.new) }) {
      pairs.name(base: main.base, new: main.new, programName)
    }
    return pairs
  }

  private static func heaviest(_ weights: [String: Double]) -> String? {
    weights.max { ($0.value, $1.key) < ($1.value, $0.key) }?.key
  }
}

/// Names of two sides that stand for one thing, and what it is called on both.
struct NamePairs: Sendable {
  struct Pair: Equatable, Sendable {
    let base: String
    let new: String
  }

  private(set) var list: [Pair] = []
  /// What the names of each side become.
  private(set) var base: [String: String] = [:]
  private(set) var new: [String: String] = [:]

  /// Things that are one have at least this part of their functions, or of their weight, in common.
  private static let similarity = 0.5
  /// Of the names of each side, so many of the heaviest are looked at: files of others may have any number.
  private static let candidateLimit = 64

  /// The pairs of names that the other side does not have and that stand for the same thing, by their functions or by
  /// what a build's hash leaves of them. The most alike ones belong together; none is used twice.
  static func alike(_ base: [String: SideSurvey.Part], _ new: [String: SideSurvey.Part]) -> [Pair] {
    var candidates: [(pair: Pair, score: Double)] = []
    let others = heaviest(new.filter { base[$0.key] == nil })
    for (name, part) in heaviest(base.filter { new[$0.key] == nil }) {
      for (otherName, other) in others {
        let isSameStem = ModuleName.stem(name) == ModuleName.stem(otherName)
        let score = part.similarity(to: other) + (isSameStem ? 1 : 0)
        if score >= similarity { candidates.append((Pair(base: name, new: otherName), score)) }
      }
    }
    candidates.sort { ($1.score, $0.pair.base, $0.pair.new) < ($0.score, $1.pair.base, $1.pair.new) }
    var used: (base: Set<String>, new: Set<String>) = ([], [])
    return candidates.map(\.pair).filter { pair in
      guard !used.base.contains(pair.base), !used.new.contains(pair.new) else { return false }
      used.base.insert(pair.base)
      used.new.insert(pair.new)
      return true
    }
  }

  private static func heaviest(
    _ parts: [String: SideSurvey.Part]
  ) -> ArraySlice<(key: String, value: SideSurvey.Part)> {
    parts.sorted { ($1.value.weight, $0.key) < ($0.value.weight, $1.key) }.prefix(candidateLimit)
  }

  /// Adds pairs, which are called as the new side calls them.
  mutating func add(_ pairs: [Pair]) {
    list += pairs
    for pair in pairs { name(base: pair.base, new: pair.new, pair.new) }
  }

  mutating func name(base: String, new: String, _ name: String) {
    self.base[base] = name
    self.new[new] = name
  }
}
