import ArgumentParser
import ProfileModel
import Storage

struct ReportCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "report", abstract: "Print or draw a stored task.")

  @Argument(help: ArgumentHelp("The task's id; default: the latest that has a profile.", valueName: "task"))
  var task: TaskArgument?

  @OptionGroup(title: "Output") var output: OutputOptions
  @OptionGroup var store: StoreOptions

  func run() throws {
    let store = try StoreAccess.readable(store)
    guard let found = try task.map({ try store.task($0.id) }) ?? store.latest() else {
      throw Failure("no task has a profile yet; record one, for example 'swprof oncpu --pid N'", .noInput)
    }
    if found.status != .done {
      let reason = found.error.map { ": \($0)" } ?? ""
      throw Failure("task \(found.id) has no profile, it is \(found.status.rawValue)\(reason)", .noInput)
    }
    var sink = try OutputSink(output.output)
    let profile = try store.profile(of: found.id)
    try ProfileOutput(options: output, environment: Environment.variables).write(found, profile, to: &sink)
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
