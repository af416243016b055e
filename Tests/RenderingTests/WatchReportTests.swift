import ProfileModel
import Rendering
import Testing

@Suite struct WatchReportTests {
  private static let time = WallTime(nanoseconds: 1_795_000_000_000_000_000)

  private static let state = WatchState(
    pid: ProcessID(rawValue: 9), startedAt: time, policyFile: "/etc/policies.yaml",
    policies: ["quiet", "busy"].map { name in
      WatchState.Policy(
        name: name, kind: .onCPU, rules: ["process_cpu >= 80 %, 5 of 10 s"], processCount: 2,
        processes: [
          WatchState.Process(
            pid: ProcessID(rawValue: 4711), name: "worker\u{1B}", cpu: 97.25, threads: 4, residentMiB: 12.5,
            cooldownSeconds: name == "busy" ? 90 : nil)
        ])
    }, runningTasks: 1)

  private static func entry(_ policy: String, _ outcome: TriggerLogEntry.Outcome) -> TriggerLogEntry {
    TriggerLogEntry(
      firedAt: time, policy: policy, process: ProcessID(rawValue: 4711), processName: "worker", outcome: outcome)
  }

  private func report(isRunning: Bool = true) -> StatusReport {
    StatusReport(
      state: (Self.time, Self.state), isRunning: isRunning,
      triggers: [Self.entry("busy", .started), Self.entry("busy", .heldBack), Self.entry("gone", .failed)],
      since: Self.time)
  }

  @Test func `status has the policies that started most first, and their processes`() {
    let lines = report().text.split(separator: "\n", omittingEmptySubsequences: false)

    #expect(
      lines[0]
        == "watching as process 9 since 2026-11-18 11:06:40Z by /etc/policies.yaml; 1 task records now")
    #expect(lines[3].hasPrefix("busy    oncpu           2        1       0          1  2026-11-18 11:06:40Z"))
    #expect(lines[4].hasPrefix("quiet   oncpu"))
    #expect(lines[5].hasPrefix("gone    (gone)"))
    #expect(lines.contains("busy    4711  worker\u{FFFD}      97.3        4  12.5    1m 30s"), "\(report().text)")
  }

  @Test func `status says what rules about requests have not counted`() {
    var state = Self.state
    state.requestLosses = [.requestUnpaired: 1234, .messageLost: 0]
    let report = StatusReport(state: (Self.time, state), isRunning: true, triggers: [], since: Self.time)

    #expect(report.text.contains("not counted by rules about requests:\n  1,234 requests whose answer"))
    #expect(!report.text.contains("HTTP messages"))
    #expect(report.json.contains("\"request_unpaired\": 1234"))
    #expect(report.json.contains("\"message_lost\": 0"))
    #expect(self.report().json.contains("\"request_losses\": null"))
    #expect(!self.report().text.contains("not counted"))
  }

  @Test func `status says that no watch runs`() {
    #expect(report(isRunning: false).text.hasPrefix("no watch runs; the last one was seen at 2026-11-18 11:06:40Z"))
    #expect(
      StatusReport(state: nil, isRunning: false, triggers: [], since: Self.time).text
        .hasPrefix("no watch has kept its state"))
  }

  @Test func `metrics show the finer value where there are two, and gaps as gaps`() {
    func entry(_ cpu: UInt32) -> MetricHistory.Entry { .init(cpuPerMille: cpu, threads: 1, residentKiB: 1024) }
    let key = ProcessKey(process: ProcessID(rawValue: 7), startTicks: 1)
    let report = MetricsReport(
      [
        MetricHistory(process: key, processName: "w", resolution: 10, start: 0, entries: [entry(100), entry(100)]),
        MetricHistory(
          process: key, processName: "w", resolution: 1, start: 10, entries: [entry(900), nil, entry(500), nil]),
      ], of: key.process, since: WallTime(nanoseconds: 0))

    #expect(report.table.split(separator: "\n").count == 14)
    #expect(report.table.contains("1970-01-01 00:00:10Z   90.0      1.0  1.0"))
    #expect(report.table.contains("1970-01-01 00:00:11Z      —        —    —"))
    #expect(report.sparklines.contains("█"))
    #expect(report.json.contains("{\"time_unix_s\": 0, \"seconds\": 10, \"cpu_percent\": 10.0"))
  }

  @Test func `metrics show requests where any were counted`() {
    let key = ProcessKey(process: ProcessID(rawValue: 7), startTicks: 1)
    let answered = RequestSums(finished: 40, serverErrors: 10, microseconds: 100_000)
    let report = MetricsReport(
      [
        MetricHistory(
          process: key, processName: "w", resolution: 10, start: 0,
          entries: [.init(cpuPerMille: 100, threads: 1, residentKiB: 1024, requests: answered)])
      ], of: key.process, since: WallTime(nanoseconds: 0))

    #expect(report.table.contains("REQ/S  5XX %  MEAN MS"), "\(report.table)")
    #expect(report.table.contains("4.0   25.0      2.5"), "\(report.table)")
    #expect(
      report.json.contains("\"requests\": 40, \"server_errors\": 10, \"response_mean_ms\": 2.5"), "\(report.json)")
  }

  @Test func `an event is one line, whatever a process is called`() {
    var event = WatchEvent(.started, "a\nb\u{1B}[1m", time: Self.time)
    event.processName = "x\"\n"

    #expect(event.text == "2026-11-18 11:06:40Z  a\u{FFFD}b\u{FFFD}[1m\n")
    #expect(event.json.split(separator: "\n").count == 1)
    #expect(event.json.contains("\"process_name\": \"x\\\"\\n\""))
  }
}
