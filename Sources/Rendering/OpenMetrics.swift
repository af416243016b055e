package import ProfileModel

/// Values of a watch for the textfile collector of Prometheus's node_exporter.
package enum OpenMetrics {
  /// The text form of https://prometheus.io/docs/specs/om/open_metrics_spec/, which node_exporter reads as well: to its
  /// parser, `# EOF` is a comment.
  package static func render(_ state: WatchState, starts: [String: Int]) -> String {
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
