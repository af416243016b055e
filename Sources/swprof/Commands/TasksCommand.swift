import ArgumentParser
import LinuxSystem
import ProfileModel
import Rendering
import Storage

struct TasksCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "tasks",
    abstract: "List, show and remove stored tasks.",
    subcommands: [List.self, Show.self, Remove.self, Prune.self],
    defaultSubcommand: List.self)

  struct List: ParsableCommand {
    static let configuration = CommandConfiguration(abstract: "List the tasks, newest first.")

    @Flag(help: "Print a JSON array.") var json = false
    @OptionGroup var store: StoreOptions

    func run() throws {
      let tasks = try StoreAccess.readable(store).tasks()
      try Terminal.print(json ? TaskJSON.render(tasks) : TaskTable.render(tasks))
    }
  }

  struct Show: ParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Show everything about a task but its profile.")

    @Argument(help: ArgumentHelp("The task's id.", valueName: "task")) var task: TaskArgument
    @Flag(help: "Print a JSON object.") var json = false
    @OptionGroup var store: StoreOptions

    func run() throws {
      let found = try StoreAccess.readable(store).task(task.id)
      try Terminal.print(json ? TaskJSON.render(found) : TaskDetails.render(found))
    }
  }

  struct Remove: ParsableCommand {
    static let configuration = CommandConfiguration(commandName: "rm", abstract: "Remove tasks and their profiles.")

    @Argument(help: ArgumentHelp("The tasks' ids.", valueName: "task")) var tasks: [TaskArgument]
    @OptionGroup var store: StoreOptions

    func run() throws {
      try StoreAccess.existing(store).remove(tasks.map(\.id))
    }
  }

  struct Prune: ParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Remove the tasks that started longer ago than a time.")

    @Option(help: ArgumentHelp("How old a task must be: 10m, 48h.", valueName: "time")) var olderThan: Duration
    @OptionGroup var store: StoreOptions

    func run() throws {
      let limit = WallTime(nanoseconds: Clock.wall.nanoseconds - Int64(olderThan.nanoseconds))
      let count = try StoreAccess.existing(store).prune(olderThan: limit)
      try Terminal.print("\(count) task\(count == 1 ? "" : "s") removed\n")
    }
  }
}
