import ArgumentParser
import LinuxSystem
import Metrics
import Policies
import ProfileModel
import Rendering
import Watching

struct PolicyCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "policy", abstract: "Look at the policies of 'swprof watch'.",
    discussion: """
      EXAMPLES
        swprof policy check policies.yaml
      """, subcommands: [Check.self])

  struct Check: ParsableCommand {
    static let configuration = CommandConfiguration(
      commandName: "check",
      abstract: "Check a policy file, and say which processes each policy would watch now.",
      discussion: """
        EXAMPLES
          swprof policy check policies.yaml
          sudo swprof policy check /etc/swprof/policies.yaml

        Every error is told with its line and column, all of them at once; the exit status is 65 then. Without root, the \
        programs of other users' processes are not known, and 'exe' does not match them.
        """)

    @Argument(help: ArgumentHelp("The policy file.", valueName: "file"), completion: .file()) var file: String

    func run() throws {
      let set = try PolicyCommand.read(PolicySource(path: file))
      let names = UserNames()
      let processes = ((try? ProcessTable.processes()) ?? []).sorted().compactMap { names.read($0) }
      for policy in set.policies {
        try Terminal.print(Self.text(of: policy, processes.filter { policy.match.includes($0) }))
      }
      for warning in HostSettings.warnings(for: set) { Terminal.complain("warning: " + warning) }
    }

    private static let listedProcesses = 20

    private static func text(of policy: Policy, _ processes: [WatchedProcess]) -> String {
      var lines = [
        "\(policy.name): \(policy.task.kind.name.rawValue) task of"
          + " \(TimeText.duration(nanoseconds: policy.task.durationNanoseconds ?? 0)), cooldown"
          + " \(TimeText.duration(nanoseconds: UInt64(policy.cooldownSeconds) * 1_000_000_000))"
      ]
      lines += policy.rules.map { "  when \($0.sentence)" }
      lines += processes.prefix(listedProcesses).map { "  watches \($0.key.process) (\($0.name))" }
      if processes.count > listedProcesses { lines.append("  watches \(processes.count - listedProcesses) more") }
      if processes.isEmpty { lines.append("  watches no process now") }
      return lines.map { DisplayText.visible($0) + "\n" }.joined()
    }
  }

  /// Reads policies; what is wrong with them is told line by line.
  static func read(_ source: PolicySource) throws -> PolicySet {
    var source = source
    do { return try source.read() } catch let error as PolicyFileError {
      for line in error.lines { Terminal.complain(line) }
      throw CommandStatus(code: ExitStatus.malformedData.rawValue)
    }
  }
}
