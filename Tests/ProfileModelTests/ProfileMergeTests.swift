import ProfileModel
import Testing

@Suite struct ProfileMergeTests {
  /// A profile of one thread, with a stack for each list of functions; all of them lie in one module.
  private func profile(_ stacks: [([String], UInt64)], thread: Int32 = 1, module: String = "/a") -> Profile {
    var profile = Profile(modules: [Module(path: module)])
    profile.threads = [
      ProfiledThread(
        process: ProcessID(rawValue: 1), thread: ThreadID(rawValue: thread), processName: "p", name: "t\(thread)")
    ]
    var builder = StackTreeBuilder()
    for (names, count) in stacks {
      let frames = names.map { name in
        let frame = Frame(function: name, module: 0)
        if let known = profile.frames.firstIndex(of: frame) { return known }
        profile.frames.append(frame)
        return profile.frames.count - 1
      }
      guard let stack = builder.insert(frames) else { continue }
      profile.values.append(
        Profile.Value(
          thread: 0, stack: stack, weight: Weight(count: count, nanoseconds: count * 10),
          extremes: count...count + 1))
    }
    profile.stacks = builder.tree
    return profile
  }

  private func text(_ profile: Profile) -> Set<String> {
    Set(
      profile.values.map { value in
        let names = profile.stacks.path(to: value.stack).map { index in
          let frame = profile.frames[index]
          return "\(frame.function)@\(profile.moduleName(of: frame) ?? "")"
        }
        return "\(profile.threads[value.thread].name) \(names.joined(separator: ";")) \(value.weight.count)"
      })
  }

  @Test func `equal stacks of equal threads add up`() {
    let merged = Profile.merged([profile([(["f", "g"], 3), (["f"], 1)]), profile([(["h"], 2), (["f", "g"], 4)])])
    #expect(text(merged) == ["t1 f@a;g@a 7", "t1 f@a 1", "t1 h@a 2"])
    #expect(merged.total == Weight(count: 10, nanoseconds: 100))
    #expect(merged.modules.count == 1)
    #expect(merged.frames.count == 3)
    let both = merged.values.first { $0.weight.count == 7 }
    #expect(both?.extremes == 3...5)
  }

  @Test func `other threads and other modules stay apart`() {
    let merged = Profile.merged([
      profile([(["f"], 1)]), profile([(["f"], 2)], thread: 2), profile([(["f"], 3)], module: "/b"),
    ])
    #expect(text(merged) == ["t1 f@a 1", "t2 f@a 2", "t1 f@b 3"])
  }

  @Test func `interpreters are left out, and a stack of their code alone keeps its leaf`() {
    var profile = profile([(["loop", "f", "call", "g"], 3), (["loop", "f", "g"], 2), (["loop", "call"], 1)])
    profile.frames = profile.frames.map { frame in
      ["loop", "call"].contains(frame.function)
        ? Frame(function: frame.function, module: frame.module, origin: .interpreterNative(.python)) : frame
    }
    #expect(text(profile.withoutInterpreterFrames) == ["t1 f@a;g@a 5", "t1 call@a 1"])
  }

  @Test func `a profile without an interpreter stays as it is`() {
    let profile = profile([(["f", "g"], 3)])
    #expect(profile.withoutInterpreterFrames == profile)
  }

  @Test func `one profile stays as it is, none is empty`() {
    let one = profile([(["f", "g"], 3)])
    #expect(Profile.merged([one]) == one)
    #expect(Profile.merged([]) == Profile())
  }

  @Test func `a length that one of two does not know is not known`() {
    var other = profile([(["f"], 1)])
    other.values = other.values.map { Profile.Value(thread: $0.thread, stack: $0.stack, weight: $0.weight) }
    #expect(Profile.merged([profile([(["f"], 1)]), other]).values[0].extremes == nil)
  }
}
