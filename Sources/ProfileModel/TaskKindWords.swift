/// What outputs call the parts of a kind of task: one row a kind, so that no output has to know all kinds.
package struct TaskKindWords: Sendable {
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

  package struct PprofTypes: Sendable {
    package let count: String
    package let time: String
    /// Whether there is a time even where all values are without one.
    package let alwaysHasTime: Bool
  }
}

extension TaskKind {
  package var words: TaskKindWords {
    switch self {
    case .onCPU:
      TaskKindWords(
        total: "ticks", preposition: "at", chartClass: "task", perfEvent: "cpu-clock",
        pprofTypes: .init(count: "samples", time: "cpu", alwaysHasTime: false))
    case .offCPU:
      // The event of `perf record --off-cpu`, whose period is a length of time in ns.
      TaskKindWords(
        total: "wanted", preposition: "of threads", chartClass: "waits", perfEvent: "offcpu-time",
        pprofTypes: .init(count: "switches", time: "off_cpu", alwaysHasTime: true))
    case .network:
      TaskKindWords(total: "seen", preposition: "of", chartClass: "talks", perfEvent: nil, pprofTypes: nil)
    }
  }
}
