import LinuxSystem
import ProfileModel
import Testing

@testable import Capture
@testable import Recording

struct UnnamedFrameTests {
  @Test func `samples with a caller that was guessed are counted once each`() {
    var builder = StackTreeBuilder()
    // Two guesses in one stack, one in another, and a stack without any.
    let stacks = [[0, 1, 0], [1, 0, 1], [1]].compactMap { builder.insert($0) }
    let raw = profile(builder.tree, stacks, locations: [.marker(.guessedCaller), .marker(.userMode)])

    let account = ProfileAssembly.assemble(raw).account

    #expect(account.defects == [.callerGuessed: 7])
  }

  @Test func `samples with a frame that has no name are counted once each`() {
    var builder = StackTreeBuilder()
    // Two frames without a name in one stack, one in another, and a stack of a marker alone.
    let stacks = [[0, 1], [2, 0], [2]].compactMap { builder.insert($0) }
    let raw = profile(
      builder.tree, stacks,
      locations: [.code(source: 2, address: 0x10), .code(source: 2, address: 0x20), .marker(.userMode)])

    let account = ProfileAssembly.assemble(raw).account

    #expect(account.defects == [.frameUnresolved: 7])
  }

  /// Stacks with 3, 4 and 5 samples.
  private func profile(_ tree: StackTree, _ stacks: [Int32], locations: [Location]) -> RawProfile {
    RawProfile(
      sources: [.kernel, .vdso, .missing(path: "/nonexistent/a")],
      locations: locations,
      threads: [
        ProfiledThread(process: ProcessID(rawValue: 1), thread: ThreadID(rawValue: 1), processName: "a", name: "a")
      ],
      stacks: tree,
      values: zip(stacks, [3, 4, 5] as [UInt64]).map {
        Profile.Value(thread: 0, stack: $0, weight: Weight(count: $1, nanoseconds: 0))
      },
      timeline: nil, account: SampleAccount(ticks: 12, taken: 12), warnings: [])
  }
}
