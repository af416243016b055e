import ArgumentParser
import LinuxSystem
import ProfileModel
import Rendering
import Storage

struct TasksCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "tasks",
    abstract: "List, show and remove stored tasks.",
    discussion: """
      EXAMPLES
        swprof tasks
        swprof tasks show 12
        swprof tasks rm 12 13
        swprof tasks prune --older-than 48h
      """,
    subcommands: [List.self, Show.self, Remove.self, Prune.self],
    defaultSubcommand: List.self)

  struct List: ParsableCommand {
    static let configuration = CommandConfiguration(
      commandName: "list",
      abstract: "List the tasks, newest first.",
      discussion: """
        EXAMPLES
          swprof tasks
          swprof tasks list --json-lines | jq -r .target
        """)

    @Flag(exclusivity: .exclusive) var format: Format?
    @OptionGroup var store: StoreOptions
    @OptionGroup var manners: VerbosityOptions

    enum Format: String, EnumerableFlag {
      case json
      case jsonLines

      static func help(for value: Format) -> ArgumentHelp? {
        switch value {
        case .json: "Print one JSON object with all tasks."
        case .jsonLines: "Print a JSON object for each task, one a line."
        }
      }
    }

    func run() throws {
      manners.verbosity.detail("database '\(StoreAccess.path(store))'")
      let tasks = try StoreAccess.readable(store).tasks()
      switch format {
      case nil: try Terminal.print(TaskTable.render(tasks))
      case .json: try Terminal.print(TaskJSON.render(tasks))
      case .jsonLines: try Terminal.print(TaskJSON.renderLines(tasks))
      }
      if format == nil, let latest = tasks.first(where: { $0.status == .done }) {
        manners.verbosity.next("swprof report \(latest.id)")
      }
    }
  }

  struct Show: ParsableCommand {
    static let configuration = CommandConfiguration(
      commandName: "show",
      abstract: "Show everything about a task but its profile.",
      discussion: """
        EXAMPLES
          swprof tasks show 12
          swprof tasks show 12 --json
        """)

    @Argument(help: ArgumentHelp("The task's id.", valueName: "task")) var task: TaskArgument
    @Flag(help: "Print a JSON object.") var json = false
    @OptionGroup var store: StoreOptions

    func run() throws {
      let found = try StoreAccess.readable(store).task(task.id)
      try Terminal.print(json ? TaskJSON.render(found) : TaskDetails.render(found))
    }
  }

  struct Remove: ParsableCommand {
    static let configuration = CommandConfiguration(
      commandName: "rm", abstract: "Remove tasks and their profiles.",
      discussion: """
        EXAMPLES
          swprof tasks rm 12 13
        """)

    @Argument(help: ArgumentHelp("The tasks' ids.", valueName: "task")) var tasks: [TaskArgument]
    @OptionGroup var store: StoreOptions

    func run() throws {
      try StoreAccess.existing(store).remove(tasks.map(\.id))
    }
  }

  struct Prune: ParsableCommand {
    static let configuration = CommandConfiguration(
      commandName: "prune",
      abstract: "Remove the tasks that started longer ago than a time.",
      discussion: """
        EXAMPLES
          swprof tasks prune --older-than 48h
        """)

    @Option(
      help: ArgumentHelp("How old a task must be: 10m, 48h.", valueName: "time"), transform: OptionReading.duration)
    var olderThan: TimeLength
    @OptionGroup var store: StoreOptions

    func run() throws {
      let limit = WallTime(nanoseconds: Clock.wall.nanoseconds - Int64(olderThan.nanoseconds))
      let count = try StoreAccess.existing(store).prune(olderThan: limit)
      try Terminal.print("\(count) task\(count == 1 ? "" : "s") removed\n")
    }
  }
}
