import Foundation
import ProfileModel
import Testing

@testable import Rendering

/// A page with graphs of both kinds: styles of a page hold for all of it.
@Suite(.serialized) struct WindowBrowserTests {
  private let folder: Folder

  init() throws { folder = try Folder() }

  private func task(_ id: Int64, _ kind: TaskKind) -> ProfilingTask {
    let payload: TaskSpec.Kind = kind == .offCPU ? .offCPU(OffCPUOptions()) : .onCPU(OnCPUOptions())
    return ProfilingTask(
      id: TaskID(rawValue: id), target: "pid 1 (bench)", spec: TaskSpec(kind: payload), host: "host", kernel: "6.18",
      startedAt: WallTime(nanoseconds: id * 1_000_000_000), endedAt: WallTime(nanoseconds: (id + 1) * 1_000_000_000),
      status: .done)
  }

  private var profile: Profile {
    var stacks = StackTreeBuilder()
    let thread = ProfiledThread(
      process: ProcessID(rawValue: 1), thread: ThreadID(rawValue: 1), processName: "bench", name: "bench")
    let node = stacks.insert([0, 1]) ?? -1
    return Profile(
      frames: [Frame(function: "main"), Frame(function: "schedule", origin: .kernel)], threads: [thread],
      stacks: stacks.tree,
      values: [Profile.Value(thread: 0, stack: node, weight: Weight(count: 100, nanoseconds: 5_000_000_000))])
  }

  /// The fill of each box of a task's graph, by the class that names its family and shade.
  private func fills(_ task: Int) -> String {
    """
    Array.from(document.querySelectorAll('#task-\(task) .frames g')).map((box) =>
      box.getAttribute('class') + ' ' + getComputedStyle(box.querySelector('rect')).fill).join(', ')
    """
  }

  private func expected(_ palette: FlamePalette, isDark: Bool) -> [String: String] {
    var colors: [String: String] = [:]
    for family in FlameColor.allCases {
      for (shade, color) in family.colors(palette, isDark: isDark).enumerated() {
        let number = Int(color.dropFirst(), radix: 16) ?? 0
        colors["\(family.rawValue)\(shade)"] = "rgb(\(number >> 16), \(number >> 8 & 255), \(number & 255))"
      }
    }
    return colors
  }

  @Test(arguments: [[TaskKind.onCPU, .offCPU], [.offCPU, .onCPU], [.offCPU, .onCPU, .offCPU]])
  func `each graph has the colors of its own kind, in both schemes`(kinds: [TaskKind]) throws {
    let tasks = kinds.enumerated().map { task(Int64($0) + 1, $1) }
    let report = WindowReport(
      tasks: tasks, window: WallTime(nanoseconds: 0)..<WallTime(nanoseconds: 10_000_000_000))
    let url = try folder.page(report.html { _ in .profile(profile) }, "window.html")
    let background = "getComputedStyle(document.querySelector('svg.chart')).backgroundColor"
    let steps = kinds.indices.map { Browser.Step.evaluate(fills($0 + 1)) } + [.evaluate(background)]

    for isDark in [false, true] {
      let visit = try Browser.visit([Browser.Page(url: url, isDark: isDark, steps: steps)])[0]

      #expect(visit.problems.isEmpty, "\(visit.problems)")
      for (index, kind) in kinds.enumerated() {
        let colors = expected(kind == .offCPU ? .offCPU : .onCPU, isDark: isDark)
        let boxes = try #require(visit.text(index)).split(separator: ", rgb").joined(separator: ", rgb")
          .components(separatedBy: ", ").joined(separator: ", ")
        let pairs = boxes.matches(of: /([a-z]\d) (rgb\(\d+, \d+, \d+\))/)
        #expect(pairs.count >= 4)
        for pair in pairs { #expect(colors[String(pair.1)] == String(pair.2), "\(kind) \(isDark)") }
      }
      // The rules of graphs hold in no other drawing of the page.
      #expect(visit.text(kinds.count) == "rgba(0, 0, 0, 0)")
    }
  }
}
