import CommandRunning
import Foundation
import Pprof
import ProfileModel
import Testing

/// Labels of a pprof file, as `report` chooses by them.
@Suite struct LabelReportTests {
  private let desk: CommandDesk
  private let file: String

  init() throws {
    desk = try CommandDesk()
    file = desk.path("labeled.pb.gz")
    let labels = [
      [Label(key: "request", value: "GET /a=b"), Label(key: "span", value: "1")],
      [Label(key: "request", value: "GET /a=b")], [],
    ]
    var stacks = StackTreeBuilder()
    let stack = stacks.insert([0]) ?? -1
    let thread = ProfiledThread(
      process: ProcessID(rawValue: 7), thread: ThreadID(rawValue: 7), processName: "shop", name: "shop")
    var profile = Profile(frames: [Frame(function: "serve")], threads: [thread], stacks: stacks.tree)
    for (labels, count) in zip(labels, [UInt64(1), 2, 4]) {
      profile.values.append(
        Profile.Value(
          thread: 0, stack: stack, labels: profile.labels.number(of: LabelSet(labels)),
          weight: Weight(count: count, nanoseconds: 0)))
    }
    let description = PprofDescription(kind: .onCPU, unit: "samples", hasThreads: true)
    try Data(PprofWriter.render([profile], description)).write(to: URL(filePath: file))
  }

  @Test(
    arguments: [
      ([], 7), (["request=GET /a=b"], 3), (["request=GET /a=b", "span=1"], 1), (["span=1"], 1),
    ] as [([String], Int)])
  func `report keeps what was measured under all labels`(labels: [String], count: Int) throws {
    let options = labels.flatMap { ["--label", $0] }
    #expect(
      try desk.run(["report", "--from", file, "--folded"] + options).output == "shop;serve \(count)\n")
  }

  @Test func `a label without a value is a usage error`() throws {
    for label in ["request", "=x", ""] {
      #expect(try desk.run(["report", "--from", file, "--label", label]).status == 64)
    }
  }

  @Test func `labels do not split what is compared`() throws {
    let result = try desk.run(["diff", file, file, "--folded"])
    #expect(result.status == 0, "\(result.errors)")
    #expect(result.output == "serve 7 7\n" || result.output == "shop;serve 7 7\n")
  }
}
