import CommandRunning
import Foundation
import Testing

/// Which swprof a binary is.
@Suite struct VersionTests {
  private let desk: CommandDesk

  init() throws { desk = try CommandDesk() }

  @Test func `the version names the commit that was built`() throws {
    let sources = #filePath.split(separator: "/").dropLast(3).map { "/\($0)" }.joined()
    let text = try desk.run(["--version"]).output

    let version = try #require(text.wholeMatch(of: /0\.1\.0( \((?<commit>[0-9a-f]{10})(, modified)?\))?\n/), "\(text)")
    guard let commit = version.output.commit else {
      // Sources without their history have no commit to name.
      #expect(!FileManager.default.fileExists(atPath: "\(sources)/.git"))
      return
    }
    // A commit may be younger than the build.
    let known = try desk.shell("git -c safe.directory='*' -C '\(sources)' merge-base --is-ancestor \(commit) HEAD")
    #expect(known.status == 0, "\(known.errors)")
  }
}
