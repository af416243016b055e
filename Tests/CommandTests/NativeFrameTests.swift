import CommandRunning
import Foundation
import Pprof
import ProfileModel
import Testing

/// The native frames of an interpreter, which commands leave out unless they are asked for them.
@Suite struct NativeFrameTests {
  private let desk: CommandDesk
  private let file: String

  init() throws {
    desk = try CommandDesk()
    file = desk.path("python.pb.gz")
    let frames = [
      Frame(function: "_PyEval_EvalFrameDefault", module: 0, address: 1, origin: .interpreterNative(.python)),
      Frame(function: "serve", module: 1, origin: .interpreted(.python)),
      Frame(function: "list_sort", module: 0, address: 2),
    ]
    var stacks = StackTreeBuilder()
    let stack = stacks.insert([0, 1, 2]) ?? -1
    let thread = ProfiledThread(
      process: ProcessID(rawValue: 7), thread: ThreadID(rawValue: 7), processName: "shop", name: "shop")
    var profile = Profile(
      modules: [Module(path: "/usr/bin/python3"), Module(path: "/srv/app.py")], frames: frames, threads: [thread],
      stacks: stacks.tree)
    profile.values = [Profile.Value(thread: 0, stack: stack, weight: Weight(count: 40, nanoseconds: 0))]
    let description = PprofDescription(kind: .onCPU, unit: "samples", hasThreads: true)
    try Data(PprofWriter.render([profile], description)).write(to: URL(filePath: file))
  }

  private static let formats = ["--folded", "--svg", "--html", "--json", "--speedscope", "--perf-script", "--top"]

  @Test(arguments: formats)
  func `report leaves them out of each format, and has them on demand`(format: String) throws {
    let plain = try desk.run(["report", "--from", file, format]).output
    #expect(plain.contains("serve"))
    #expect(plain.contains("list_sort"))
    #expect(!plain.contains("_PyEval"))
    #expect(try desk.run(["report", "--from", file, format, "--native-frames"]).output.contains("_PyEval"))
  }

  @Test func `pprof has them on demand`() throws {
    for (options, count) in [([], 2), (["--native-frames"], 3)] as [([String], Int)] {
      let path = desk.path("out.pb.gz")
      #expect(try desk.run(["report", "--from", file, "--pprof", "-o", path] + options).status == 0)
      let read = try PprofReader.read([UInt8](Data(contentsOf: URL(filePath: path))))
      #expect(read.profile.frames.count == count)
    }
  }

  @Test func `diff leaves them out, and has them on demand`() throws {
    #expect(try desk.run(["diff", file, file, "--folded"]).output == "shop;serve_[p];list_sort 40 40\n")
    let whole = try desk.run(["diff", file, file, "--folded", "--native-frames"]).output
    #expect(whole == "shop;_PyEval_EvalFrameDefault;serve_[p];list_sort 40 40\n")
  }

  @Test func `a name that is left out is not found either`() throws {
    #expect(try desk.run(["report", "--from", file, "--folded", "--focus", "PyEval"]).output.isEmpty)
  }
}
