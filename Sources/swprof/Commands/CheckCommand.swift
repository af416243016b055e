import ArgumentParser
import Comparison
import LinuxSystem
import Loading
import Pprof
import ProfileModel
import Recording
import Rendering

struct CheckCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "check",
    abstract: "Fail a build on a performance regression, and on nothing else.",
    discussion: """
      EXAMPLES
        swprof check --baseline-command ./old/bench --runs 8 -- ./new/bench
        swprof check --save base.pb.gz -- ./bench
        swprof check --baseline base.pb.gz -- ./bench
        swprof check --baseline 11 --baseline 12 --candidate 13 --candidate 14

      The first form is the best: old and new program side by side. A function fails the check when its growth is sure (--alpha, over all \
      functions together), large (--max-regression) and matters (--min-impact), and was not merely moved to another \
      name. Exit status: 0 pass, 1 regression, 2 inconclusive or not comparable with --on-inconclusive fail.
      """)

  @Option(help: ArgumentHelp("A run before the change: a task, or a file. Repeatable.", valueName: "task|file"))
  var baseline: [String] = []

  @Option(help: ArgumentHelp("A run after the change: a task, or a file. Repeatable.", valueName: "task|file"))
  var candidate: [String] = []

  @Option(
    help: ArgumentHelp(
      "The program before the change with its arguments, run by turns with the one after '--', and as that one without a shell.",
      valueName: "command"))
  var baselineCommand: String?

  @Option(
    help: ArgumentHelp(
      "How many runs of each command; 'auto' for as many as the verdict takes, up to --max-runs.",
      valueName: "number|auto"))
  var runs = RunCount.fixed(5)

  @Option(help: ArgumentHelp("How many runs of each command '--runs auto' makes at most.", valueName: "number"))
  var maxRuns = 40

  @Option(help: ArgumentHelp("Samples a second and CPU, on average.", valueName: "hertz"))
  var freq = 999

  @OptionGroup var jitter: JitterOptions

  @Option(help: ArgumentHelp("How much work a run of each side did: N, or BASE,NEW. Default 1.", valueName: "work"))
  var work: Work?

  @OptionGroup(title: "Comparison") var comparison: ComparisonOptions

  @Option(
    help: ArgumentHelp(
      "Known regressions: lines 'YYYY-MM-DD FUNCTION # REASON', with the last day that they count.", valueName: "file"),
    completion: .file())
  var accept: String?

  @Option(help: ArgumentHelp("What an inconclusive result does: warn or fail.", valueName: "what"))
  var onInconclusive = OnInconclusive.warn

  @Option(
    help: ArgumentHelp(
      "Write the result as text, json, markdown, junit or github; to standard output, or FORMAT=FILE. Repeatable.",
      valueName: "format"))
  var output: [CheckOutput] = []

  @Option(
    help: ArgumentHelp("Keep the runs of the command in this file (.pb.gz).", valueName: "file"), completion: .file())
  var save: String?

  @OptionGroup var store: StoreOptions
  @OptionGroup var colors: ColorOptions
  @OptionGroup var manners: VerbosityOptions

  @Argument(parsing: .postTerminator, help: ArgumentHelp("The program after the change.", valueName: "command"))
  var command: [String] = []

  enum OnInconclusive: String, ExpressibleByArgument, CaseIterable {
    case warn
    case fail
  }

  func validate() throws {
    if command.isEmpty == candidate.isEmpty {
      throw ValidationError("what is new? give either '-- COMMAND' or --candidate")
    }
    let bases = (baseline.isEmpty ? 0 : 1) + (baselineCommand == nil ? 0 : 1)
    if bases > 1 { throw ValidationError("give either --baseline or --baseline-command") }
    if bases == 0, save == nil {
      throw ValidationError(
        "compare with what? give --baseline or --baseline-command; to make a first baseline: 'swprof check --save"
          + " base.pb.gz -- COMMAND'")
    }
    if command.isEmpty, baselineCommand != nil || save != nil {
      throw ValidationError("--baseline-command and --save take a '-- COMMAND'")
    }
    if !RunCount.range.contains(maxRuns) { throw ValidationError("'--max-runs \(maxRuns)': give 1 to 1000") }
    if runs == .auto, command.isEmpty || bases == 0 {
      throw ValidationError("'--runs auto' takes a '-- COMMAND' and something to compare it with")
    }
    if let baselineCommand { _ = try Self.words(of: baselineCommand) }
    if output.filter({ $0.path == nil }).count > 1 {
      throw ValidationError("only one --output can go to standard output; write the others to files: json=check.json")
    }
    try OnCPUCommand.validate(frequencyHertz: freq)
  }

  func run() throws {
    manners.verbosity.noteCaller()
    var options = comparison.checkOptions
    options.accepted = try accept.map(AcceptListFile.read)
    options.today = String(TimeText.utc(Clock.wall).prefix(10))
    options.work = (base: work?.base ?? 1, new: work?.new ?? 1)
    var sinks = try output.map { try OutputSinkBox($0) }
    if !sinks.contains(where: { $0.output.path == nil }) { sinks.append(try OutputSinkBox(CheckOutput(format: .text))) }

    // What may be missing is found before minutes are spent on runs.
    let loader = ProfileLoader(event: comparison.event) { try StoreAccess.readable(store) }
    var base = try loader.side(baseline)
    var new = try loader.side(candidate)
    if !command.isEmpty { try record(&base, &new, options) }
    if let save { try keep(new, in: save) }
    guard !base.runs.isEmpty else { return }

    let sides = ComparedSides(base: base, new: new, comparison.basis)
    let check = Check(base: sides.base, new: sides.new, options: options)
    for note in sides.notes + Set(base.warnings + new.warnings).sorted() { manners.verbosity.note(note) }
    for sink in sinks { try sink.write(check, isColored: colors.isColored(output: sink.output.path)) }
    switch check.verdict {
    case .regression: throw CommandStatus(code: ExitStatus.regression.rawValue)
    case .inconclusive, .notComparable:
      if onInconclusive == .fail { throw CommandStatus(code: ExitStatus.inconclusive.rawValue) }
    case .pass: break
    }
  }

  /// Runs the commands by turns.
  private func record(_ base: inout ComparedSide, _ new: inout ComparedSide, _ options: Check.Options) throws {
    let progress = ProgressLine(manners.verbosity)
    var recording = CommandRecording(jitter.options(frequencyHertz: freq)) { text in
      if let text { progress.show(text) } else { progress.clear() }
    }
    let baselineWords = try baselineCommand.map(Self.words)
    let runs = AlternatingRuns(runs, limit: maxRuns, hasBaseCommand: baselineWords != nil)
    try runs.record(&base, &new, comparison.basis, options, report: { manners.verbosity.note($0) }) { side in
      try recording.record(side == .base ? baselineWords ?? [] : command)
    }
    // Comparing and writing is all that is left.
    SignalDescriptor.leaveOnSignal("swprof: left before the result was written\n")
  }

  /// Writes the runs of the new side to a file, and says so.
  private func keep(_ side: ComparedSide, in path: String) throws {
    let profiles = side.profiles
    var sink = OutputSink.file(try OutputFile(path, for: Caller.current))
    try sink.write(PprofWriter.render(profiles, PprofDescription(runsAtHertz: freq)))
    let samples = profiles.reduce(UInt64(0)) { $0 &+ $1.total.count }
    let count = "\(profiles.count) run\(profiles.count == 1 ? "" : "s")"
    manners.verbosity.note(
      "saved \(count) of '\(command.joined(separator: " "))' to '\(path)': \(NumberText.grouped(samples)) samples at"
        + " \(freq) Hz; compare with 'swprof check --baseline \(path) -- COMMAND'")
  }

  /// The words of a command that no shell sees.
  private static func words(of text: String) throws -> [String] {
    do { return try CommandWords.split(text) } catch {
      throw ValidationError("'--baseline-command \(text)': \(error)")
    }
  }
}

extension RunCount: ExpressibleByArgument {
  package init?(argument: String) { self.init(reading: argument) }

  package var defaultValueDescription: String { description }
}

/// An amount of work: `1000`, or `1000,1200` for both sides.
struct Work: ExpressibleByArgument {
  let base: Double
  let new: Double

  init?(argument: String) {
    let numbers = argument.split(separator: ",", omittingEmptySubsequences: false).map { Double($0) ?? 0 }
    guard (1...2).contains(numbers.count), numbers.allSatisfy({ $0 > 0 && $0.isFinite }) else { return nil }
    base = numbers[0]
    new = numbers.last ?? numbers[0]
  }
}

/// A form of the result and where it goes: `text`, `junit=check.xml`.
struct CheckOutput: ExpressibleByArgument {
  let format: CheckFormat
  /// Nil for standard output.
  let path: String?

  init(format: CheckFormat) {
    self.format = format
    path = nil
  }

  init?(argument: String) {
    let parts = argument.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
    guard let format = CheckFormat(rawValue: String(parts[0])), parts.count == 1 || !parts[1].isEmpty else {
      return nil
    }
    self.format = format
    path = parts.count == 2 && parts[1] != "-" ? String(parts[1]) : nil
  }
}

/// A result's place, made before there is a result: arrays hold no noncopyable values.
private final class OutputSinkBox {
  let output: CheckOutput
  private var sink: OutputSink

  init(_ output: CheckOutput) throws {
    self.output = output
    sink = try OutputSink(output.path)
  }

  func write(_ check: Check, isColored: Bool) throws {
    try sink.write(output.format.render(check, isColored: isColored))
  }
}
