import LinuxSystem
import ProfileModel

/// Looks at the targets of a capture as it begins and as it ends.
struct TargetObservation {
  private let roots: [ProcessID]
  private let kind: TaskSpec.Kind
  private let includesChildren: Bool
  private let start: MonotonicTime
  private let before: [ProcessID: UInt64]

  /// - Parameter spec: before its capture begins.
  init(_ spec: TaskSpec) {
    let processes = spec.target.listedProcesses
    roots = processes
    kind = spec.kind
    includesChildren = spec.options.includesChildren
    start = Clock.monotonic
    before = Self.usage(processes + ProcessTable.descendants(of: processes))
  }

  /// What would help if nothing has been recorded; nothing for targets that no list names.
  var advice: [String] { roots.isEmpty ? [] : emptyCapture.advice(for: kind.name) }

  private var emptyCapture: EmptyCapture {
    let descendants = ProcessTable.descendants(of: roots).filter { $0 != ProcessTable.own }
    let targets = roots + (includesChildren ? descendants : [])
    let used = Self.usage(targets).map { $1 - min($1, before[$0] ?? 0) }
    var facts = EmptyCapture(
      cpuNanoseconds: used.isEmpty ? nil : used.reduce(0, +),
      elapsedNanoseconds: Clock.monotonic.nanoseconds(since: start), frequencyHertz: kind.onCPU?.frequencyHertz)
    guard !includesChildren else { return facts }
    facts.leftOut = Self.usage(descendants).map { process, now in
      EmptyCapture.Child(
        process: process, name: (try? ProcessTable.name(of: process)) ?? "?",
        cpuNanoseconds: now - min(now, before[process] ?? 0))
    }
    return facts
  }

  private static func usage(_ processes: [ProcessID]) -> [ProcessID: UInt64] {
    processes.reduce(into: [:]) { $0[$1] = Clock.cpuNanoseconds(of: $1) }
  }
}
