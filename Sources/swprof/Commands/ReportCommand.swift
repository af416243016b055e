import ArgumentParser
import ProfileModel
import Rendering
import Storage

struct ReportCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "report", abstract: "Print or draw a stored task.")

  @Argument(
    help: ArgumentHelp(
      "Ids of tasks, put together where there are several; default: the latest that has a profile.", valueName: "task"))
  var tasks: [TaskArgument] = []

  @OptionGroup(title: "View") var view: ViewOptions
  @OptionGroup(title: "Output") var output: OutputOptions
  @OptionGroup var store: StoreOptions

  func run() throws {
    let store = try StoreAccess.readable(store)
    var ids: [TaskID] = []
    for task in tasks where !ids.contains(task.id) { ids.append(task.id) }
    let found = try ids.isEmpty ? [store.latest()].compactMap { $0 } : ids.map { try store.task($0) }
    guard !found.isEmpty else {
      throw Failure("no task has a profile yet; record one, for example 'swprof oncpu --pid N'", .noInput)
    }
    for task in found where task.status != .done {
      let reason = task.error.map { ": \($0)" } ?? ""
      throw Failure("task \(task.id) has no profile, it is \(task.status.rawValue)\(reason)", .noInput)
    }
    let task = try ProfilingTask.merged(found)
    var sink = try OutputSink(output.output)
    let profile = try part(of: Profile.merged(try found.map { try store.profile(of: $0.id) }), task)
    let details = ProfileOutput.ViewDetails(
      root: view.callTreeRoot, isInverted: view.inverted, minimumPerMille: view.minShare.perMille, title: view.title)
    try ProfileOutput(
      options: output, environment: Environment.variables, view: details, standard: .top
    )
    .write(task, view.selection.apply(to: profile), to: &sink)
  }

  /// What was recorded in the span that was asked for.
  private func part(of profile: Profile, _ task: ProfilingTask) throws -> Profile {
    guard let span = try view.span else { return profile }
    guard let timeline = profile.timeline, let part = profile.during(timeline.slots(touching: span)) else {
      let reason =
        tasks.count > 1
        ? "several tasks have no time in common" : "of task \(task.id) only sums were recorded, no times"
      throw Failure("'--since' and '--until': \(reason); leave them out", .usage)
    }
    return part
  }
}

/// A task's id on the command line.
struct TaskArgument: ExpressibleByArgument {
  let id: TaskID

  init?(argument: String) {
    guard let number = Int64(argument), number > 0 else { return nil }
    id = TaskID(rawValue: number)
  }
}

extension ProfilingTask {
  /// One task that stands for several of one kind: from the first start to the last end, with the sum of their accounts.
  fileprivate static func merged(_ tasks: [ProfilingTask]) throws -> ProfilingTask {
    guard tasks.count > 1 else { return tasks[0] }
    var merged = tasks[0]
    for task in tasks.dropFirst() {
      guard task.kind == merged.kind else {
        throw Failure(
          "tasks \(tasks[0].id) and \(task.id) are of different kinds, \(merged.kind.rawValue) and \(task.kind.rawValue);"
            + " report them one by one", .usage)
      }
      merged.account.add(task.account)
      merged.warnings += task.warnings
      merged.startedAt = min(merged.startedAt, task.startedAt)
      merged.endedAt = merged.endedAt.flatMap { end in task.endedAt.map { max(end, $0) } }
      if task.parameters != merged.parameters {
        merged.warnings.append("task \(task.id) was recorded with other options than task \(tasks[0].id)")
      }
    }
    merged.id = TaskID(rawValue: 0)
    merged.target = "tasks " + tasks.map { "\($0.id)" }.joined(separator: ", ")
    return merged
  }
}
