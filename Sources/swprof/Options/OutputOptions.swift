package import ArgumentParser
import ProfileModel
package import Rendering

/// What a profile is printed as, and where to.
struct OutputOptions: ParsableArguments {
  @Flag(exclusivity: .exclusive)
  var format: OutputFormat?

  @Option(
    help: ArgumentHelp(
      "What off-CPU stacks are drawn by: duration (folded: in microseconds) or count.", valueName: "measure"))
  var by = Measure.duration

  enum Measure: String, ExpressibleByArgument, CaseIterable {
    case duration
    case count
  }

  @Flag(name: .long, help: "Keep the threads of a process apart.")
  var perThread = false

  @Flag(name: .long, help: "Show the source line of each frame, where it is known.")
  var lines = false

  @OptionGroup var native: NativeFrameOptions

  @Option(
    name: .shortAndLong,
    help: ArgumentHelp("Write to this file; '-' is standard output.", valueName: "file"), completion: .file())
  var output: String?

  @OptionGroup var colors: ColorOptions

  func validate() throws {
    guard chosenFormat == .pprof, (output ?? "-") == "-", Terminal.isOutputTerminal else { return }
    throw ValidationError("--pprof is binary and not written to a terminal; add '-o profile.pb.gz'")
  }

  /// Refuses what stacks can't be printed as.
  func requireStackFormat() throws {
    if chosenFormat == .dot { throw ValidationError("--dot draws network tasks; stacks are drawn by --svg") }
  }

  /// Refuses what a network task can't be printed as.
  func requireNetworkFormat() throws {
    switch chosenFormat {
    case nil, .svg, .html, .json, .dot: break
    case .folded, .speedscope, .pprof, .perfScript, .top:
      throw ValidationError("a network task has no stacks; give --json, --svg, --dot, --html, or none of them")
    }
    if perThread || lines || native.nativeFrames {
      throw ValidationError("--per-thread, --lines and --native-frames are for stacks, which a network task has not")
    }
  }

  /// The format asked for: by flag, else by the name of the file; nil for the summary.
  var chosenFormat: OutputFormat? { format ?? output.flatMap(OutputFormat.init(fileName:)) }
}

extension OutputFormat: EnumerableFlag {
  package static func help(for value: OutputFormat) -> ArgumentHelp? {
    switch value {
    case .folded: "Print folded stacks: 'comm;root;...;leaf count'."
    case .svg: "Draw a flame graph; of a network task, a map."
    case .html: "Write a page with everything about the task, which needs nothing else."
    case .json: "Print the task and its profile as one JSON object."
    case .speedscope: "Print a file for speedscope, a profile for each thread."
    case .pprof: "Write a pprof profile, compressed."
    case .perfScript: "Print samples as perf script does."
    case .top: "Print the hottest functions with bars, and the hottest path."
    case .dot: "Print who talks to whom for Graphviz; of network tasks alone."
    }
  }
}

/// Whether the code of interpreters is shown.
struct NativeFrameOptions: ParsableArguments {
  @Flag(help: "Show the native frames of interpreters as well: CPython's loop, and the calls to and from it.")
  var nativeFrames = false

  /// The part of a profile that is shown.
  func shown(_ profile: Profile) -> Profile { nativeFrames ? profile : profile.withoutInterpreterFrames }
}

/// Where tasks are kept.
struct StoreOptions: ParsableArguments {
  @Option(
    name: .long,
    help: ArgumentHelp(
      "Use this task database (default: SWPROF_DB, else root's or the user's own).", valueName: "path"),
    completion: .file())
  var db: String?

  init() {}

  init(named db: String?) { self.db = db }
}
