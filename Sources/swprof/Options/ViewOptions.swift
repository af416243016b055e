import ArgumentParser
import ProfileModel
import Rendering

/// Which part of a profile is shown, and how it stands.
struct ViewOptions: ParsableArguments {
  @Option(help: ArgumentHelp("Only threads of this name or number.", valueName: "thread"))
  var thread: String?

  @Option(
    help: ArgumentHelp(
      "Only what was measured under this label. Can be repeated: all must hold.", valueName: "key=value"))
  var label: [LabelOption] = []

  @Option(
    help: ArgumentHelp("Only stacks with a function that this regular expression finds.", valueName: "regex"),
    transform: OptionReading.pattern)
  var focus: TextPattern?

  @Option(
    help: ArgumentHelp("No stack with a function that this regular expression finds.", valueName: "regex"),
    transform: OptionReading.pattern)
  var ignore: TextPattern?

  @Option(
    help: ArgumentHelp("Only what was recorded from this time after the start on: 10s, 1500ms.", valueName: "time"),
    transform: OptionReading.duration)
  var since: TimeLength?

  @Option(
    help: ArgumentHelp("Only what was recorded up to this time after the start.", valueName: "time"),
    transform: OptionReading.duration)
  var until: TimeLength?

  @Flag(exclusivity: .exclusive)
  var side: Side?

  @Option(help: ArgumentHelp("What stacks stand on: process, thread or none.", valueName: "what"))
  var root: Root?

  @Flag(help: "Draw the root on top.")
  var inverted = false

  @Flag(help: "Merge stacks from their leaves.")
  var reverse = false

  @Option(help: ArgumentHelp("Leave out of a drawing what has less than this share, in percent.", valueName: "share"))
  var minShare = Share(perMille: 1)

  @Option(help: ArgumentHelp("The title of a drawing.", valueName: "text"))
  var title: String?

  enum Side: String, EnumerableFlag {
    case user
    case kernel

    static func help(for value: Side) -> ArgumentHelp? {
      switch value {
      case .user: "Only the user part of stacks."
      case .kernel: "Only the kernel part of stacks."
      }
    }
  }

  enum Root: String, ExpressibleByArgument, CaseIterable {
    case process
    case thread
    case none
  }

  private var callTreeRoot: CallTree.Root? {
    switch root {
    case nil: nil
    case .process: .process
    case .thread: .thread
    case .some(.none): CallTree.Root.none
    }
  }

  /// How a drawing looks.
  var details: ProfileRendering.ViewDetails {
    var details = ProfileRendering.ViewDetails()
    details.root = callTreeRoot
    details.isInverted = inverted
    details.minimumPerMille = minShare.perMille
    details.title = title
    return details
  }

  /// The span that is asked for, in ns since the start; nil for the whole task.
  var span: Range<UInt64>? {
    get throws {
      guard since != nil || until != nil else { return nil }
      let start = since?.nanoseconds ?? 0
      let end = until?.nanoseconds ?? .max
      guard start < end else { throw ValidationError("'--since' must lie before '--until'") }
      return start..<end
    }
  }

  /// Whether anything is asked for that only stacks have.
  var choosesStacks: Bool {
    thread != nil || !label.isEmpty || focus != nil || ignore != nil || since != nil || until != nil || side != nil
      || root != nil || inverted || reverse
  }

  func validate() throws { _ = try span }

  var selection: ProfileSelection {
    var selection = ProfileSelection()
    selection.focus = focus.map { pattern in { pattern.finds($0.function) } }
    selection.ignore = ignore.map { pattern in { pattern.finds($0.function) } }
    selection.thread = thread.map { wanted in { $0.name == wanted || "\($0.thread)" == wanted } }
    if !label.isEmpty {
      selection.labels = { [wanted = label.map(\.label)] set in wanted.allSatisfy(set.contains) }
    }
    selection.side =
      switch side {
      case nil: nil
      case .user: .user
      case .kernel: .kernel
      }
    selection.isReversed = reverse
    return selection
  }
}

/// A share in percent with at most one decimal: `0.1`, `5`, `2.5%`.
struct Share: ExpressibleByArgument {
  let perMille: UInt64

  init(perMille: UInt64) { self.perMille = perMille }

  init?(argument: String) {
    let text = argument.hasSuffix("%") ? argument.dropLast() : argument[...]
    let parts = text.split(separator: ".", omittingEmptySubsequences: false)
    guard (1...2).contains(parts.count), let whole = UInt64(parts[0]), whole <= 100 else { return nil }
    var tenths: UInt64 = 0
    if parts.count == 2 {
      guard parts[1].count == 1, let digit = UInt64(parts[1]) else { return nil }
      tenths = digit
    }
    guard whole * 10 + tenths <= 1000 else { return nil }
    perMille = whole * 10 + tenths
  }

  var defaultValueDescription: String { "\(perMille / 10).\(perMille % 10)" }
}
