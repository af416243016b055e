/// What is measured each second of a process or of the host, for rules to look at.
package enum Metric: String, Sendable, Codable, CaseIterable {
  /// CPU time in the second, in percent of one core.
  case processCPU = "process_cpu"
  case processThreadCount = "process_thread_count"
  /// Resident memory in MiB.
  case processRSS = "process_rss"
  /// Time that the main thread waited for block devices, in percent of the second.
  case processIOWait = "process_io_wait"
  /// How many times threads of the process were switched to.
  case contextSwitches = "context_switches"
  /// How long, in ms, threads of the process waited for a CPU each time, on average.
  case runQueueLatency = "run_queue_latency"
  /// The load average of one minute.
  case systemLoad = "system_load"
  /// The share of the second in which some task of the host waited for a CPU, for memory, for a device.
  case cpuPressure = "psi_cpu"
  case memoryPressure = "psi_memory"
  case ioPressure = "psi_io"
  /// Of the responses finished in the second, in percent.
  case httpErrorRate = "http_error_rate"
  /// Of the responses finished in the second, in ms.
  case httpAverageResponseTime = "http_avg_response_time"
  case http99thResponseTime = "http_p99_response_time"
  /// Responses finished in the second, once there has been one.
  case httpRequestRate = "http_request_rate"

  /// What its values are in: `%`, `ms`, `MiB`, or nothing for plain numbers.
  package var unit: String {
    switch self {
    case .processCPU, .processIOWait, .cpuPressure, .memoryPressure, .ioPressure, .httpErrorRate: "%"
    case .runQueueLatency, .httpAverageResponseTime, .http99thResponseTime: "ms"
    case .processRSS: "MiB"
    case .httpRequestRate: "/s"
    case .processThreadCount, .contextSwitches, .systemLoad: ""
    }
  }

  /// Whether it is about requests that a process answers.
  package var isHTTP: Bool {
    [.httpErrorRate, .httpAverageResponseTime, .http99thResponseTime, .httpRequestRate].contains(self)
  }

  /// Whether all processes of the host have the same value.
  package var isOfHost: Bool {
    [.systemLoad, .cpuPressure, .memoryPressure, .ioPressure].contains(self)
  }

  /// The highest value there can be; nil where there is no limit.
  package var highest: Double? {
    [.cpuPressure, .memoryPressure, .ioPressure, .httpErrorRate].contains(self) ? 100 : nil
  }
}

/// A process that a later one with the same number is not taken for.
package struct ProcessKey: Hashable, Sendable {
  package let process: ProcessID
  /// `starttime` of proc_pid_stat(5), in clock ticks since boot.
  package let startTicks: UInt64

  package init(process: ProcessID, startTicks: UInt64) {
    self.process = process
    self.startTicks = startTicks
  }
}
