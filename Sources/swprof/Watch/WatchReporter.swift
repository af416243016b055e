import Glibc
import LinuxSystem
import Policies
import ProfileModel
import Rendering
import Watching

/// Words what a watch reports: lines for a person or a program, the service manager, and the file of values.
final class WatchReporter {
  private let output: WatchOutput
  private let metricsFile: OpenMetricsFile?
  private var metricsTrouble = false

  init(_ output: WatchOutput, metricsFile: String?) {
    self.output = output
    self.metricsFile = metricsFile.map { OpenMetricsFile(path: $0) }
  }

  func report(_ news: WatchNews) {
    switch news {
    case .ready(let policies, let processes):
      output.tell(.ready, "\(Self.policies(policies)) watch \(Self.processes(processes))")
      output.notifyService("READY=1\nSTATUS=\(policies) policies, \(processes) processes")
    case .started(let start, let trigger, let id):
      output.tell(Self.event(.started, start, trigger, id, "\(Self.words(start, id)) started"))
    case .failed(let start, let trigger, let id, let error):
      output.tell(Self.event(.failed, start, trigger, id, "\(Self.words(start, id)) not started: \(error)"))
    case .heldBack(let policy, let process, let reason, let time):
      var event = WatchEvent(
        .heldBack, "\(policy): no task for \(process.name) (\(process.key.process)): \(reason)", time: time)
      (event.policy, event.process, event.processName) = (policy, process.key.process, process.name)
      output.tell(event)
    case .ended(let start, let trigger, let task): output.tell(Self.ended(start, trigger, task))
    case .promptness(let sentence): output.verbosity.detail(sentence)
    case .reloaded(let policies, let processes):
      output.tell(
        .reloaded, "policies read again: \(Self.policies(policies)) watch \(Self.processes(processes))")
    case .refused(let problems, let summary):
      for line in problems { output.complain(line) }
      output.tell(.refused, "\(summary); the old policies stay")
    case .trouble(let sentence): output.tell(.trouble, sentence)
    case .slotClosed: output.flush()
    case .state(let state, let processes, let starts):
      output.notifyService("STATUS=\(state.policies.count) policies, \(processes) processes")
      publish(state, starts)
    case .stopping: output.notifyService("STOPPING=1")
    case .stopped:
      output.tell(.stopped, "stopped")
      output.close()
    }
  }

  private func publish(_ state: WatchState, _ starts: [String: Int]) {
    guard let metricsFile else { return }
    do {
      try metricsFile.write(state, starts: starts)
      metricsTrouble = false
    } catch {
      if !metricsTrouble { output.tell(.trouble, Failure(error).sentence) }
      metricsTrouble = true
    }
  }

  private static func ended(_ start: PolicyEngine.Start, _ trigger: Trigger, _ task: ProfilingTask) -> WatchEvent {
    let result =
      task.error.map { "failed: \($0)" } ?? "done, \(task.account.taken) \(task.kind.unit), \(task.account.lost) lost"
    var event = WatchEvent(.ended, "\(start.policy.name): \(words(start, task.id)) \(result)", time: Clock.wall)
    (event.policy, event.task, event.taskKind) = (start.policy.name, task.id, task.kind)
    (event.process, event.processName) = (trigger.process, trigger.processName)
    return event
  }

  private static func event(
    _ kind: WatchEvent.Kind, _ start: PolicyEngine.Start, _ trigger: Trigger, _ id: TaskID, _ what: String
  ) -> WatchEvent {
    var event = WatchEvent(kind, "\(trigger.policy): \(WatchEvent.reason(trigger)): \(what)", time: trigger.firedAt)
    (event.policy, event.process, event.processName) = (trigger.policy, trigger.process, trigger.processName)
    (event.task, event.taskKind, event.trigger) = (id, start.policy.task.kind.name, trigger)
    return event
  }

  private static func words(_ start: PolicyEngine.Start, _ id: TaskID) -> String {
    "\(start.policy.task.kind.name.rawValue) task\(id.rawValue == 0 ? "" : " \(id)")"
  }

  private static func policies(_ count: Int) -> String { "\(count) \(count == 1 ? "policy" : "policies")" }

  private static func processes(_ count: Int) -> String { "\(count) \(count == 1 ? "process" : "processes")" }
}
