import ProfileModel
import Recording
import Synchronization

/// A sink that keeps everything in memory: no file, no SQLite.
final class MemorySink: TaskSink {
  struct Contents {
    var tasks: [TaskID: ProfilingTask] = [:]
    var results: [TaskID: TaskResult] = [:]
    var cooldowns: [Cooldown] = []
    var decisions: [TriggerLogEntry] = []
    var histories: [MetricHistory] = []
    var state: WatchState?
  }

  private let contents = Mutex(Contents())

  /// What it has now.
  var now: Contents { contents.withLock { $0 } }

  func begin(_ task: ProfilingTask) throws -> TaskID {
    contents.withLock { contents in
      let id = TaskID(rawValue: Int64(contents.tasks.count + 1))
      contents.tasks[id] = task
      return id
    }
  }

  func finish(_ task: ProfilingTask, _ result: TaskResult) throws {
    try contents.withLock { contents in
      guard contents.tasks[task.id] != nil else { throw TaskRemoved("there is no task \(task.id)") }
      contents.tasks[task.id] = task
      contents.results[task.id] = result
    }
  }

  func fail(_ id: TaskID, error: String, endedAt: WallTime) throws {
    contents.withLock { contents in
      contents.tasks[id]?.status = .failed
      contents.tasks[id]?.error = error
    }
  }

  func keep(_ cooldowns: [Cooldown], now: Int) throws { contents.withLock { $0.cooldowns += cooldowns } }
  func cooldowns() throws -> [Cooldown] { contents.withLock { $0.cooldowns } }
  func log(_ decisions: [TriggerLogEntry]) throws { contents.withLock { $0.decisions += decisions } }
  func append(_ histories: [MetricHistory]) throws { contents.withLock { $0.histories += histories } }
  func keep(_ state: WatchState, at time: WallTime) throws { contents.withLock { $0.state = state } }
  func keepWithin(_ retention: Retention, now: WallTime) throws {}
}
