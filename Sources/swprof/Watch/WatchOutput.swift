import Glibc
import LinuxSystem
import Policies
import ProfileModel
import Rendering

/// Where a watch tells what it does: lines on standard output, and the service manager.
///
/// A watch goes on where nobody reads, and waits for no reader.
struct WatchOutput {
  let isJSON: Bool
  let verbosity: Verbosity
  private let lines = LineOutput(STDOUT_FILENO)
  private let complaints = LineOutput(STDERR_FILENO)
  private let service = ServiceNotification(environment: Environment.variables)

  init(isJSON: Bool, verbosity: Verbosity) {
    self.isJSON = isJSON
    self.verbosity = verbosity
  }

  func tell(_ event: WatchEvent) {
    if verbosity == .quiet, !isJSON, [.ready, .ended, .reloaded, .stopped].contains(event.kind) { return }
    lines.send(isJSON ? event.json : event.text)
    tellNews()
  }

  func tell(_ kind: WatchEvent.Kind, _ sentence: String) {
    tell(WatchEvent(kind, sentence, time: Clock.wall))
  }

  /// Says on standard error what is wrong.
  func complain(_ sentence: String) { complaints.send("swprof: \(DisplayText.visible(sentence))\n") }

  /// Gives a slow reader what waits for it.
  func flush() {
    lines.flush()
    complaints.flush()
    tellNews()
  }

  /// Gives a slow reader a last second.
  func close() {
    lines.flush(waitingMilliseconds: 1000)
    tellNews()
    complaints.flush(waitingMilliseconds: 100)
  }

  private func tellNews() {
    for trouble in lines.takeNews() {
      switch trouble {
      case .readerGone:
        complain("nobody reads standard output any more; the watch goes on, and 'swprof tasks' has what it records")
      case .failed(let cause):
        complain("cannot write standard output: \(cause); the watch goes on, and lines wait in memory for room")
      case .linesLost(let count):
        complain("standard output was not read for long: \(count) lines were left out; 'swprof tasks' has all tasks")
      }
    }
  }

  func notifyService(_ state: String) { service?.send(state) }
}

/// Writes values for the textfile collector of Prometheus's node_exporter: always a whole file.
struct OpenMetricsFile {
  let path: String

  func write(_ state: WatchState, starts: [String: Int]) throws {
    // The collector runs as another user.
    var file = try OutputFile(path, for: Caller.current, mode: 0o644)
    try file.commit(Array(Self.text(state, starts: starts).utf8))
  }

  /// The text form of https://prometheus.io/docs/specs/om/open_metrics_spec/, which node_exporter reads as well: to its
  /// parser, `# EOF` is a comment.
  static func text(_ state: WatchState, starts: [String: Int]) -> String {
    var lines: [String] = []
    func family(_ name: String, _ help: String, type: String = "gauge", _ samples: [(labels: String, value: Double)]) {
      lines.append("# HELP swprof_\(name) \(help)")
      lines.append("# TYPE swprof_\(name) \(type)")
      // A family is named without the ending of its counter.
      let ending = type == "counter" ? "_total" : ""
      lines += samples.map { "swprof_\(name)\(ending)\($0.labels) \(number($0.value))" }
    }
    family("watch_tasks_running", "Tasks of the watch that record now.", [("", Double(state.runningTasks))])
    family(
      "watch_processes", "Processes that a policy watches.",
      state.policies.map { ("{policy=\"\(Self.escaped($0.name))\"}", Double($0.processCount)) })
    family(
      "watch_triggers", "Tasks that a policy has started since the watch began.", type: "counter",
      state.policies.map { ("{policy=\"\(Self.escaped($0.name))\"}", Double(starts[$0.name] ?? 0)) })
    if let losses = state.requestLosses {
      family(
        "watch_requests_not_counted_total", "What rules about requests have not counted, by cause.", type: "counter",
        NetworkLoss.allCases.map { ("{cause=\"\($0.rawValue)\"}", Double(losses[$0] ?? 0)) })
    }
    let metrics: [(String, String, (WatchState.Process) -> Double?)] = [
      ("process_cpu_percent", "CPU time of the last second, in percent of one core.", { $0.cpu }),
      ("process_threads", "Threads.", { $0.threads }),
      ("process_resident_mib", "Resident memory in MiB.", { $0.residentMiB }),
    ]
    for (name, help, value) in metrics {
      family(
        name, help,
        state.policies.flatMap { policy in
          policy.processes.compactMap { process in
            value(process).map {
              (
                "{pid=\"\(process.pid)\",comm=\"\(Self.escaped(process.name))\",policy=\"\(Self.escaped(policy.name))\"}",
                $0
              )
            }
          }
        })
    }
    lines.append("# EOF")
    return lines.map { $0 + "\n" }.joined()
  }

  private static func number(_ value: Double) -> String {
    value.isNaN ? "NaN" : value.isInfinite ? (value > 0 ? "+Inf" : "-Inf") : "\(value)"
  }

  private static func escaped(_ text: String) -> String {
    DisplayText.visible(text).reduce(into: "") { result, character in
      if character == "\\" || character == "\"" { result.append("\\") }
      result.append(character)
    }
  }
}
