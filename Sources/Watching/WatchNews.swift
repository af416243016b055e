package import Policies
package import ProfileModel

/// What a watch reports to the program around it, which words it and finds its reader.
package enum WatchNews {
  case ready(policies: Int, processes: Int)
  case started(PolicyEngine.Start, Trigger, TaskID)
  /// A task that a rule asked for cannot begin.
  case failed(PolicyEngine.Start, Trigger, TaskID, error: String)
  /// A rule holds, and a limit keeps its task from being started.
  case heldBack(policy: String, WatchedProcess, reason: String, at: WallTime)
  case ended(PolicyEngine.Start, Trigger, ProfilingTask)
  /// How soon after its trigger a task that has ended recorded something.
  case promptness(String)
  case reloaded(policies: Int, processes: Int)
  /// A policy file that is wrong was not put in place.
  ///
  /// - Parameters:
  ///   - problems: line by line; empty where the file could not be read.
  ///   - summary: what is wrong in few words.
  case refused(problems: [String], summary: String)
  /// Something fails that a person should know of.
  case trouble(String)
  /// A slot has closed: what waits for a slow reader may be written.
  case slotClosed
  /// How the watch is doing, every few seconds, and how many tasks each policy has started.
  ///
  /// - Parameter processes: how many are watched; the state lists the busiest alone.
  case state(WatchState, processes: Int, starts: [String: Int])
  case stopping
  case stopped
}
