import Comparison
import Foundation
import ProfileModel
import Testing

#if canImport(FoundationXML)
  import FoundationXML
#endif

@testable import Rendering

@Suite struct CheckOutputTests {
  /// A function that became slower, one that has a new name, an accepted one, a faster one, and steady ones.
  static func check(name: String = "parse_header", accept: Bool = true) throws -> Check {
    let base: [(String, UInt64)] = [
      (name, 900), ("format", 600), ("old_name", 500), ("checksum", 700), ("send", 800), ("main_loop", 2500),
      ("read", 1500), ("write", 1300),
    ]
    let new: [(String, UInt64)] = [
      (name, 1300), ("format", 800), ("new_name", 520), ("checksum", 500), ("send", 805), ("main_loop", 2490),
      ("read", 1510), ("write", 1295),
    ]
    var options = Check.Options()
    options.today = "2026-11-23"
    if accept { options.accepted = try AcceptList("2026-12-31 format # a new field | in <every> line\n") }
    return Check(base: runs(base), new: runs(new), options: options)
  }

  private static func runs(_ counts: [(String, UInt64)]) -> [ComparedRun] {
    (0..<5).map { run in
      let steps: [UInt64] = [0, 9, 4, 13, 6]
      var stacks = StackTreeBuilder()
      var frames = [Frame(function: "serve", module: 0)]
      var values: [Profile.Value] = []
      for (index, (name, count)) in counts.enumerated() {
        frames.append(
          Frame(function: name, module: 0, source: SourceLocation(file: "/src/http.c", line: 200 + index)))
        let stack = stacks.insert([0, frames.count - 1]) ?? -1
        let weight = count + steps[(run + index) % steps.count]
        values.append(Profile.Value(thread: 0, stack: stack, weight: Weight(count: weight, nanoseconds: weight)))
      }
      let thread = ProfiledThread(
        process: ProcessID(rawValue: 1), thread: ThreadID(rawValue: 1), processName: "httpd", name: "httpd")
      let profile = Profile(
        modules: [Module(path: "/usr/lib/libhttp.so")], frames: frames, threads: [thread], stacks: stacks.tree,
        values: values)
      return ComparedRun(
        name: "run \(run)", costs: FunctionCosts(profile),
        quality: RunQuality(kind: .onCPU, unit: "samples", frequencyHertz: 999, machine: "host", of: profile))
    }
  }

  static let hostile =
    "]]></script><script>alert(1)</script>\u{1}\u{202E}\"'&;|`*[x](y)::error::%0A\n\(String(repeating: "x", count: 4096))"

  @Test func `a check is told in every form`() throws {
    let check = try Self.check()

    #expect(check.verdict == .regression)
    try expectGolden(CheckText.render(check), "check.txt")
    try expectGolden(CheckJSON.render(check), "check.json")
    try expectGolden(CheckMarkdown.render(check), "check.md")
    try expectGolden(CheckJUnit.render(check), "check.xml")
    try expectGolden(CheckAnnotations.render(check), "check.github")
    try expectGolden(DiffText.render(check), "diff.txt")
  }

  @Test func `hostile names leave JSON and XML well-formed and Markdown and commands inert`() throws {
    let check = try Self.check(name: Self.hostile)
    #expect(check.findings.contains { $0.result.key.name.hasPrefix("]]>") })

    _ = try JSONSerialization.jsonObject(with: Data(CheckJSON.render(check).utf8))
    let junit = CheckJUnit.render(check)
    #expect(XMLParser(data: Data(junit.utf8)).parse())
    #expect(!junit.contains("<script"))
    let markdown = CheckMarkdown.render(check)
    #expect(!markdown.contains("<script"))
    #expect(!markdown.contains("[x](y)"))
    #expect(markdown.split(separator: "\n").filter { $0.hasPrefix("|") }.allSatisfy { Self.cells($0) == 8 })
    let commands = CheckAnnotations.render(check).split(separator: "\n")
    #expect(commands.allSatisfy { $0.hasPrefix("::error ") || $0.hasPrefix("::warning ") || $0.hasPrefix("::notice ") })
    #expect(!CheckText.render(check).unicodeScalars.contains { $0.value < 32 && $0 != "\n" })
  }

  /// The cells of a table's row: bars that are not escaped part them.
  private static func cells(_ row: Substring) -> Int {
    var count = -1
    var isEscaped = false
    for character in row {
      if character == "|", !isEscaped { count += 1 }
      isEscaped = character == "\\" && !isEscaped
    }
    return count
  }

  @Test func `more than ten annotations are ten, the last of which counts the others`() {
    let weak = (0..<14).map { ("weak\($0)", UInt64(300)) }
    let slow = (0..<14).map { ("weak\($0)", UInt64(700)) }
    let steady = [("steady", UInt64(20_000))]
    let check = Check(base: Self.runs(weak + steady), new: Self.runs(slow + steady))

    let errors = CheckAnnotations.render(check).split(separator: "\n").filter { $0.hasPrefix("::error") }

    #expect(check.findings.count == 14)
    #expect(errors.count == 10)
    // Fourteen functions and the whole run.
    #expect(errors.last?.contains("6 more") == true)
  }

  @Test func `runs that can't be compared are a skipped test and a warning`() throws {
    let check = Check(base: [], new: [])

    #expect(CheckText.render(check).hasPrefix("not comparable: no verdict\n  the base side has no samples\n"))
    #expect(CheckJUnit.render(check).contains("skipped=\"1\""))
    #expect(CheckAnnotations.render(check).hasPrefix("::warning title=swprof check::not comparable"))
  }

  @Test func `an inconclusive check is a skipped test that says how many runs would do`() throws {
    let counts: [(String, UInt64)] = [("parse", 40), ("format", 60), ("main_loop", 90)]
    let check = Check(base: Self.runs(counts), new: Self.runs(counts))
    #expect(check.verdict == .inconclusive)

    let junit = CheckJUnit.render(check)

    #expect(XMLParser(data: Data(junit.utf8)).parse())
    let comparison = try #require(junit.split(separator: "\n").first { $0.contains("name=\"comparison\"") })
    #expect(comparison.contains("<skipped message=\"inconclusive: "))
    #expect(comparison.contains("\(try #require(check.runsNeeded)) runs of each side would do instead of 5"))
    // Each function in which growth could have been missed, and the comparison.
    #expect(junit.contains("failures=\"0\" errors=\"0\" skipped=\"\(check.blind.count + 1)\""))
  }
}
