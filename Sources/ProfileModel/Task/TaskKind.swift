/// What a task records.
package enum TaskKind: String, Sendable, Codable, CaseIterable {
  case onCPU = "oncpu"
  case offCPU = "offcpu"
  case network
}

extension TaskSpec {
  /// What a task records, and how.
  package enum Kind: Equatable, Sendable {
    case onCPU(OnCPUOptions)
    case offCPU(OffCPUOptions)
    case network(NetworkOptions)

    package var name: TaskKind {
      switch self {
      case .onCPU: .onCPU
      case .offCPU: .offCPU
      case .network: .network
      }
    }

    package var onCPU: OnCPUOptions? { if case .onCPU(let options) = self { options } else { nil } }
    package var offCPU: OffCPUOptions? { if case .offCPU(let options) = self { options } else { nil } }
    package var network: NetworkOptions? { if case .network(let options) = self { options } else { nil } }
  }
}

/// How outputs name the parts of a kind of task. One row for each kind: no output has to know them all.
package struct TaskKindWords: Sendable {
  /// What its profiles count, in the plural.
  package let unit: String
  /// The event that a task names until its capture tells which one it is.
  package let event: String
  /// What the sum of taken and lost is called.
  package let total: String
  /// What stands before its length in a sentence.
  package let preposition: String
  /// The style class of its bars in a chart of tasks.
  package let chartClass: String
  /// What perf would call the event of its samples; nil for what the kind counts.
  package let perfEvent: String?
  /// The types of its values in pprof's files; nil for what the kind counts.
  package let pprofTypes: PprofTypes?
  /// Why a capture of running targets recorded nothing and what would help, by the CPU time in ns that they have used.
  package let emptyAdvice: @Sendable (EmptyCapture, UInt64) -> String

  package struct PprofTypes: Sendable {
    package let count: String
    package let time: String
    /// Whether there is a time even where all values are without one.
    package let alwaysHasTime: Bool
  }
}

extension TaskKind {
  /// What its profiles count, in the plural.
  package var unit: String { words.unit }

  package var words: TaskKindWords {
    switch self {
    case .onCPU:
      TaskKindWords(
        unit: "samples", event: "cpu-clock", total: "ticks", preposition: "at", chartClass: "task",
        perfEvent: "cpu-clock",
        pprofTypes: .init(count: "samples", time: "cpu", alwaysHasTime: false)
      ) { capture, used in
        let time = TimeText.duration(nanoseconds: used)
        let period = 1_000_000_000 / UInt64(max(1, capture.frequencyHertz ?? 99))
        return used < period
          ? "nothing was recorded: the target used \(time) of CPU and waited otherwise; 'swprof offcpu' says for what"
          : "nothing was recorded, although the target used \(time) of CPU; record longer, or with a higher --freq"
      }
    case .offCPU:
      // The event of `perf record --off-cpu`, whose period is a length of time in ns.
      TaskKindWords(
        unit: "waits", event: "sched_switch", total: "wanted", preposition: "of threads", chartClass: "waits",
        perfEvent: "offcpu-time",
        pprofTypes: .init(count: "switches", time: "off_cpu", alwaysHasTime: true)
      ) { capture, used in
        used > capture.elapsedNanoseconds / 10 * 9
          ? "nothing was recorded: the target ran all the time and did not wait; 'swprof oncpu' says where"
          : "nothing was recorded: no wait was as asked for; see --min-block, --max-block, --phase and --state"
      }
    case .network:
      TaskKindWords(
        unit: "connections", event: "sockets", total: "seen", preposition: "of", chartClass: "talks", perfEvent: nil,
        pprofTypes: nil
      ) { _, _ in
        "nothing was recorded: the target had no connection; see 'ss -tnp' for the process that has them"
      }
    }
  }
}
