import CommandRunning
import Foundation
import ProfileModel
import Rendering
import Testing

@testable import swprof

/// The file for Prometheus, as Prometheus's own parser reads it.
@Suite struct OpenMetricsTests {
  private let desk: CommandDesk

  init() throws { desk = try CommandDesk() }

  private func state(_ names: [String], cpu: Double? = 12.5) -> WatchState {
    WatchState(
      pid: ProcessID(rawValue: 1), startedAt: WallTime(nanoseconds: 0), policyFile: "p.yaml",
      policies: names.map { name in
        WatchState.Policy(
          name: name, kind: .onCPU, rules: [], processCount: 2,
          processes: [
            .init(pid: ProcessID(rawValue: 7), name: name, cpu: cpu, threads: 3, residentMiB: nil, cooldownSeconds: nil)
          ])
      }, runningTasks: 1)
  }

  /// Names of families with their types, and values of samples by name and labels.
  private func parsed(_ text: String) throws -> [String] {
    let file = desk.path("swprof.prom")
    try text.write(toFile: file, atomically: false, encoding: .utf8)
    let script = """
      import sys
      from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse
      for family in parse(open(sys.argv[1]).read()):
          print("family", family.name, family.type)
          for sample in family.samples:
              print(sample.name, sorted(sample.labels.items()), sample.value)
      """
    try script.write(toFile: desk.path("parse.py"), atomically: false, encoding: .utf8)
    let result = try desk.shell("/usr/bin/python3 \(desk.path("parse.py")) \(file)")
    try #require(result.status == 0, "\(result.errors)")
    return result.output.split(separator: "\n").map(String.init)
  }

  @Test func `the official parser reads every family and value`() throws {
    let lines = try parsed(OpenMetrics.render(state(["checkout"]), starts: ["checkout": 4]))

    #expect(lines.contains("family swprof_watch_triggers counter"))
    #expect(lines.contains("swprof_watch_triggers_total [('policy', 'checkout')] 4.0"))
    #expect(lines.contains("family swprof_watch_tasks_running gauge"))
    #expect(lines.contains("swprof_watch_tasks_running [] 1.0"))
    #expect(
      lines.contains("swprof_process_cpu_percent [('comm', 'checkout'), ('pid', '7'), ('policy', 'checkout')] 12.5"))
  }

  @Test(arguments: ["a\"b\\c", "x\ny", "\u{1}\u{7F}\u{202E}", "日本{}=,", " "])
  func `hostile names leave it well-formed`(name: String) throws {
    let lines = try parsed(OpenMetrics.render(state([name]), starts: [:]))
    #expect(lines.count { $0.hasPrefix("swprof_process_threads ") } == 1)
  }

  @Test(arguments: [Double.nan, .infinity, -.infinity, 1e300, 0.1])
  func `any number is one of the format`(value: Double) throws {
    let lines = try parsed(OpenMetrics.render(state(["a"], cpu: value), starts: [:]))
    #expect(lines.count { $0.hasPrefix("swprof_process_cpu_percent ") } == 1)
  }

  @Test func `a watch without policies writes a file that is whole`() throws {
    #expect(try parsed(OpenMetrics.render(state([]), starts: [:])).contains("swprof_watch_tasks_running [] 1.0"))
  }

  @Test func `the file has its permissions before it has its name, and others keep theirs`() throws {
    let path = desk.path("swprof.prom")
    try OpenMetricsFile(path: path).write(state(["a"]), starts: [:])
    #expect(try desk.status(path).mode == 0o644)

    // What lies under the name now is another one's. It is replaced, and its mode is left alone.
    let other = desk.path("other")
    try "secret".write(toFile: other, atomically: false, encoding: .utf8)
    chmod(other, 0o600)
    unlink(path)
    #expect(link(other, path) == 0)
    try OpenMetricsFile(path: path).write(state(["a"]), starts: [:])
    #expect(try desk.status(path).mode == 0o644)
    #expect(try desk.status(other).mode == 0o600)
  }
}
