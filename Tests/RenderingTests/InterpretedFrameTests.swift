import Foundation
import ProfileModel
import Testing

@testable import Rendering

/// Functions that a runtime interprets, as each output shows them.
@Suite struct InterpretedFrameTests {
  private let profile: Profile = {
    var builder = ProfileBuilder()
    builder.add(
      [
        Frame(function: "main"), Frame(function: "serve", origin: .interpreted(.python)),
        Frame(function: "serve", origin: .interpreted(.java)),
      ], count: 3)
    return builder.profile
  }()

  @Test func `folded stacks mark them by their languages`() {
    #expect(Folded.render(profile, root: .none) == "main;serve_[p];serve_[java] 3\n")
  }

  @Test func `JSON tells the language of interpreted functions alone`() throws {
    let text = ProfileJSON.render(nil, profile)
    let document = try #require(try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any])
    let frames = try #require(document["frames"] as? [[String: Any]])
    #expect(frames.map { $0["origin"] as? String } == ["user", "interpreted", "interpreted"])
    #expect(frames.map { $0["language"] as? String } == [nil, "python", "java"])
  }

  @Test(arguments: [FlamePalette.onCPU, .offCPU])
  func `they have colors and a legend of their own`(palette: FlamePalette) {
    let color = FlameColor(.function(.interpreted(.python), isInlined: false))
    #expect(color.name == "interpreted")
    for isDark in [false, true] {
      for other in FlameColor.allCases where other != color {
        let (own, others) = (color.colors(palette, isDark: isDark), other.colors(palette, isDark: isDark))
        #expect(Set(own).isDisjoint(with: others), "\(other)")
      }
    }
  }

  @Test func `a report names the line of a Python function that most of its own weight was on`() throws {
    var builder = ProfileBuilder()
    let file = builder.module("/srv/app.py")
    for (line, count) in [(7, UInt64(10)), (8, 30), (9, 20)] {
      let source = SourceLocation(file: "/srv/app.py", line: line)
      builder.add(
        [Frame(function: "Shop.serve", module: file, origin: .interpreted(.python), source: source)], count: count)
    }
    let text = TopReport.render(
      task: Sample.task, profile: builder.profile, measure: .count, nextCommands: [], isColored: false)
    #expect(text.contains("spent 100 % of its 60 samples in Shop.serve (app.py:8)"))
    let row = try #require(text.split(separator: "\n").first { $0.contains("Shop.serve_[p]") })
    #expect(row.hasSuffix("  app.py:8"))
    #expect(Summary.render(task: Sample.task, profile: builder.profile, isColored: false).contains("app.py:8"))
  }

  @Test func `the verdict about a native function names the Python line that most of it was called from`() {
    var builder = ProfileBuilder()
    let sort = Frame(function: "list_sort")
    for (line, count) in [(7, UInt64(10)), (8, 30)] {
      let source = SourceLocation(file: "/srv/app.py", line: line)
      let caller = Frame(function: "serve", origin: .interpreted(.python), source: source)
      builder.add([caller, Frame(function: "builtin_sorted"), sort], count: count)
    }
    builder.add([sort], count: 50)
    let text = TopReport.render(
      task: nil, profile: builder.profile, measure: .count, nextCommands: [], isColored: false)
    #expect(text.hasPrefix("the profile spent 100 % of its 90 samples in list_sort, called by serve (app.py:8)\n"))
  }

  @Test func `a wait is of the innermost Python function, at its line`() {
    var builder = ProfileBuilder()
    let source = SourceLocation(file: "/srv/app.py", line: 8)
    builder.add(
      [
        Frame(function: "read", origin: .interpreted(.python), source: source), Frame(function: "sock_recv"),
        Frame(function: "__x64_sys_recvfrom", origin: .kernel), Frame(function: "[blocked]", origin: .marker),
      ], count: 3)
    let site = WaitSites(builder.profile, elapsedNanoseconds: nil).busy(by: \.count, limit: 1).first
    #expect(site?.function == "read (app.py:8)_[p]")
    #expect(site?.waitsIn == "recvfrom")
  }

  @Test func `functions of two languages are two, in a fixed order`() {
    let labels = [FrameOrigin.interpreted(.python), .interpreted(.java)].map {
      FrameLabel(name: "f", kind: .function($0, isInlined: false))
    }
    #expect(FrameLabel.precedes(labels[1], labels[0]))
    #expect(!FrameLabel.precedes(labels[0], labels[1]))
    #expect(FunctionTotals(profile).hottestByTotal(limit: 9).map(\.name).sorted() == ["main", "serve", "serve"])
  }

  @Test func `they are user code`() {
    var selection = ProfileSelection()
    selection.side = .kernel
    #expect(selection.apply(to: profile).values.isEmpty)
    #expect(FunctionTotals(profile).completeUserStacks == 3)
  }
}
