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
    #expect(Folded.render(profile, root: .none) == "main;serve_[python];serve_[java] 3\n")
  }

  @Test func `JSON tells the language of interpreted functions alone`() throws {
    let text = ProfileJSON.render(nil, profile)
    let document = try #require(try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any])
    let frames = try #require(document["frames"] as? [[String: Any]])
    #expect(frames.map { $0["origin"] as? String } == ["user", "interpreted", "interpreted"])
    #expect(frames.map { $0["language"] as? String } == [nil, "python", "java"])
  }

  @Test func `they have the colors of compiled code and a legend of their own`() {
    let label = FrameLabel(name: "f", kind: .function(.interpreted(.python), isInlined: false))
    let compiled = FrameLabel(name: "f", kind: .function(.jit, isInlined: false))
    #expect(FlameColor.styleClass(of: label) == FlameColor.styleClass(of: compiled))
    #expect(FlameColor(label.kind).name == "interpreted")
    #expect(!FlameColor.families.contains(.interpreted))
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
