package import ArgumentParser
import Comparison
import Loading
import ProfileModel
package import Rendering

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

  @Flag(exclusivity: .exclusive) var format: DiffRendering.Format?

  @Flag(help: "End with status 1 where 'check' would.") var fail = false

  @Option(
    name: .shortAndLong,
    help: ArgumentHelp("Write to this file; '-' is standard output.", valueName: "file"), completion: .file())
  var output: String?

  @OptionGroup var store: StoreOptions
  @OptionGroup var colors: ColorOptions
  @OptionGroup var manners: VerbosityOptions

  private var chosenFormat: DiffRendering.Format? {
    if let format { return format }
    guard let output else { return nil }
    return DiffRendering.Format.allCases.first { output.hasSuffix(".\($0.rawValue)") }
  }

  func run() throws {
    manners.verbosity.noteCaller()
    var sink = try OutputSink(output)
    let loader = ProfileLoader(event: comparison.event) { try StoreAccess.readable(store) }
    let (before, after) = try loader.sides(base, new)
    let title = new.map { "\(name(base)) -> \(name($0))" } ?? base
    let rendering = DiffRendering(format: chosenFormat, title: title, isColored: colors.isColored(output: output))
    let difference = try rendering.render(before, after, comparison.basis, comparison.checkOptions)
    for note in difference.notes + Set(before.warnings + after.warnings).sorted() { manners.verbosity.note(note) }
    try sink.write(difference.text)
    if fail, difference.check.verdict == .regression { throw CommandStatus(code: ExitStatus.regression.rawValue) }
  }

  /// A side as the user names it.
  private func name(_ argument: String) -> String {
    TaskID(reading: argument) == nil ? argument : "task \(argument)"
  }
}

extension DiffRendering.Format: EnumerableFlag {
  package static func help(for value: Self) -> ArgumentHelp? {
    switch value {
    case .folded: "Print folded stacks with two counts, before and after."
    case .svg: "Draw both sides as one flame graph: orange is more, blue is less."
    case .html: "Write a page with the functions by change and the graph."
    case .json: "Print the comparison as one JSON object."
    }
  }
}
