import CommandRunning
import Foundation
import Testing

/// What shells offer behind a command, asked for as their scripts do.
@Suite struct CompletionTests {
  private let desk: CommandDesk

  init() throws { desk = try CommandDesk() }

  @Test func `bash completes the ids of tasks`() throws {
    let ids = try desk.store(targets: ["pid 4711 (nginx)", "command ./bench"])

    for words in [["report"], ["tasks", "show"], ["tasks", "rm"]] {
      let offered = try completions(words + ["--db", desk.database, ""])
      #expect(ids.allSatisfy { offered.contains("\($0)") }, "\(words): \(offered)")
    }
  }

  @Test func `bash runs nothing that the name of a task or process says`() throws {
    try desk.store(targets: ["command ./bench $(touch owned)", "`touch owned`"])

    _ = try completions(["report", "--db", desk.database, ""])
    // The shell that asks has such a name itself, of at most 15 bytes.
    let names = try completions(["oncpu", "--comm", ""], after: "printf '%s' '$(touch owned)' > /proc/$$/comm;")

    #expect(!names.isEmpty)
    #expect(!names.contains { $0.contains("touch") })
    #expect(!FileManager.default.fileExists(atPath: desk.path("owned")))
  }

  @Test func `zsh and fish get descriptions without anything that a shell would read`() throws {
    try desk.store(targets: ["command ./bench $(x) 'y' \u{1B}[31m"])

    let fish = try ask("fish", ["report", "--db", desk.database])
    let zsh = try ask("zsh", ["report", "--db", desk.database])

    #expect(fish.output.contains("1\toncpu, command ./bench ??x? ?y? ??31m"))
    #expect(zsh.output.contains("1:oncpu, command ./bench ??x? ?y? ??31m"))
  }

  @Test func `without a database nothing is offered and nothing said`() throws {
    let result = try ask("fish", ["report", "--db", "/no/such/database"])

    #expect(result.status == 0)
    #expect(result.output.allSatisfy { $0.isWhitespace })
    #expect(result.errors.isEmpty)
    #expect(!FileManager.default.fileExists(atPath: "/no/such/database"))
  }

  @Test func `a broken database offers nothing and says nothing`() throws {
    try "no database at all".write(toFile: desk.database, atomically: false, encoding: .utf8)

    let result = try ask("fish", ["report", "--db", desk.database])

    #expect(result.status == 0)
    #expect(result.output.allSatisfy { $0.isWhitespace })
    #expect(result.errors.isEmpty)
  }

  @Test func `bash completes processes by number and name`() throws {
    let own = try String(contentsOfFile: "/proc/self/comm", encoding: .utf8).trimmingCharacters(in: .newlines)

    #expect(try completions(["oncpu", "--pid", ""]).contains("\(getpid())"))
    #expect(try completions(["oncpu", "--comm", ""]).contains(own))
  }

  /// What the script for bash puts into `COMPREPLY` for a command line whose last word is being typed.
  private func completions(_ words: [String], after preparation: String = "") throws -> [String] {
    let quoted = words.map { "'\($0)'" }.joined(separator: " ")
    let result = try desk.shell(
      "\(preparation) source <($SWPROF --generate-completion-script bash); COMP_WORDS=(\"$SWPROF\" \(quoted));"
        + " COMP_CWORD=\(words.count); COMP_LINE=\"${COMP_WORDS[*]}\"; COMP_POINT=${#COMP_LINE};"
        + " _swprof \"$SWPROF\" '' '\(words.dropLast().last ?? "")';"
        + " printf '%s\\n' \"${COMPREPLY[@]}\"")
    try #require(result.status == 0, "\(result.errors)")
    return result.output.split(separator: "\n").map(String.init)
  }

  /// Asks for the tasks as the script for a shell does.
  private func ask(_ shell: String, _ words: [String]) throws -> CommandResult {
    try desk.run(
      ["---completion", "report", "--", "positional@0", "\(words.count + 1)", "0", "swprof"] + words + [""],
      environment: ["SAP_SHELL=\(shell)"])
  }
}
