import Capture
import LinuxSystem
import Policies
import ProfileModel

/// Keeps programs loaded and verified for each kind of task that policies may start, so that a start only attaches them.
struct ProbeShelf {
  private var stock: [Entry] = []
  /// What all tasks find their unwind tables in.
  private let tables: SharedTables

  init(_ tables: SharedTables) { self.tables = tables }

  private struct Entry {
    let task: TaskSpec
    let probes: Probes
  }

  /// Programs in an array: arrays hold no noncopyable values.
  private final class Probes {
    enum Kind: ~Copyable {
      case onCPU(PreparedOnCPU)
      case offCPU(PreparedOffCPU)
      case network(PreparedNetwork)
    }

    private var kind: Kind?

    init(_ kind: consuming Kind) { self.kind = consume kind }

    func arm(_ processes: [ProcessID]) throws -> any DrivenCapture {
      switch kind.take() {
      case .onCPU(var probes)?:
        try probes.aim(at: processes)
        return StackCapture(try probes.arm(openPerfMap: PerfMapSearch.open))
      case .offCPU(var probes)?:
        try probes.aim(at: processes)
        return StackCapture(try probes.arm(isHeld: false, openPerfMap: PerfMapSearch.open))
      case .network(var probes)?:
        try probes.aim(at: processes)
        return DrivenNetworkCapture(try probes.arm())
      case nil: preconditionFailure("probes are used once")
      }
    }
  }

  /// How many stacks and threads waits are summed up by, as of `swprof offcpu`.
  private static let tableCapacity: UInt32 = 1 << 16
  private static let ringBufferBytes: UInt32 = 1 << 21
  /// What is not built by then is built while the task runs: its first sample must not wait for it.
  private static let initialBuildNanoseconds: UInt64 = 40_000_000

  /// Loads what is missing for some tasks, one kind of them in a call, and drops what none of them needs.
  ///
  /// - Returns: whether nothing is missing any more.
  mutating func restock(for tasks: [TaskSpec]) throws -> Bool {
    let wanted = tasks.map(Self.key)
    stock.removeAll { !wanted.contains($0.task) }
    guard let missing = wanted.first(where: { task in !stock.contains { $0.task == task } }) else { return true }
    stock.append(Entry(task: missing, probes: try load(missing)))
    return false
  }

  /// Starts a task's capture with what is loaded, or loads it first.
  mutating func arm(_ task: TaskSpec, _ processes: [ProcessID]) throws -> any DrivenCapture {
    let key = Self.key(task)
    if let index = stock.firstIndex(where: { $0.task == key }) {
      return try stock.remove(at: index).probes.arm(processes)
    }
    return try load(key).arm(processes)
  }

  /// The task without what its programs do not depend on.
  private static func key(_ task: TaskSpec) -> TaskSpec {
    var key = task
    key.durationNanoseconds = nil
    return key
  }

  private func load(_ task: TaskSpec) throws -> Probes {
    var request = ResolvedTask(task, ringBufferBytes: Self.ringBufferBytes)
    request.initialBuildNanoseconds = Self.initialBuildNanoseconds
    switch task.kind {
    case .onCPU(let options):
      return Probes(
        .onCPU(
          try PreparedOnCPU.load(
            request, frequencyHertz: options.frequencyHertz, jitterSeed: options.drawSeed(), tables: tables)))
    case .offCPU(let parameters):
      return Probes(
        .offCPU(try PreparedOffCPU.load(request, parameters, tableCapacity: Self.tableCapacity, tables: tables)))
    case .network(let parameters):
      return Probes(.network(try DrivenNetworkCapture.prepare(task, parameters)))
    }
  }
}
