import Foundation
import ProfileModel
import Testing

@testable import Rendering

/// Labels of values, as each output has them.
@Suite struct LabelOutputTests {
  private let get = Label(key: "request", value: "GET /<b>")
  private let put = Label(key: "request", value: "PUT /")

  /// A stack under two label sets and under none.
  private var profile: Profile {
    var builder = ProfileBuilder()
    builder.add(["main", "f"], count: 1)
    builder.add(["main"], count: 4)
    var profile = builder.profile
    let value = profile.values[0]
    for (label, count) in [(get, UInt64(2)), (put, 8)] {
      profile.values.append(
        Profile.Value(
          thread: value.thread, stack: value.stack, labels: profile.labels.number(of: LabelSet([label])),
          weight: Weight(count: count, nanoseconds: count)))
    }
    return profile
  }

  private func object(_ text: String) throws -> [String: Any] {
    try #require(try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any])
  }

  @Test func `JSON has the label sets and the set of each value`() throws {
    let document = try object(ProfileJSON.render(nil, profile))
    let values = try #require(document["values"] as? [String: [Int]])
    #expect(values["labels"] == [-1, -1, 0, 1])
    let sets = try #require(document["label_sets"] as? [[[String: String]]])
    #expect(sets == [[["key": "request", "value": "GET /<b>"]], [["key": "request", "value": "PUT /"]]])
  }

  @Test func `the data of a page has the label sets, the empty one first`() throws {
    let text = HTMLData(profile).json(unit: "samples", isOffCPU: false, hasTimes: false, hasThreads: true)
    let data = try object(text)
    #expect((data["values"] as? [String: [Int]])?["labels"] == [0, 0, 1, 2])
    #expect(data["label_sets"] as? [[[String]]] == [[], [["request", "GET /<b>"]], [["request", "PUT /"]]])
  }

  @Test func `without labels neither says anything of them`() {
    let texts = [
      ProfileJSON.render(nil, profile.withoutLabels),
      HTMLData(profile.withoutLabels).json(unit: "samples", isOffCPU: false, hasTimes: false, hasThreads: true),
    ]
    for text in texts { #expect(!text.contains("label_sets")) }
    #expect(!texts[0].contains("\"labels\""))
  }

  @Test func `labels do not split what is drawn`() {
    #expect(Folded.render(profile, root: .none) == "main 4\nmain;f 11\n")
    #expect(FunctionTotals(profile).total == 15)
    #expect(
      SVG.render(profile, title: "t", subtitle: "", root: .none)
        == SVG.render(profile.withoutLabels, title: "t", subtitle: "", root: .none))
  }

  @Test func `values are chosen by their labels`() {
    var selection = ProfileSelection()
    selection.labels = { $0.contains(put) }
    #expect(Folded.render(selection.apply(to: profile), root: .none) == "main;f 8\n")
    selection.labels = \.isEmpty
    #expect(Folded.render(selection.apply(to: profile), root: .none) == "main 4\nmain;f 1\n")
  }
}
