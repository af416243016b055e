import CommandRunning
import Compression
import Foundation
import GRDB
import GoldenFiles
import SwiftProtobuf
import Testing

@testable import Pprof

/// What is reported of tasks that version 0.1.0 has stored: the same as that version reported.
///
/// `tasks.sql` is the dump of a database of that version:
///
/// | task | what |
/// |---|---|
/// | 1 | on-CPU: native, inlined, kernel, JIT and unnamed code, hostile names, a timeline, losses |
/// | 2 | on-CPU, user side of a command: each mark of a cut, guessed or doubted stack, source lines |
/// | 3 | off-CPU: every phase, left-out waits, losses |
/// | 4 | off-CPU with wakers, states and kernel threads |
/// | 5 | network with every table |
/// | 6 | on-CPU, started by a watch, with its trigger; with decisions and values of the watch |
/// | 7, 8 | on-CPU and network without any data |
/// | 9 | failed |
/// | 10 | never ended: its swprof was killed |
@Suite(.serialized) struct StoredTaskTests {
  private let desk: CommandDesk

  init() throws {
    desk = try CommandDesk()
    let dump = try String(contentsOf: Self.fixture("tasks.sql"), encoding: .utf8)
    let database = try DatabaseQueue(path: desk.database)
    try database.writeWithoutTransaction { try $0.execute(sql: dump) }
    try database.close()
  }

  private static func fixture(_ name: String) -> URL {
    URL(filePath: #filePath).deletingLastPathComponent().appending(path: "Fixtures/stored/\(name)")
  }

  /// Runs a command that writes to a file, and compares it with a golden file.
  private func expectGolden(
    _ name: String, _ arguments: [String], sourceLocation: SourceLocation = #_sourceLocation
  ) throws {
    let output = desk.path("output")
    let result = try desk.run(arguments + ["--db", desk.database, "-q", "-o", output])
    try #require(result.status == 0, "\(name): \(result.errors)", sourceLocation: sourceLocation)
    let text = try Self.text(of: Data(contentsOf: URL(filePath: output)))
    let difference = try GoldenFile.difference(text, from: Self.fixture(name))
    #expect(difference == nil, sourceLocation: sourceLocation)
  }

  /// An output as text: pprof as its message, documents without their scripts and styles.
  private static func text(of output: Data) throws -> String {
    let bytes = [UInt8](output)
    if Gzip.isGzip(bytes) {
      return try Perftools_Profiles_Profile(serializedBytes: Gzip.decompress(bytes, limitBytes: 1 << 24))
        .textFormatString()
    }
    var text = String(decoding: bytes, as: UTF8.self)
    for (start, end) in [("<style>", "</style>"), ("<script>", "</script>"), ("'sha256-", "'")] {
      let parts = text.split(separator: start, omittingEmptySubsequences: false)
      text =
        parts[0]
        + parts.dropFirst().map { part in
          start + (part.firstRange(of: end).map { part[$0.lowerBound...] } ?? part)
        }.joined()
    }
    return text
  }

  @Test(arguments: [1, 2, 3, 4, 6, 7])
  func `a task with stacks is reported as before`(task: Int) throws {
    try expectGolden("\(task).txt", ["report", "\(task)"])
    for format in ["folded", "svg", "html", "json", "speedscope", "pprof", "top"] {
      try expectGolden("\(task).\(format)", ["report", "\(task)", "--\(format)"])
    }
  }

  @Test(arguments: [5, 8])
  func `a network task is reported as before`(task: Int) throws {
    try expectGolden("\(task).txt", ["report", "\(task)"])
    for format in ["svg", "html", "json", "dot"] {
      try expectGolden("\(task).\(format)", ["report", "\(task)", "--\(format)"])
    }
  }

  @Test func `parts and several tasks are reported as before`() throws {
    try expectGolden("part.folded", ["report", "1", "--folded", "--since", "2s", "--until", "5s", "--per-thread"])
    try expectGolden("lines.folded", ["report", "2", "--folded", "--lines"])
    try expectGolden("count.folded", ["report", "3", "--folded", "--by", "count", "--kernel"])
    try expectGolden("waits.perf-script", ["report", "3", "--perf-script"])
    try expectGolden("reverse.svg", ["report", "4", "--svg", "--reverse", "--root", "thread", "--inverted"])
    try expectGolden("both.pprof", ["report", "1", "6", "--pprof"])
    try expectGolden("diff.txt", ["diff", "1", "2"])
    try expectGolden("diff.svg", ["diff", "1", "2", "--svg"])
    try expectGolden("diff.html", ["diff", "1", "2", "--html"])
  }

  @Test func `profiles of other tools are reported as before`() throws {
    for format in ["folded", "json", "pprof", "html"] {
      try expectGolden("folded.\(format)", ["report", "--from", desk.stacks, "--title", "app.folded", "--\(format)"])
    }
  }

  @Test(arguments: [("tasks", ["tasks"]), ("failed", ["tasks", "show", "9"]), ("watched", ["tasks", "show", "6"])])
  func `tasks are listed as before`(name: String, arguments: [String]) throws {
    let result = try desk.run(arguments + ["--db", desk.database])
    try #require(result.status == 0, "\(result.errors)")
    let difference = try GoldenFile.difference(result.output, from: Self.fixture("\(name).txt"))
    #expect(difference == nil)
  }
}
