import Capture
import Policies
import ProfileModel
import Recording

/// Keeps programs loaded and verified for each kind of task that policies may start, so that a start only attaches them.
struct ProbeShelf {
  private var stock: [Entry] = []
  private let kinds: CaptureKinds
  /// What all tasks find their unwind tables in.
  private let tables: SharedTables

  init(_ kinds: CaptureKinds, _ tables: SharedTables) {
    self.kinds = kinds
    self.tables = tables
  }

  private struct Entry {
    let task: TaskSpec
    let capture: any CaptureLifecycle
  }

  /// What is not built by then is built while the task runs: its first sample must not wait for it.
  private static let initialBuildNanoseconds: UInt64 = 40_000_000

  /// Loads what is missing for some tasks, one kind of them in a call, and drops what none of them needs.
  ///
  /// - Returns: whether nothing is missing any more.
  mutating func restock(for tasks: [TaskSpec]) throws -> Bool {
    let wanted = tasks.map(Self.key)
    stock.removeAll { !wanted.contains($0.task) }
    guard let missing = wanted.first(where: { task in !stock.contains { $0.task == task } }) else { return true }
    stock.append(Entry(task: missing, capture: try load(missing)))
    return false
  }

  /// A capture for a task, aimed at some processes: one that is loaded, or one that is loaded now.
  mutating func take(_ task: TaskSpec, _ processes: [ProcessID]) throws -> any CaptureLifecycle {
    let key = Self.key(task)
    let capture =
      if let index = stock.firstIndex(where: { $0.task == key }) { stock.remove(at: index).capture } else {
        try load(key)
      }
    try capture.aim(at: processes)
    return capture
  }

  /// The task without what its programs do not depend on.
  private static func key(_ task: TaskSpec) -> TaskSpec {
    var key = task
    key.durationNanoseconds = nil
    return key
  }

  private func load(_ task: TaskSpec) throws -> any CaptureLifecycle {
    let row = try kinds.row(task.kind.name)
    var request = ResolvedTask(task, ringBufferBytes: row.ringBufferBytes)
    request.initialBuildNanoseconds = Self.initialBuildNanoseconds
    request.isPreparedAhead = true
    return try kinds.prepare(CaptureKinds.Order(request, tables: tables))
  }
}
