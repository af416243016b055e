import LinuxSystem
import ProfileModel
import Symbolication
import Testing

@testable import Capture
@testable import Recording

/// How frames of runtimes get their names.
struct RuntimeFrameTests {
  private func raw() -> RawProfile {
    let process = ProcessID(rawValue: 1)
    var builder = StackTreeBuilder()
    let stack = builder.insert([0, 1, 0, 2]) ?? -1
    var raw = RawProfile(
      sources: [.kernel, .vdso], locations: [.runtime(0), .runtime(1), .marker(.userMode)],
      threads: [ProfiledThread(process: process, thread: ThreadID(rawValue: 1), processName: "a", name: "a")],
      stacks: builder.tree,
      values: [Profile.Value(thread: 0, stack: stack, weight: Weight(count: 5, nanoseconds: 50))],
      account: SampleAccount(ticks: 5, taken: 5), warnings: [])
    raw.runtimeFrames = [
      RuntimeFrame(runtime: .python, process: process, object: 0x7000, position: 3),
      RuntimeFrame(runtime: .java, process: process, object: 0x8000, position: 0),
    ]
    return raw
  }

  private func frames(_ profile: Profile) -> [Frame] {
    profile.stacks.path(to: profile.values[0].stack).map { profile.frames[$0] }
  }

  @Test func `a runtime names its frames, with file and line`() {
    let names = RuntimeNames([
      .python: { frame in
        NamedFrame(
          function: "handle_\(String(frame.object, radix: 16))", address: 0, origin: .interpreted(.python),
          source: SourceLocation(file: "/srv/app.py", line: Int(frame.position)), module: Module(path: "app"))
      }
    ])

    let (profile, account, _) = ProfileAssembly.assemble(raw(), runtimes: names)

    let named = frames(profile)
    #expect(named.map(\.function) == ["handle_7000", "[java+0x8000]", "handle_7000", "[user mode]"])
    #expect(named.map(\.origin) == [.interpreted(.python), .unresolved, .interpreted(.python), .marker])
    #expect(named[0].source == SourceLocation(file: "/srv/app.py", line: 3))
    #expect(named[0].module.map { profile.modules[$0].path } == "app")
    #expect(account.defects == [.frameUnresolved: 5])
  }

  @Test func `names that were read during the capture stand in stacks, and what was freed is a mark`() {
    var raw = raw()
    let (python, java) = (raw.runtimeFrames[0], raw.runtimeFrames[1])
    raw.runtimeNames = [python: .function(name: "Shop.serve", file: "/srv/app.py", line: 3), java: .gone]

    let (profile, account, _) = ProfileAssembly.assemble(raw, runtimes: RuntimeNames(of: raw))

    let named = frames(profile)
    #expect(named.map(\.function) == ["Shop.serve", "[java: code gone]", "Shop.serve", "[user mode]"])
    #expect(named.map(\.origin) == [.interpreted(.python), .marker, .interpreted(.python), .marker])
    #expect(named[0].source == SourceLocation(file: "/srv/app.py", line: 3))
    #expect(named[0].module.map { profile.modules[$0].path } == "/srv/app.py")
    #expect(account.defects.isEmpty)
  }

  @Test func `a frame that its runtime does not know is a place without a name`() {
    let (profile, account, _) = ProfileAssembly.assemble(raw(), runtimes: RuntimeNames([.python: { _ in nil }]))

    #expect(frames(profile).map(\.function) == ["[python+0x7000]", "[java+0x8000]", "[python+0x7000]", "[user mode]"])
    #expect(account.defects == [.frameUnresolved: 5])
  }
}
