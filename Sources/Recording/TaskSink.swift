package import ProfileModel

/// What a finished task has come to.
package enum TaskResult: Sendable {
  case stacks(Profile)
  case network(NetworkProfile)
}

/// Where tasks go, and what a watch keeps beside them. One thread at a time calls it.
package protocol TaskSink: Sendable {
  /// Keeps a task that begins now, and returns its id; the task's own id and status are ignored.
  func begin(_ task: ProfilingTask) throws -> TaskID
  /// Keeps the end of a task with its result: all of it or, with an error, nothing.
  ///
  /// - Throws: `TaskRemoved` where somebody has removed the task.
  func finish(_ task: ProfilingTask, _ result: TaskResult) throws
  /// Keeps that a task ended without a result.
  ///
  /// - Throws: `TaskRemoved` where somebody has removed the task.
  func fail(_ id: TaskID, error: String, endedAt: WallTime) throws

  /// Keeps cooldowns, and forgets those that are over.
  ///
  /// - Parameter now: in s of the monotonic clock.
  func keep(_ cooldowns: [Cooldown], now: Int) throws
  /// The cooldowns of this boot.
  func cooldowns() throws -> [Cooldown]
  /// Keeps what rules have decided.
  func log(_ decisions: [TriggerLogEntry]) throws
  func append(_ histories: [MetricHistory]) throws
  /// Keeps how the watch is doing, over the state before.
  func keep(_ state: WatchState, at time: WallTime) throws
  /// Removes what is older or larger than it may be.
  func keepWithin(_ retention: Retention, now: WallTime) throws
}

/// For how long tasks that policies have started are kept, and how large everything may become.
package struct Retention: Equatable, Sendable {
  package var seconds: Int
  /// Nil for no bound.
  package var maximumBytes: Int64?

  package init(seconds: Int, maximumBytes: Int64?) {
    self.seconds = seconds
    self.maximumBytes = maximumBytes
  }
}

/// The task is gone: somebody has removed it.
package struct TaskRemoved: Error, CustomStringConvertible {
  package let description: String

  package init(_ sentence: String) { description = sentence }
}
