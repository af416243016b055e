import Foundation
import ProfileModel
import Rendering
import Testing

/// How threads of Python stood to the global interpreter lock, as summaries tell it.
@Suite struct GILSharesTests {
  private func profile(_ states: [(state: String?, weight: Weight)]) -> Profile {
    var builder = ProfileBuilder()
    builder.add(["f"], count: 1)
    var profile = builder.profile
    profile.values = states.map { state, weight in
      let labels = LabelSet(state.map { [Label(key: "gil", value: $0), Label(key: "span", value: "1")] } ?? [])
      return Profile.Value(thread: 0, stack: 0, labels: profile.labels.number(of: labels), weight: weight)
    }
    return profile
  }

  private let states: [(state: String?, weight: Weight)] = [
    ("held", Weight(count: 60, nanoseconds: 1)), ("waiting", Weight(count: 30, nanoseconds: 1)),
    ("none", Weight(count: 10, nanoseconds: 2)), (nil, Weight(count: 900, nanoseconds: 900)),
    ("later", Weight(count: 5, nanoseconds: 5)),
  ]

  @Test func `samples count by their label, and those without one do not`() throws {
    let shares = try #require(GILShares(profile(states), measure: .count))
    #expect(shares.sentence == "held 60.0 %, waited for 30.0 %, without it 10.0 %")
  }

  @Test func `waits count by their time`() throws {
    let shares = try #require(GILShares(profile(states), measure: .nanoseconds))
    #expect(shares.sentence == "held 25.0 %, waited for 25.0 %, without it 50.0 %")
  }

  @Test func `a profile without the label has no shares`() {
    #expect(GILShares(profile([(nil, Weight(count: 3, nanoseconds: 3))]), measure: .count) == nil)
    #expect(!Summary.render(task: Sample.task, profile: Sample.profile, isColored: false).contains("GIL"))
    #expect(!ProfileJSON.render(nil, Sample.profile).contains("\"gil\""))
  }

  @Test func `the summary and JSON have them`() throws {
    let summary = Summary.render(task: Sample.task, profile: profile(states), isColored: false)
    #expect(summary.contains("\n  GIL      held 60.0 %, waited for 30.0 %, without it 10.0 %\n"))
    let text = ProfileJSON.render(Sample.task, profile(states))
    let document = try #require(try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any])
    #expect(document["gil"] as? [String: Int] == ["held": 60, "waiting": 30, "none": 10])
  }
}
