import FoundationEssentials
package import ProfileModel
package import Storage

/// The database as the place where tasks go.
package struct StoreSink: TaskSink {
  private let store: TaskStore

  package init(_ store: TaskStore) { self.store = store }

  package func begin(_ task: ProfilingTask) throws -> TaskID { try store.begin(task) }

  package func finish(_ task: ProfilingTask, _ result: TaskResult) throws {
    try Self.notingRemoval {
      switch result {
      case .stacks(let profile): try store.finish(task, profile: profile)
      case .network(let profile): try store.finish(task, network: profile)
      }
    }
  }

  package func fail(_ id: TaskID, error: String, endedAt: WallTime) throws {
    try Self.notingRemoval { try store.fail(id, error: error, endedAt: endedAt) }
  }

  private static func notingRemoval(_ body: () throws -> Void) throws {
    do { try body() } catch let error as StoreError {
      guard case .noSuchTasks = error else { throw error }
      throw TaskRemoved(error.description)
    }
  }

  package func keep(_ cooldowns: [Cooldown], now: Int) throws { try store.keep(cooldowns, now: now) }

  package func cooldowns() throws -> [Cooldown] { try store.cooldowns() }

  package func log(_ decisions: [TriggerLogEntry]) throws { try store.log(decisions) }

  package func append(_ histories: [MetricHistory]) throws { try store.append(histories) }

  package func keep(_ state: WatchState, at time: WallTime) throws {
    try store.keepWatchState(String(decoding: try JSONEncoder().encode(state), as: UTF8.self), at: time)
  }

  package func keepWithin(_ retention: Retention, now: WallTime) throws {
    try store.keepWithin(
      TaskStore.Retention(seconds: retention.seconds, maximumBytes: retention.maximumBytes), now: now)
  }
}
