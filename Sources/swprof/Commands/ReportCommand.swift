import ArgumentParser
import Comparison
import LinuxSystem
import Loading
import ProfileModel
import Rendering
import Storage

struct ReportCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "report", abstract: "Print or draw a stored task.",
    discussion: """
      EXAMPLES
        swprof report
        swprof report 12 --svg -o 12.svg
        swprof report 12 13 --focus parse --thread worker
        perf script | swprof report --from - --svg -o perf.svg
      """)

  @Argument(
    help: ArgumentHelp(
      "Ids of tasks, put together where there are several; default: the latest that has a profile.", valueName: "task"))
  var tasks: [TaskArgument] = []

  @Option(
    help: ArgumentHelp(
      "Read this file instead of a task: folded stacks, perf script's text or pprof; '-' is standard input. Repeatable.",
      valueName: "file"), completion: .file())
  var from: [String] = []

  @Option(
    help: ArgumentHelp(
      "Sum up the tasks that started in the last hours instead: 48h; as text, or with --html as a page.",
      valueName: "time"), transform: OptionReading.duration)
  var window: TimeLength?

  @Option(
    help: ArgumentHelp(
      "Of a file with several events, report this one: of perf script's, or a type of values of pprof's.",
      valueName: "name"))
  var event: String?

  @OptionGroup(title: "View") var view: ViewOptions
  @OptionGroup(title: "Output") var output: OutputOptions
  @OptionGroup var store: StoreOptions
  @OptionGroup var manners: VerbosityOptions

  func validate() throws {
    if window != nil, !tasks.isEmpty || !from.isEmpty || ![nil, .html].contains(output.chosenFormat) {
      throw ValidationError("'--window' is for all tasks of a time; give it alone, or with --html")
    }
    if !from.isEmpty, !tasks.isEmpty { throw ValidationError("give either tasks or --from") }
    if event != nil, from.isEmpty { throw ValidationError("'--event' is for a file; give it with --from") }
    if !from.isEmpty { try output.requireStackFormat() }
    if from.count(where: { $0 == "-" }) > 1 { throw ValidationError("'--from -': standard input is read once") }
  }

  func run() throws {
    verbosity.noteCaller()
    // What can't be written is known before a large file is read.
    var sink = try OutputSink(output.output)
    if let window { return try sink.write(summary(of: window)) }
    guard from.isEmpty else { return try writeImported(to: &sink) }
    verbosity.detail("database '\(StoreAccess.path(store))'")
    let found = try StoredTasks(tasks.map(\.id), in: StoreAccess.readable(store))
    if let network = found.network {
      try checkNetwork(network)
      try resultOutput.write(network, found.networkProfile(), to: &sink)
    } else {
      try Self.usage { try output.requireStackFormat() }
      let (task, profile) = try found.merged()
      try write(ReportSubject(task, profile), to: &sink)
    }
  }

  private func write(_ subject: ReportSubject, to sink: inout OutputSink) throws {
    var subject = subject
    if let span = try view.span {
      guard let part = subject.cut(to: span) else {
        throw Failure(
          "'--since' and '--until': only sums are known here, as of waits, of several tasks and of files without times;"
            + " leave them out", .usage)
      }
      subject = part
    }
    subject.profile = view.selection.apply(to: output.native.shown(subject.profile))
    try resultOutput.write(subject, to: &sink)
  }

  private var resultOutput: ResultOutput {
    ResultOutput(options: output, verbosity: verbosity, view: view.details, standard: .top)
  }

  private var verbosity: Verbosity { manners.verbosity }

  /// Refuses what can't be done with a network task.
  private func checkNetwork(_ task: ProfilingTask) throws {
    if view.choosesStacks {
      throw Failure(
        "task \(task.id) is a network task, which has no stacks to choose from; of the view, give --title alone",
        .usage)
    }
    try Self.usage { try output.requireNetworkFormat() }
  }

  /// What is known to be wrong with the arguments only when the task is known.
  private static func usage(_ check: () throws -> Void) throws {
    do { try check() } catch let error as ValidationError { throw Failure(error.message, .usage) }
  }

  /// What ran in the last hours.
  private func summary(of length: TimeLength) throws -> String {
    let store = try StoreAccess.readable(store)
    let now = Clock.wall
    let start = WallTime(nanoseconds: now.nanoseconds - Int64(length.nanoseconds))
    let report = WindowReport(
      tasks: try store.tasks().filter { $0.startedAt >= start }, window: start..<max(start, now))
    guard output.chosenFormat == .html else { return report.text }
    return try report.html { task in
      guard task.status == .done else { return nil }
      if task.kind == .network { return .network(try store.networkProfile(of: task.id)) }
      return .profile(output.native.shown(try store.profile(of: task.id)))
    }
  }

  private func writeImported(to sink: inout OutputSink) throws {
    let imported = try from.map { try ProfileFile.read($0, event: event) }
    if let place = imported.firstIndex(where: { $0.base != nil }) {
      guard imported.count == 1 else {
        throw Failure("'\(from[place])' is a difference, with two counts for each stack; report it alone", .usage)
      }
      return try writeDifference(imported[place], to: &sink)
    }
    for (path, file) in zip(from, imported) { note(file, path) }
    try write(ReportSubject(ProfileFiles.merged(imported, names: from), files: from), to: &sink)
  }

  private func note(_ imported: ImportedProfile, _ path: String) {
    for warning in imported.warnings { verbosity.note("\(path): \(warning)") }
  }

  /// Shows a file with two counts for each stack as 'swprof diff' shows two files.
  private func writeDifference(_ imported: ImportedProfile, to sink: inout OutputSink) throws {
    let format: DiffRendering.Format?
    switch output.chosenFormat {
    case nil, .top: format = nil
    case .folded: format = .folded
    case .svg: format = .svg
    case .html: format = .html
    case .json: format = .json
    case .pprof, .perfScript, .speedscope, .dot:
      throw Failure(
        "'\(from[0])' is a difference, with two counts for each stack, which this format has no place for;"
          + " give --folded, --svg, --html or --json", .usage)
    }
    guard view.since == nil, view.until == nil, !view.inverted, view.root == nil else {
      throw Failure(
        "'\(from[0])' is a difference, with two counts for each stack: '--since', '--until', '--root' and '--inverted'"
          + " are not for it", .usage)
    }
    let name = from[0]
    note(imported, name)
    guard let (before, after) = imported.sides(name: name, view.selection.apply) else { return }
    let rendering = DiffRendering(
      format: format, title: view.title ?? name, isColored: output.colors.isColored(output: output.output))
    var comparison = try ComparisonOptions.parse([])
    comparison.native = output.native
    let difference = try rendering.render(before, after, comparison.basis, comparison.checkOptions)
    for note in difference.notes { verbosity.note(note) }
    try sink.write(difference.text)
  }
}

/// A task's id on the command line.
struct TaskArgument: ExpressibleByArgument {
  let id: TaskID

  static var defaultCompletionKind: CompletionKind { .custom(ShellCompletion.tasks) }

  init?(argument: String) {
    guard let id = TaskID(reading: argument) else { return nil }
    self.id = id
  }
}
