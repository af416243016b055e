import ArgumentParser
import LinuxSystem
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
    let store = try StoreAccess.readable(store)
    let found = try storedTasks(store)
    if let network = found.first(where: { $0.kind == .network }) {
      try checkNetwork(found)
      try NetworkOutput(options: output, verbosity: verbosity, title: view.title).write(
        network, store.networkProfile(of: network.id), to: &sink)
    } else {
      try Self.usage { try output.requireStackFormat() }
      let profiles = try found.map { try store.profile(of: $0.id) }
      guard Profile.areSummable(profiles) else {
        throw Failure(
          "the weights of all tasks together are too large to be added up; report them one by one", .malformedData)
      }
      let subject = try ReportSubject(ProfilingTask.merged(found), Profile.merged(profiles))
      try write(subject, to: &sink)
    }
  }

  private func write(_ subject: ReportSubject, to sink: inout OutputSink) throws {
    var subject = subject
    if let span = try view.span { try subject.cut(to: span) }
    subject.profile = view.selection.apply(to: output.native.shown(subject.profile))
    let details = ProfileOutput.ViewDetails(
      root: view.callTreeRoot, isInverted: view.inverted, minimumPerMille: view.minShare.perMille, title: view.title)
    try ProfileOutput(
      options: output, verbosity: verbosity, view: details, standard: .top
    )
    .write(subject, to: &sink)
  }

  private var verbosity: Verbosity { manners.verbosity }

  /// The tasks that were asked for, each of which has a profile.
  private func storedTasks(_ store: TaskStore) throws -> [ProfilingTask] {
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
    return found
  }

  /// Refuses what can't be done with a network task.
  private func checkNetwork(_ found: [ProfilingTask]) throws {
    if found.count > 1, let network = found.first(where: { $0.kind == .network }) {
      throw Failure(
        "task \(network.id) is a network task, which is not put together with others; report it alone", .usage)
    }
    if view.choosesStacks {
      throw Failure(
        "task \(found[0].id) is a network task, which has no stacks to choose from; of the view, give --title alone",
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
    let imported = try from.map { try Imports.read($0, event: event) }
    if let place = imported.firstIndex(where: { $0.base != nil }) {
      guard imported.count == 1 else {
        throw Failure("'\(from[place])' is a difference, with two counts for each stack; report it alone", .usage)
      }
      return try writeDifference(imported[place], to: &sink)
    }
    for (path, file) in zip(from, imported) { note(file, path) }
    try write(ReportSubject(ImportedProfile.merged(imported, files: from), files: from), to: &sink)
  }

  private func note(_ imported: ImportedProfile, _ path: String) {
    for warning in imported.warnings { verbosity.note("\(path): \(warning)") }
  }

  /// Shows a file with two counts for each stack as 'swprof diff' shows two files.
  private func writeDifference(_ imported: ImportedProfile, to sink: inout OutputSink) throws {
    let format: DiffCommand.Format?
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
    let selection = view.selection
    let name = from[0]
    note(imported, name)
    var (before, after) = (ComparedSide(), ComparedSide())
    before.add(imported, [imported.base ?? Profile()].map(selection.apply), name: "\(name), before")
    after.add(imported, imported.runs.map(selection.apply), name: "\(name), after")
    var comparison = try ComparisonOptions.parse([])
    comparison.native = output.native
    let difference = DiffOutput(
      comparison: comparison, format: format, title: view.title ?? name,
      isColored: output.colors.isColored(output: output.output))
    let (text, _, notes) = try difference.render(before, after)
    for note in notes { verbosity.note(note) }
    try sink.write(text)
  }
}

extension ReportSubject {
  /// Leaves what was recorded in a span of time, in ns since the start.
  fileprivate mutating func cut(to span: Range<UInt64>) throws {
    guard let timeline = profile.timeline, let part = profile.during(timeline.slots(touching: span)) else {
      throw Failure(
        "'--since' and '--until': only sums are known here, as of waits, of several tasks and of files without times;"
          + " leave them out", .usage)
    }
    profile = part
    let end = span.upperBound == .max ? "its end" : TimeText.duration(nanoseconds: span.upperBound)
    title += ", from \(TimeText.duration(nanoseconds: span.lowerBound)) to \(end)"
  }
}

extension ImportedProfile {
  /// One of several files, which must be of one kind.
  fileprivate static func merged(_ files: [ImportedProfile], files names: [String]) throws -> ImportedProfile {
    guard var merged = files.first else { return ImportedProfile() }
    for (file, name) in zip(files, names).dropFirst() {
      guard file.kind == merged.kind, file.unit == merged.unit, file.amount == merged.amount else {
        throw Failure("'\(names[0])' and '\(name)' count different things; report them one by one", .usage)
      }
      merged.runs += file.runs
      merged.hasThreads = merged.hasThreads || file.hasThreads
    }
    guard !merged.isTooHeavy else {
      throw Failure("the counts of all files together are too large; report them one by one", .malformedData)
    }
    return merged
  }
}

/// A task's id on the command line.
struct TaskArgument: ExpressibleByArgument {
  let id: TaskID

  static var defaultCompletionKind: CompletionKind { .custom(ShellCompletion.tasks) }

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
      let facts = (task.event, task.unwind, task.jitterSeed)
      if task.spec != merged.spec || facts != (merged.event, merged.unwind, merged.jitterSeed) {
        merged.warnings.append("task \(task.id) was recorded with other options than task \(tasks[0].id)")
      }
    }
    merged.id = TaskID(rawValue: 0)
    merged.target = "tasks " + tasks.map { "\($0.id)" }.joined(separator: ", ")
    return merged
  }
}
