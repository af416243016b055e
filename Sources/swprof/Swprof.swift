import ArgumentParser
import Capture
import Glibc
import LinuxSystem
import ProfileModel
import Version

@main
struct Swprof: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "swprof",
    abstract: "Profile running processes with eBPF: no agent, no restart, no flags on the target.",
    discussion: """
      EXAMPLES
        sudo swprof oncpu --pid 4711
        sudo swprof oncpu --svg -o x.svg -- ./bench
        swprof report --svg -o x.svg
        sudo swprof doctor

      Exit codes are those of sysexits.h: 64 usage, 65 malformed data, 66 no such process, task or file, 69 \
      the kernel lacks a feature, 73 output cannot be created, 74 read or write error, 77 not permitted.
      """,
    version: SwprofVersion.text,
    subcommands: [
      OnCPUCommand.self, OffCPUCommand.self, NetworkCommand.self, WatchCommand.self, PolicyCommand.self,
      StatusCommand.self, MetricsCommand.self, ReportCommand.self, DiffCommand.self, CheckCommand.self,
      TasksCommand.self,
      DoctorCommand.self,
    ])

  /// The command that the first word may have been meant as.
  private static var suggestion: String? {
    guard let word = ProgramArguments.all.first, !word.hasPrefix("-") else { return nil }
    return Spelling.nearest(
      to: word, among: configuration.subcommands.compactMap { $0.configuration.commandName })
  }

  /// Prints a text that was asked for, and ends the program.
  private static func show(_ text: String) -> Never {
    do { try Terminal.print(text + "\n") } catch is Terminal.QuietEnd {} catch {
      let failure = Failure(error)
      Terminal.complain(failure.sentence)
      Glibc.exit(failure.status)
    }
    Glibc.exit(0)
  }

  /// The only place that ends the program.
  static func main() {
    _ = Glibc.signal(SIGPIPE, SIG_IGN)
    // Reading the arguments takes as long as reading the programs: who types 'oncpu' waits for the longer one only.
    let arguments = ProgramArguments.all
    if arguments.first == OnCPUCommand.configuration.commandName { OnCPUCapture.prepare() }
    do {
      var command = try parseAsRoot(arguments)
      try command.run()
    } catch let code as CommandStatus {
      Glibc.exit(code.code)
    } catch is Terminal.QuietEnd {
      Glibc.exit(0)
    } catch {
      switch exitCode(for: error) {
      case .failure:
        let failure = Failure(error)
        Terminal.complain(failure.sentence)
        Glibc.exit(failure.status)
      case .validationFailure:
        // The parser's message may hold several lines; the reason is the first.
        let reason = message(for: error).split(separator: "\n").first ?? "unusable arguments"
        let hint = Self.suggestion.map { "did you mean 'swprof \($0)'?" } ?? "see 'swprof --help'"
        Terminal.complain("\(reason.prefix(1).lowercased())\(reason.dropFirst()); \(hint)")
        Glibc.exit(ExitStatus.usage.rawValue)
      default:
        // Help, version and completions are "errors" to the parser.
        show(fullMessage(for: error))
      }
    }
  }
}

/// A status that is not ours to choose: that of a profiled command.
struct CommandStatus: Error {
  let code: Int32
}
