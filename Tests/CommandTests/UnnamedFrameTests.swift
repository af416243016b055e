import LinuxSystem
import ProfileModel
import Testing

@testable import Capture
@testable import swprof

struct UnnamedFrameTests {
  @Test func `samples with a frame that has no name are counted once each`() {
    var builder = StackTreeBuilder()
    // Two frames without a name in one stack, one in another, and a stack of a marker alone.
    let stacks = [[0, 1], [2, 0], [2]].compactMap { builder.insert($0) }
    let raw = RawProfile(
      sources: [.kernel, .vdso, .missing(path: "/nonexistent/a")],
      locations: [.code(source: 2, address: 0x10), .code(source: 2, address: 0x20), .marker(.userMode)],
      threads: [
        ProfiledThread(process: ProcessID(rawValue: 1), thread: ThreadID(rawValue: 1), processName: "a", name: "a")
      ],
      stacks: builder.tree,
      values: zip(stacks, [3, 4, 5] as [UInt64]).map {
        Profile.Value(thread: 0, stack: $0, weight: Weight(count: $1, nanoseconds: 0))
      },
      timeline: nil, account: SampleAccount(ticks: 12, taken: 12), warnings: [])

    let account = ProfileAssembly.assemble(raw).account

    #expect(account.defects == [.frameUnresolved: 7])
  }
}
