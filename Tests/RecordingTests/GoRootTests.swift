import LinuxSystem
import ProfileModel
import Testing

@testable import Capture
@testable import Recording

struct GoRootTests {
  /// A path of markers and code from root to leaf.
  private func profile(_ locations: [Location]) -> RawProfile {
    var builder = StackTreeBuilder()
    _ = builder.insert(Array(locations.indices))
    return RawProfile(
      sources: [.kernel, .vdso], locations: locations, threads: [], stacks: builder.tree, values: [], timeline: nil,
      account: SampleAccount(), warnings: [])
  }

  /// What the last of some locations stands on, if it is this function.
  private func base(_ function: String, _ locations: [Location]) -> (node: Int, defect: DefectCause?)? {
    let raw = profile(locations)
    return raw.stacks.nodes.last.flatMap { GoRoot(function)?.base(of: $0, raw) }
  }

  private let code = Location.code(source: 1, address: 0x10)
  private let cut = Location.marker(.truncated(.noFramePointer))

  @Test(arguments: ["runtime.systemstack", "runtime.systemstack.abi0", "runtime.mstart", "runtime.mcall"])
  func `a stack that ends at a root of Go's runtime is whole`(function: String) throws {
    let found = try #require(base(function, [cut, code]))

    #expect(found.node == -1)
    #expect(found.defect == .stackBroken)
  }

  @Test func `what was before the stack stays`() throws {
    let found = try #require(base("runtime.mstart", [.marker(.beforeTrigger), cut, code]))

    #expect(found.node == 0)
  }

  @Test func `only what the frame pointer may end in is mended`() {
    #expect(base("runtime.mstart", [.marker(.truncated(.tooDeep)), code]) == nil)
    #expect(base("runtime.mstart", [cut, code, code]) == nil)
    #expect(base("runtime.mstart", [code]) == nil)
    #expect(base("main.mstart", [cut, code]) == nil)
  }

  @Test func `what called a function that never returns is no part of its stack`() throws {
    let found = try #require(base("runtime.mcall", [cut, code, code]))
    let waker = try #require(base("runtime.mcall", [code, .marker(.wokenBy), code, code]))

    #expect(found.node == -1 && found.defect == .stackBroken)
    #expect(waker.node == 1 && waker.defect == nil)
  }
}
