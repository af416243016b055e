import CommandRunning
import Foundation
import Testing

/// Results go to standard output, all else to standard error; colors where a person looks.
@Suite struct StreamTests {
  private let desk: CommandDesk
  private let escape = "\u{1B}"

  init() throws { desk = try CommandDesk() }

  @Test func `a result is all there is where nothing is to be said`() throws {
    let result = try desk.run(["report", "--from", desk.stacks])

    #expect(result.status == 0)
    #expect(result.output.contains("parse"))
    #expect(result.errors.isEmpty)
  }

  @Test func `without a terminal there is no control character`() throws {
    for arguments in [["report", "--from", desk.stacks], ["diff", desk.stacks, desk.stacks], ["--help"]] {
      let result = try desk.run(arguments)

      #expect(result.status == 0, "\(result.errors)")
      #expect(!(result.output + result.errors).unicodeScalars.contains { $0 != "\n" && $0.value < 0x20 })
    }
  }

  @Test func `on a terminal a result is colored`() throws {
    #expect(try desk.onTerminal("report --from \(desk.stacks)").contains(escape))
  }

  @Test(arguments: ["NO_COLOR=1", "TERM=dumb"])
  func `the environment turns colors off`(variable: String) throws {
    let shown = try desk.onTerminal("report --from \(desk.stacks)", environment: [variable])

    #expect(shown.contains("parse"))
    #expect(!shown.contains(escape))
  }

  @Test func `an empty NO_COLOR is none`() throws {
    #expect(try desk.onTerminal("report --from \(desk.stacks)", environment: ["NO_COLOR="]).contains(escape))
  }

  @Test(arguments: ["--no-color", "--color never"])
  func `an option turns colors off`(option: String) throws {
    let shown = try desk.onTerminal("report \(option) --from \(desk.stacks)")

    #expect(shown.contains("parse"))
    #expect(!shown.contains(escape))
  }

  @Test func `colors that are asked for go into a pipe, whatever the environment says`() throws {
    let result = try desk.run(
      ["report", "--color", "always", "--from", desk.stacks], environment: ["NO_COLOR=1", "TERM=dumb"])

    #expect(result.output.contains(escape))
  }

  @Test func `each stream is judged on its own`() throws {
    // Standard error is the terminal, standard output is none.
    _ = try desk.onTerminal("report --from \(desk.stacks) > \(desk.path("plain"))")

    let plain = try String(contentsOfFile: desk.path("plain"), encoding: .utf8)
    #expect(plain.contains("parse"))
    #expect(!plain.contains(escape))
  }

  @Test func `a warning is said, unless quiet is asked for`() throws {
    try "app;main;parse 70\nno count here\n".write(toFile: desk.stacks, atomically: false, encoding: .utf8)

    let usual = try desk.run(["report", "--from", desk.stacks])
    let quiet = try desk.run(["report", "--quiet", "--from", desk.stacks])

    #expect(usual.errors.hasPrefix("swprof: "))
    #expect(quiet.status == 0)
    #expect(quiet.errors.isEmpty)
    #expect(quiet.output == usual.output)
  }

  @Test func `an error is said to the quiet as well`() throws {
    let result = try desk.run(["report", "-q", "--from", "/no/such/file"])

    #expect(result.status == 66)
    #expect(result.errorLines.count == 1)
  }

  @Test func `verbose tells where the database is`() throws {
    try desk.store(targets: ["all processes"])

    let result = try desk.run(["tasks", "list", "-v", "--db", desk.database])

    #expect(result.status == 0)
    #expect(result.errors == "swprof: database '\(desk.database)'\n")
  }

  @Test func `a reader that leaves ends the program quietly`() throws {
    let lines = (0..<20_000).map { "app;main;function_\($0) 1\n" }.joined()
    try lines.write(toFile: desk.stacks, atomically: false, encoding: .utf8)

    let result = try desk.shell(
      "$SWPROF report --folded --from \(desk.stacks) | head -1 >/dev/null; exit ${PIPESTATUS[0]}")

    #expect(result.status == 0)
    #expect(result.errors.isEmpty)
  }

  @Test func `what a file's name would do to a terminal is not done`() throws {
    let result = try desk.run(["report", "--from", "/no/such/\u{1B}[31mfile\nswprof: all is well"])

    #expect(result.errorLines.count == 1)
    #expect(!result.errors.contains(escape))
  }

  private static let lines: [(arguments: String, status: Int32)] = [
    ("--no-such-flag", 64), ("report --colour never", 64), ("report --color pink", 64),
    ("report --no-color --color always", 64), ("tasks list -q -v", 64), ("report zero", 64),
    ("report --db /no/such/database", 66), ("report --from /no/such/file", 66),
    ("tasks show 7 --db /no/such/database", 66), ("--version", 0), ("report --help", 0),
  ]

  @Test(arguments: lines)
  func `the exit code and one line say what is wrong`(arguments: String, status: Int32) throws {
    let result = try desk.run(arguments.split(separator: " ").map(String.init))

    #expect(result.status == status)
    #expect(result.errorLines.count == (status == 0 ? 0 : 1), "\(result.errors)")
    #expect(status == 0 || result.errors.hasPrefix("swprof: "))
  }

  @Test(arguments: [("reprot", "report"), ("taks", "tasks"), ("on-cpu", "oncpu")])
  func `a slip in a command's name is told`(word: String, meant: String) throws {
    let result = try desk.run([word])

    #expect(result.status == 64)
    #expect(result.errors.hasSuffix("; did you mean 'swprof \(meant)'?\n"))
    #expect(!(try desk.run(["flamegraph"]).errors.contains("did you mean")))
  }

  @Test(arguments: ["oncpu", "offcpu", "network", "report", "diff", "check", "tasks", "doctor"])
  func `help begins with examples`(command: String) throws {
    let lines = try desk.run([command, "--help"]).output.split(separator: "\n")

    let examples = try #require(lines.firstIndex { $0.hasSuffix("EXAMPLES") })
    let usage = try #require(lines.firstIndex { $0.hasPrefix("USAGE") })
    #expect(examples < usage)
    #expect(lines[examples + 1].contains("swprof \(command)"))
  }
}
