package import ProfileModel

/// One side of a comparison: runs from tasks, files or a command.
package struct ComparedSide {
  /// A run as it was recorded or read, under its own names.
  package struct Run: Sendable {
    package let name: String
    package let profile: Profile
    let kind: TaskKind?
    let unit: String
    let counting: SampleCounting
    var frequencyHertz: Int?
    var machine: String?
    var lostShare = 0.0
  }

  package private(set) var runs: [Run] = []
  package private(set) var warnings: [String] = []
  /// Whether processes are known, so that stacks may stand on their names.
  package private(set) var hasThreads = true

  package init() {}

  /// The profiles of the runs, in their order.
  package var profiles: [Profile] { runs.map(\.profile) }

  /// Adds a task that was recorded by us.
  package mutating func add(_ task: ProfilingTask, _ profile: Profile, name: String) {
    let account = task.account
    runs.append(
      Run(
        name: name, profile: profile, kind: task.kind, unit: task.kind.unit, counting: .samples,
        frequencyHertz: task.spec.kind.onCPU?.frequencyHertz, machine: "\(task.host) (kernel \(task.kernel))",
        lostShare: account.ticks == 0 ? 0 : Double(account.lost) / Double(account.ticks)))
    warnings += task.warnings.map { "\(name): \($0)" }
  }

  /// Adds some of the profiles of a file.
  package mutating func add(_ imported: ImportedProfile, _ profiles: [Profile], name path: String) {
    hasThreads = hasThreads && imported.hasThreads
    warnings += imported.warnings.map { "\(path): \($0)" }
    // What else stands in the place of time is none.
    let isTime = imported.amount?.isTime ?? true
    for (index, profile) in profiles.map({ isTime ? $0 : $0.withoutAmounts }).enumerated() {
      let name = profiles.count == 1 ? path : "\(path), run \(index + 1)"
      runs.append(
        Run(
          name: name, profile: profile, kind: imported.kind, unit: imported.unit, counting: imported.counting,
          frequencyHertz: imported.frequencyHertz))
    }
  }
}

extension ImportedProfile {
  /// Both sides of a file with two counts for each stack; nil for any other file.
  ///
  /// - Parameters:
  ///   - name: as the user names the file.
  ///   - select: what of each profile is compared.
  package func sides(
    name: String, _ select: (Profile) -> Profile = { $0 }
  ) -> (before: ComparedSide, after: ComparedSide)? {
    guard let base else { return nil }
    var (before, after) = (ComparedSide(), ComparedSide())
    before.add(self, [select(base)], name: "\(name), before")
    after.add(self, runs.map(select), name: "\(name), after")
    return (before, after)
  }
}
