import CommandRunning
import Testing

/// Which swprof a binary is.
@Suite struct VersionTests {
  private let desk: CommandDesk

  init() throws { desk = try CommandDesk() }

  @Test func `the version names the commit that was built`() throws {
    let sources = #filePath.split(separator: "/").dropLast(3).map { "/\($0)" }.joined()
    let commit = try desk.shell(
      "[ ! -e '\(sources)/.git' ] || git -c safe.directory='*' -C '\(sources)' rev-parse --short=10 HEAD"
    ).output.filter { !$0.isNewline }

    let version = try desk.run(["--version"])

    #expect(version.status == 0)
    let expected = commit.isEmpty ? ["0.1.0\n"] : ["0.1.0 (\(commit))\n", "0.1.0 (\(commit), modified)\n"]
    #expect(expected.contains(version.output), "\(version.output)")
  }
}
