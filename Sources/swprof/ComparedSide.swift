import Comparison
import LinuxSystem
import ProfileModel
import Rendering
import Storage

/// One side of a comparison: runs from tasks, files or a command.
struct ComparedSide {
  /// A run as it was recorded or read, under its own names.
  struct Run {
    let name: String
    let profile: Profile
    let kind: TaskKind?
    let unit: String
    let counting: SampleCounting
    var frequencyHertz: Int?
    var machine: String?
    var lostShare = 0.0
  }

  private(set) var runs: [Run] = []
  private(set) var warnings: [String] = []
  /// Whether processes are known, so that stacks may stand on their names.
  private(set) var hasThreads = true

  /// The profiles of the runs, in their order.
  var profiles: [Profile] { runs.map(\.profile) }

  /// Adds a task, or the runs of a file: a number is a task's.
  ///
  /// - Parameter event: of a file.
  mutating func add(_ argument: String, _ store: StoreOptions, event: String? = nil) throws {
    if let task = TaskArgument(argument: argument) {
      let store = try StoreAccess.readable(store)
      let found = try store.task(task.id)
      guard found.status == .done else {
        throw Failure("task \(task.id) has no profile, it is \(found.status.rawValue)", .noInput)
      }
      guard found.kind != .network else {
        throw Failure(
          "task \(task.id) is a network task, which has no stacks to compare; see 'swprof report \(task.id)'", .usage)
      }
      add(found, try store.profile(of: task.id), name: "task \(task.id)")
    } else {
      try addFile(argument, event)
    }
  }

  /// Adds a run that was recorded here.
  mutating func add(_ task: ProfilingTask, _ profile: Profile, name: String) {
    let account = task.account
    runs.append(
      Run(
        name: name, profile: profile, kind: task.kind, unit: task.kind.unit, counting: .samples,
        frequencyHertz: task.spec.kind.onCPU?.frequencyHertz, machine: "\(task.host) (kernel \(task.kernel))",
        lostShare: account.ticks == 0 ? 0 : Double(account.lost) / Double(account.ticks)))
    warnings += task.warnings.map { "\(name): \($0)" }
  }

  /// Adds the runs of a file.
  private mutating func addFile(_ path: String, _ event: String?) throws {
    let imported = try Imports.read(path, event: event)
    guard imported.base == nil else {
      throw Failure("'\(path)' is a difference, with two counts for each stack: give it alone to 'swprof diff'", .usage)
    }
    add(imported, imported.runs, name: path)
  }

  /// Adds some of the profiles of a file.
  mutating func add(_ imported: ImportedProfile, _ profiles: [Profile], name path: String) {
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
