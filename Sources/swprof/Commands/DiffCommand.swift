import ArgumentParser
import Comparison
import ProfileModel
import Rendering

struct DiffCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "diff",
    abstract: "Show what changed between two profiles.",
    discussion: """
      EXAMPLES
        swprof diff 11 12
        swprof diff 11 12 --svg -o diff.svg
        swprof diff before.folded after.pb.gz
        swprof diff difference.folded

      A drawing is blue for less and orange for more. A gate for CI, with several runs a side, is 'swprof check'.
      """)

  @Argument(
    help: ArgumentHelp(
      "The profile before: a task, or a file. A file with two counts for each stack has both.", valueName: "base"))
  var base: String

  @Argument(help: ArgumentHelp("The profile after: a task, or a file.", valueName: "new"))
  var new: String?

  @OptionGroup(title: "Comparison") var comparison: ComparisonOptions

  @Flag(exclusivity: .exclusive) var format: Format?

  @Flag(help: "End with status 1 where 'check' would.") var fail = false

  @Option(
    name: .shortAndLong,
    help: ArgumentHelp("Write to this file; '-' is standard output.", valueName: "file"), completion: .file())
  var output: String?

  @OptionGroup var store: StoreOptions
  @OptionGroup var colors: ColorOptions
  @OptionGroup var manners: VerbosityOptions

  enum Format: String, EnumerableFlag {
    case folded
    case svg
    case html
    case json

    static func help(for value: Format) -> ArgumentHelp? {
      switch value {
      case .folded: "Print folded stacks with two counts, before and after."
      case .svg: "Draw both sides as one flame graph: orange is more, blue is less."
      case .html: "Write a page with the functions by change and the graph."
      case .json: "Print the comparison as one JSON object."
      }
    }
  }

  private var chosenFormat: Format? {
    if let format { return format }
    guard let output else { return nil }
    return Format.allCases.first { output.hasSuffix(".\($0.rawValue)") }
  }

  func run() throws {
    manners.verbosity.noteCaller()
    var sink = try OutputSink(output)
    var before = ComparedSide()
    var after = ComparedSide()
    if let new {
      try before.add(base, store, event: comparison.event)
      try after.add(new, store, event: comparison.event)
    } else {
      let imported = TaskArgument(argument: base) == nil ? try Imports.read(base, event: comparison.event) : nil
      guard let imported, let profile = imported.base else {
        throw Failure("'\(base)' is one profile; name the one to compare it with as well", .usage)
      }
      before.add(imported, [profile], name: "\(base), before")
      after.add(imported, imported.runs, name: "\(base), after")
    }
    let title = new.map { "\(name(base)) -> \(name($0))" } ?? base
    let difference = DiffOutput(
      comparison: comparison, format: chosenFormat, title: title, isColored: colors.isColored(output: output))
    let (text, check, notes) = try difference.render(before, after)
    for note in notes + Set(before.warnings + after.warnings).sorted() { manners.verbosity.note(note) }
    try sink.write(text)
    if fail, check.verdict == .regression { throw CommandStatus(code: ExitStatus.regression.rawValue) }
  }

  /// A side as the user names it.
  private func name(_ argument: String) -> String {
    TaskArgument(argument: argument) == nil ? argument : "task \(argument)"
  }
}
