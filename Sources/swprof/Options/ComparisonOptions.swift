import ArgumentParser
import Comparison
import ProfileModel

/// How two sides are compared, which `check` and `diff` share.
struct ComparisonOptions: ParsableArguments {
  @Option(help: ArgumentHelp("What is compared: function or module.", valueName: "what"))
  var scope = ComparisonBasis.Scope.function

  @Option(
    help: ArgumentHelp(
      "What off-CPU stacks are weighed by: count (of waits), or time, which is the machine's as much as the program's.",
      valueName: "what"))
  var weight = ComparisonBasis.Measure.count

  @Option(
    help: ArgumentHelp(
      "Also compare all stacks with a function that this regular expression finds. Repeatable.", valueName: "regex"),
    transform: OptionReading.pattern)
  var watchFunction: [TextPattern] = []

  @Option(
    help: ArgumentHelp("Do not test functions that this regular expression finds. Repeatable.", valueName: "regex"),
    transform: OptionReading.pattern)
  var exclude: [TextPattern] = []

  @Option(help: ArgumentHelp("The growth of a function that is accepted.", valueName: "percent"))
  var maxRegression = Percentage(5)

  @Option(help: ArgumentHelp("The added cost that is accepted, as a part of the whole.", valueName: "percent"))
  var minImpact = Percentage(0.5)

  @Option(help: ArgumentHelp("The growth of a whole run that is accepted.", valueName: "percent"))
  var maxTotalRegression = Percentage(10)

  @Option(help: ArgumentHelp("The chance of a false alarm, from 0.000001 to 0.5.", valueName: "probability"))
  var alpha = 0.01

  @Option(help: ArgumentHelp("Of files with several events, compare this one.", valueName: "name"))
  var event: String?

  @Flag(help: "Take the machines of both sides to be alike, so that whole runs are compared as well.")
  var sameMachine = false

  @OptionGroup var native: NativeFrameOptions

  func validate() throws {
    if !(0.000001...0.5).contains(alpha) {
      throw ValidationError("'--alpha \(alpha)': give a probability from 0.000001 to 0.5")
    }
  }

  var basis: ComparisonBasis {
    ComparisonBasis(
      scope: scope, measure: weight, watched: watchFunction, showsInterpreterFrames: native.nativeFrames)
  }

  var checkOptions: Check.Options {
    var options = Check.Options()
    options.limits.alpha = alpha
    options.limits.growth = maxRegression.share
    options.limits.impact = minImpact.share
    options.totalGrowth = maxTotalRegression.share
    options.trustsMachine = sameMachine
    let exclude = exclude
    options.isExcluded = { key in exclude.contains { $0.finds(key.name) } }
    return options
  }
}

extension ComparisonBasis.Scope: ExpressibleByArgument {}
extension ComparisonBasis.Measure: ExpressibleByArgument {}

/// A percentage: `5`, `5%`, `0.5%`.
struct Percentage: ExpressibleByArgument {
  let percent: Double

  init(_ percent: Double) { self.percent = percent }

  init?(argument: String) {
    let text = argument.hasSuffix("%") ? String(argument.dropLast()) : argument
    guard let percent = Double(text), (0...10_000).contains(percent) else { return nil }
    self.percent = percent
  }

  var share: Double { percent / 100 }
  var defaultValueDescription: String { "\(percent.rounded() == percent ? "\(Int(percent))" : "\(percent)")%" }
}
