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

      A drawing is blue for less and orange for more. A gate for CI, with several runs a side, is 'swprof check'.
      """)

  @Argument(help: ArgumentHelp("The profile before: a task, or a file.", valueName: "base"))
  var base: String

  @Argument(help: ArgumentHelp("The profile after: a task, or a file.", valueName: "new"))
  var new: String

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
    try before.add(base, store)
    try after.add(new, store)
    var options = comparison.checkOptions
    // A person looks at it: small functions are shown as well, with what chance makes of them.
    options.limits.minimumSamples = 10
    options.limits.minimumShare = 0.001
    let sides = ComparedSides(base: before, new: after, comparison)
    let check = Check(base: sides.base, new: sides.new, options: options)
    for note in sides.notes + Set(before.warnings + after.warnings).sorted() { manners.verbosity.note(note) }
    try sink.write(render(check, sides, hasThreads: before.hasThreads && after.hasThreads))
    if fail, check.verdict == .regression { throw CommandStatus(code: ExitStatus.regression.rawValue) }
  }

  private func render(_ check: Check, _ sides: ComparedSides, hasThreads: Bool) throws -> String {
    let root: CallTree.Root = hasThreads ? .process : .none
    let title = "\(name(base)) -> \(name(new))"
    if chosenFormat == nil { return DiffText.render(check, isColored: colors.isColored(output: output)) }
    guard sides.isSummable else {
      throw Failure("the weights of both sides are too large to be added up: nothing was compared", .malformedData)
    }
    let (before, after) = sides.merged
    switch chosenFormat {
    case .svg:
      return DiffGraph.svg(
        base: before, new: after, title: title,
        subtitle: "orange: more of its own than before, blue: less; shares of \(before.total.count) and"
          + " \(after.total.count) \(check.unit)", root: root, measure: measure)
    case .html: return DiffPage.render(check, base: before, new: after, title: title, root: root, measure: measure)
    case .folded: return DiffFolded.render(base: before, new: after, root: root, measure: measure)
    case .json, nil: return CheckJSON.render(check, schema: "swprof.diff")
    }
  }

  /// A side as the user names it.
  private func name(_ argument: String) -> String {
    TaskArgument(argument: argument) == nil ? argument : "task \(argument)"
  }

  private var measure: WeightMeasure { comparison.weight == .count ? .count : .microseconds }
}
