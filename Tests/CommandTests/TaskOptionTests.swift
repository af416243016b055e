import ArgumentParser
import Foundation
import Policies
import ProfileModel
import Testing

@testable import swprof

/// An option of a task, as a command line and as a policy has it.
struct TaskOption: CustomTestStringConvertible {
  let kind: TaskKind
  /// Of the command.
  let arguments: [String]
  /// Of the policy's task.
  let yaml: String
  /// How the policy calls it if it has an older word too.
  var oldYAML: String?

  var testDescription: String { "\(kind.rawValue) \(arguments.joined(separator: " "))" }

  /// The word of the command line.
  var name: String { arguments[0] }

  static let all: [TaskOption] =
    stacks(.onCPU) + stacks(.offCPU) + [
      TaskOption(kind: .onCPU, arguments: ["--freq", "199"], yaml: "freq: 199"),
      TaskOption(kind: .onCPU, arguments: ["--no-jitter"], yaml: "jitter: false"),
      TaskOption(kind: .offCPU, arguments: ["--min-block", "10ms"], yaml: "min_block: 10ms"),
      TaskOption(kind: .offCPU, arguments: ["--max-block", "1h"], yaml: "max_block: 1h"),
      TaskOption(kind: .offCPU, arguments: ["--phase", "runqueue"], yaml: "phase: runqueue"),
      TaskOption(kind: .offCPU, arguments: ["--phase", "all"], yaml: "phase: all"),
      TaskOption(
        kind: .offCPU, arguments: ["--phase", "yielded", "--phase", "blocked"], yaml: "phase: [yielded, blocked]"),
      TaskOption(kind: .offCPU, arguments: ["--state", "D,S"], yaml: "state: 'D,S'", oldYAML: "state: [D, S]"),
      TaskOption(kind: .offCPU, arguments: ["--wakers"], yaml: "wakers: true"),
      TaskOption(kind: .network, arguments: ["--duration", "20s"], yaml: "duration: 20s"),
      TaskOption(kind: .network, arguments: ["--no-include-children"], yaml: "include_children: false"),
      TaskOption(kind: .network, arguments: ["--uri", "^/api/"], yaml: "uri: '^/api/'"),
      TaskOption(kind: .network, arguments: ["--uri", "^/a", "--uri", "^/b"], yaml: "uri: ['^/a', '^/b']"),
      TaskOption(kind: .network, arguments: ["--slower-than", "0"], yaml: "slower_than: 0"),
      TaskOption(
        kind: .network, arguments: ["--sample", "slow,5xx"], yaml: "sample: 'slow,5xx'", oldYAML: "sample: [slow, 5xx]"),
      TaskOption(kind: .network, arguments: ["--sample", "none"], yaml: "sample: none"),
      TaskOption(kind: .network, arguments: ["--samples", "3"], yaml: "samples: 3"),
      TaskOption(kind: .network, arguments: ["--body", "4096"], yaml: "body: 4096", oldYAML: "body_bytes: 4096"),
      TaskOption(kind: .network, arguments: ["--no-content"], yaml: "content: false"),
      TaskOption(kind: .network, arguments: ["--fold-ids"], yaml: "fold_ids: true"),
      TaskOption(kind: .network, arguments: ["--call-times"], yaml: "call_times: true"),
    ]

  /// What both kinds of stacks have.
  private static func stacks(_ kind: TaskKind) -> [TaskOption] {
    [
      TaskOption(kind: kind, arguments: ["--duration", "20s"], yaml: "duration: 20s"),
      TaskOption(kind: kind, arguments: ["--user"], yaml: "user: true", oldYAML: "side: user"),
      TaskOption(kind: kind, arguments: ["--kernel"], yaml: "kernel: true", oldYAML: "side: kernel"),
      TaskOption(kind: kind, arguments: ["--unwind", "fp"], yaml: "unwind: fp"),
      TaskOption(kind: kind, arguments: ["--unwind", "dwarf"], yaml: "unwind: dwarf"),
      TaskOption(kind: kind, arguments: ["--no-include-children"], yaml: "include_children: false"),
    ]
  }
}

/// Commands and policies describe tasks by the same options.
@Suite struct TaskOptionTests {
  @Test(arguments: TaskOption.all)
  func `a command and a policy make the same task of an option`(option: TaskOption) throws {
    let asked = try Self.command(option.kind, option.arguments)

    #expect(try Self.policy(option.kind, option.yaml) == asked)
    #expect(try asked != Self.command(option.kind, []))
    if let old = option.oldYAML { #expect(try Self.policy(option.kind, old) == asked) }
  }

  @Test(arguments: TaskKind.allCases)
  func `without options, the tasks of a command and a policy are the same`(kind: TaskKind) throws {
    #expect(try Self.policy(kind, "") == Self.command(kind, []))
  }

  /// Where tasks come from and go to is not said by a policy.
  private static let others: Set<String> = [
    "pid", "comm", "cgroup", "all", "include-children", "kernel-threads", "folded", "svg", "html", "json",
    "speedscope", "pprof", "perf-script", "top", "dot", "by", "per-thread", "lines", "native-frames", "output", "color",
    "no-color", "db", "no-store", "note", "redact-args", "quiet", "verbose", "version", "help",
  ]

  @Test(arguments: TaskKind.allCases)
  func `the table has every option that a command shows`(kind: TaskKind) throws {
    let help =
      switch kind {
      case .onCPU: OnCPUCommand.helpMessage(columns: 200)
      case .offCPU: OffCPUCommand.helpMessage(columns: 200)
      case .network: NetworkCommand.helpMessage(columns: 200)
      }
    let lines = help.split(separator: "\n").filter { $0.hasPrefix("  -") }
    let names = Set(lines.flatMap { line in line.matches(of: /--([a-z-]+)/).map { String($0.output.1) }.prefix(2) })
    let known = Set(TaskOption.all.filter { $0.kind == kind }.map { String($0.name.dropFirst(2)) })

    #expect(names.count > 15, "\(help)")
    #expect(names.subtracting(Self.others).subtracting(known).isEmpty, "\(names)")
    #expect(known.subtracting(names).isEmpty)
  }

  @Test(arguments: [
    (["--duration", "10"], "it has no unit; expected a time, as 10s, 5m, 2h"),
    (["--duration", "10x"], "it has the unit 'x'; expected a time, as 10s, 5m, 2h"),
    (["--duration", "0s"], "give more than 0"),
    (["--uri", "("], "it is no regular expression; see its brackets and backslashes"),
    (["--samples", "1001"], "'--samples 1001': give 0 to 1000"),
    (["--body", "4097"], "'--body 4097': give 0 to 4096 bytes"),
    (["--body", "1", "--no-content"], "'--body' and '--no-content' exclude each other"),
  ])
  func `why an option cannot be read is told`(arguments: [String], reason: String) {
    do {
      _ = try NetworkCommand.parse(["--pid", "1"] + arguments)
      Issue.record("\(arguments) are read")
    } catch {
      #expect(NetworkCommand.message(for: error).contains(reason))
    }
  }

  // MARK: -

  /// What a command line comes to, whatever its target.
  private static func command(_ kind: TaskKind, _ arguments: [String]) throws -> TaskSpec {
    // The last of several durations holds.
    let words = ["--pid", "1", "--duration", "5m"] + arguments
    var spec =
      switch kind {
      case .onCPU: try OnCPUCommand.parse(words).spec
      case .offCPU: try OffCPUCommand.parse(words).spec
      case .network: try NetworkCommand.parse(words).spec
      }
    spec.target = .unaimed
    return spec
  }

  private static func policy(_ kind: TaskKind, _ option: String) throws -> TaskSpec {
    let file = """
      defaults: { duration: 5m }
      policies:
        - name: a
          match: { comm: b }
          task: { type: \(kind.rawValue), \(option) }
          rules: [{ metric: process_cpu, threshold: 80, period: 10s, count: 5 }]
      """
    return try #require(try PolicyFile.parse(Array(file.utf8), name: "p.yaml").policies.first).task
  }
}
