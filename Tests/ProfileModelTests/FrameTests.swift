import ProfileModel
import Testing

@Suite struct FrameTests {
  @Test(arguments: [
    (Frame(function: "f"), ""),
    (Frame(function: "f", isInlined: true), "_[i]"),
    (Frame(function: "f", origin: .kernel), "_[k]"),
    (Frame(function: "f", origin: .kernel, isInlined: true), "_[k]"),
    (Frame(function: "f", origin: .jit), "_[j]"),
    (Frame(function: "f", origin: .interpreted(.python)), "_[p]"),
    (Frame(function: "f", origin: .interpreted(.java)), "_[java]"),
    (Frame(function: "f", origin: .interpreterNative(.python)), ""),
    (Frame(function: "[libc.so.6+0x10]", origin: .unresolved), ""),
    (Frame.truncated(.tooDeep), ""),
  ])
  func `the annotation tells the kind of frame`(frame: Frame, annotation: String) {
    #expect(frame.annotation == annotation)
  }

  @Test(arguments: [
    ("/usr/lib/x86_64-linux-gnu/libc.so.6", "libc.so.6"), ("/bench", "bench"), ("bench", "bench"),
    ("[kernel]", "[kernel]"), ("[a/b]", "[a/b]"), ("/usr/lib/", ""), ("", ""), ("/opt/my app/bin/ünï", "ünï"),
  ])
  func `a module is called by the last component of its path`(path: String, name: String) {
    #expect(Module(path: path).name == name)
  }

  @Test func `a profile names the module of a frame, or none`() {
    let profile = Profile(modules: [Module(path: "/bin/true")])
    #expect(profile.moduleName(of: Frame(function: "main", module: 0)) == "true")
    #expect(profile.moduleName(of: .truncated(.tooDeep)) == nil)
  }
}
