import ProfileModel
import Testing

@testable import Rendering

@Suite struct DiffFoldedTests {
  private func profile(_ stacks: [([String], UInt64)]) -> Profile {
    var merge = StackTreeBuilder()
    var profile = Profile(threads: [
      ProfiledThread(process: ProcessID(rawValue: 1), thread: ThreadID(rawValue: 1), processName: "p", name: "p")
    ])
    for (names, count) in stacks {
      let frames = names.map { name in
        profile.frames.append(Frame(function: name))
        return profile.frames.count - 1
      }
      let weight = Weight(count: count, nanoseconds: count)
      profile.values.append(Profile.Value(thread: 0, stack: merge.insert(frames) ?? -1, weight: weight))
    }
    profile.stacks = merge.tree
    return profile
  }

  @Test func `stacks of either side have a line with both counts`() {
    let base = profile([(["main", "a"], 3), (["main", "gone"], 4), (["main"], 1)])
    let new = profile([(["main", "a"], 5), (["main", "came"], 2), (["main"], 1)])

    #expect(
      DiffFolded.render(base: base, new: new) == """
        p;main 1 1
        p;main;a 3 5
        p;main;came 0 2
        p;main;gone 4 0

        """)
  }
}
