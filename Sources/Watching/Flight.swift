import Capture
import LinuxSystem
import Policies
import ProfileModel
import Recording

/// The flight recorder of a watch.
final class Flight {
  let spanSeconds: Int
  private var recorder: FlightRecorder

  init(spanSeconds: Int, tables: SharedTables) throws {
    self.spanSeconds = spanSeconds
    recorder = try FlightRecorder.arm(
      spanNanoseconds: UInt64(spanSeconds) * 1_000_000_000, tables: tables, openPerfMap: PerfMapSearch.open)
  }

  var descriptors: [Int32] { recorder.descriptors }
  var hasPending: Bool { recorder.hasPending }

  func look(at processes: Set<ProcessKey>) throws { try recorder.look(at: processes) }

  /// What cannot be read now may be read the next time; a sample more or less is no reason to stop watching.
  func drain() { _ = try? recorder.drain() }

  /// What is remembered for a task that samples the CPU; nil for others.
  func lookback(for start: PolicyEngine.Start, armedAt: MonotonicTime) -> Lookback? {
    guard start.policy.task.kind.onCPU != nil else { return nil }
    let span = UInt64(spanSeconds) * 1_000_000_000
    let earliest = MonotonicTime(nanoseconds: armedAt.nanoseconds - min(armedAt.nanoseconds, span))
    let from = max(earliest, recorder.armedAt)
    guard armedAt > from,
      let profile = try? recorder.excerpt(of: Set(start.processes.map(\.key.process)), from: from),
      profile.account.taken > 0
    else { return nil }
    return Lookback(profile: profile, nanoseconds: armedAt.nanoseconds(since: from))
  }
}
