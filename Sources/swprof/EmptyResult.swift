import LinuxSystem
import ProfileModel
import Rendering

/// Why a capture of listed processes recorded nothing, and what would help.
struct EmptyResult {
  /// What is known of the targets when the capture ends.
  struct Facts: Equatable {
    /// What all targets have used of the CPU meanwhile, in ns; nil where they have ended.
    var cpuNanoseconds: UInt64?
    /// Processes that targets have started and that were left out, with what they have used.
    var leftOut: [Child] = []
    var elapsedNanoseconds: UInt64
    var frequencyHertz: Int?

    struct Child: Equatable {
      let process: ProcessID
      let name: String
      let cpuNanoseconds: UInt64
    }
  }

  /// A sentence for each thing that would help.
  static func advice(_ kind: TaskKind, _ facts: Facts) -> [String] {
    var sentences: [String] = []
    let busy = facts.leftOut.sorted { $0.cpuNanoseconds > $1.cpuNanoseconds }
    if let child = busy.first {
      sentences.append(
        "\(facts.leftOut.count == 1 ? "a child of the target was" : "\(facts.leftOut.count) children of the target were")"
          + " left out by --no-include-children; \(child.name) (\(child.process)) used"
          + " \(TimeText.duration(nanoseconds: child.cpuNanoseconds)) of CPU")
    }
    guard let used = facts.cpuNanoseconds else {
      return sentences + ["nothing was recorded: the target ended while the capture began"]
    }
    let time = TimeText.duration(nanoseconds: used)
    switch kind {
    case .onCPU:
      let period = 1_000_000_000 / UInt64(max(1, facts.frequencyHertz ?? 99))
      sentences.append(
        used < period
          ? "nothing was recorded: the target used \(time) of CPU and waited otherwise; 'swprof offcpu' says for what"
          : "nothing was recorded, although the target used \(time) of CPU; record longer, or with a higher --freq")
    case .offCPU:
      sentences.append(
        used > facts.elapsedNanoseconds / 10 * 9
          ? "nothing was recorded: the target ran all the time and did not wait; 'swprof oncpu' says where"
          : "nothing was recorded: no wait was as asked for; see --min-block, --max-block, --phase and --state")
    case .network:
      sentences.append(
        "nothing was recorded: the target had no connection; see 'ss -tnp' for the process that has them")
    }
    return sentences
  }
}

/// Looks at the targets of a capture as it begins and as it ends.
struct TargetObservation {
  private let roots: [ProcessID]
  private let includesChildren: Bool
  private let start: MonotonicTime
  private let before: [ProcessID: UInt64]

  /// - Parameter processes: those that were listed.
  init(_ processes: [ProcessID], includesChildren: Bool) {
    roots = processes
    self.includesChildren = includesChildren
    start = Clock.monotonic
    before = Self.usage(processes + ProcessTable.descendants(of: processes))
  }

  func facts(frequencyHertz: Int?) -> EmptyResult.Facts {
    let descendants = ProcessTable.descendants(of: roots).filter { $0 != ProcessTable.own }
    let targets = roots + (includesChildren ? descendants : [])
    let used = Self.usage(targets).map { $1 - min($1, before[$0] ?? 0) }
    var facts = EmptyResult.Facts(
      cpuNanoseconds: used.isEmpty ? nil : used.reduce(0, +),
      elapsedNanoseconds: Clock.monotonic.nanoseconds(since: start), frequencyHertz: frequencyHertz)
    guard !includesChildren else { return facts }
    facts.leftOut = Self.usage(descendants).map { process, now in
      EmptyResult.Facts.Child(
        process: process, name: (try? ProcessTable.name(of: process)) ?? "?",
        cpuNanoseconds: now - min(now, before[process] ?? 0))
    }
    return facts
  }

  private static func usage(_ processes: [ProcessID]) -> [ProcessID: UInt64] {
    processes.reduce(into: [:]) { $0[$1] = Clock.cpuNanoseconds(of: $1) }
  }
}
