package import ProfileModel
package import Storage

/// The stored tasks that a report is about.
package struct StoredTasks {
  private let store: TaskStore
  /// At least one; a network task stands alone.
  package let tasks: [ProfilingTask]

  /// - Parameter ids: of the tasks that the user named; none for the latest one with a profile.
  package init(_ ids: [TaskID], in store: TaskStore) throws {
    self.store = store
    let unique = ids.enumerated().filter { !ids[..<$0.offset].contains($0.element) }.map(\.element)
    tasks = try unique.isEmpty ? [store.latest()].compactMap { $0 } : unique.map { try store.task($0) }
    guard !tasks.isEmpty else {
      throw LoadingError("no task has a profile yet; record one, for example 'swprof oncpu --pid N'", .notFound)
    }
    for task in tasks where task.status != .done {
      let reason = task.error.map { ": \($0)" } ?? ""
      throw LoadingError("task \(task.id) has no profile, it is \(task.status.rawValue)\(reason)", .notFound)
    }
    if tasks.count > 1, let network = tasks.first(where: { $0.kind == .network }) {
      throw LoadingError(
        "task \(network.id) is a network task, which is not put together with others; report it alone", .unsuitable)
    }
  }

  /// The network task; nil where the tasks have stacks.
  package var network: ProfilingTask? { tasks.first { $0.kind == .network } }

  package func networkProfile() throws -> NetworkProfile { try store.networkProfile(of: tasks[0].id) }

  /// One task that stands for all, with all their stacks.
  package func merged() throws -> (task: ProfilingTask, profile: Profile) {
    let profiles = try tasks.map { try store.profile(of: $0.id) }
    guard Profile.areSummable(profiles) else {
      throw LoadingError(
        "the weights of all tasks together are too large to be added up; report them one by one", .malformed)
    }
    return (try ProfilingTask.merged(tasks), Profile.merged(profiles))
  }
}

extension ProfilingTask {
  /// One task that stands for several of one kind: from the first start to the last end, with the sum of their accounts.
  fileprivate static func merged(_ tasks: [ProfilingTask]) throws -> ProfilingTask {
    guard tasks.count > 1 else { return tasks[0] }
    var merged = tasks[0]
    for task in tasks.dropFirst() {
      guard task.kind == merged.kind else {
        throw LoadingError(
          "tasks \(tasks[0].id) and \(task.id) are of different kinds, \(merged.kind.rawValue) and \(task.kind.rawValue);"
            + " report them one by one", .unsuitable)
      }
      merged.account.add(task.account)
      merged.warnings += task.warnings
      merged.startedAt = min(merged.startedAt, task.startedAt)
      merged.endedAt = merged.endedAt.flatMap { end in task.endedAt.map { max(end, $0) } }
      let facts = (task.event, task.unwind, task.jitterSeed)
      if task.spec != merged.spec || facts != (merged.event, merged.unwind, merged.jitterSeed) {
        merged.warnings.append("task \(task.id) was recorded with other options than task \(tasks[0].id)")
      }
    }
    merged.id = TaskID(rawValue: 0)
    merged.target = "tasks " + tasks.map { "\($0.id)" }.joined(separator: ", ")
    return merged
  }
}
