import ArgumentParser

/// How much a command says beside its result.
struct VerbosityOptions: ParsableArguments {
  enum Level: String, EnumerableFlag {
    case quiet
    case verbose

    static func name(for value: Level) -> NameSpecification { .shortAndLong }

    static func help(for value: Level) -> ArgumentHelp? {
      switch value {
      case .quiet: "Say nothing but the result and errors: no progress, notes or warnings."
      case .verbose: "Say what swprof does, and where it keeps things."
      }
    }
  }

  @Flag(exclusivity: .exclusive) var level: Level?

  var verbosity: Verbosity {
    switch level {
    case nil: .normal
    case .quiet: .quiet
    case .verbose: .verbose
    }
  }
}

/// Whether a result is colored.
struct ColorOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "Color the result: auto (on a terminal, unless NO_COLOR is set), always or never.", valueName: "when"))
  var color = ColorChoice.auto

  @Flag(help: "The same as '--color never'.")
  var noColor = false

  func validate() throws {
    if noColor, color == .always { throw ValidationError("give either '--color always' or '--no-color'") }
  }

  /// Whether what goes to a file, or to standard output for nil and `-`, is colored.
  func isColored(output: String?) -> Bool {
    if noColor { return false }
    switch color {
    case .always: return true
    case .never: return false
    case .auto: return (output ?? "-") == "-" && Terminal.isColored(environment: Environment.variables)
    }
  }
}

enum ColorChoice: String, ExpressibleByArgument, CaseIterable {
  case auto
  case always
  case never
}
