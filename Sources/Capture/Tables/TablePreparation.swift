import LinuxSystem
package import ProfileModel

/// Builds the unwind tables of watched processes before a task needs them: its first samples would be cut short.
///
/// Mappings are read again, ever more seldom, as programs load libraries while they run.
package struct TablePreparation {
  private struct FileName: Hashable {
    let device: UInt64
    let inode: UInt64
    let path: String
  }

  /// A file that some watched process has mapped.
  private struct File {
    var users = 0
    /// Nil until its table is built, and where it has none.
    var table: UnwindTables.Lease?
  }

  private struct Process {
    var files: Set<FileName> = []
    var nextLook: MonotonicTime
    var wait: UInt64
  }

  private struct Work {
    let name: FileName
    let source: CodeSource
    var job: UnwindTables.Job
  }

  private let shared: SharedTables
  private var processes: [ProcessKey: Process] = [:]
  private var files: [FileName: File] = [:]
  /// Small files first.
  private var queue: [Work] = []
  private var linesHeld = 0

  private static let firstWait: UInt64 = 1_000_000_000
  private static let longestWait: UInt64 = 60_000_000_000
  /// Reading the mappings of a large program takes a millisecond.
  private static let looksAtOnce = 20
  /// Tables beyond it are built when a task needs them: 64 MiB.
  private static let maximumLines = 1 << 20

  package init(_ shared: SharedTables) { self.shared = shared }

  /// Whether tables are still to be built.
  package var hasWork: Bool { !queue.isEmpty }

  /// Looks for files of processes that are new, or due to be looked at again, and lets go of those of others.
  package mutating func look(at wanted: Set<ProcessKey>, now: MonotonicTime) {
    guard shared.tables != nil else { return }
    for (key, process) in processes where !wanted.contains(key) {
      processes[key] = nil
      for name in process.files { release(name) }
    }
    for key in wanted where processes[key] == nil { processes[key] = Process(nextLook: now, wait: Self.firstWait) }
    let due = processes.filter { $0.value.nextLook <= now }.sorted { $0.value.nextLook < $1.value.nextLook }
    for (key, _) in due.prefix(Self.looksAtOnce) { read(key, now: now) }
  }

  private mutating func read(_ key: ProcessKey, now: MonotonicTime) {
    guard var process = processes[key] else { return }
    process.nextLook = now + process.wait
    process.wait = min(2 * process.wait, Self.longestWait)
    var current: Set<FileName> = []
    for mapping in (try? ProcessTable.mappings(of: key.process)) ?? [] where ProcessTracker.isFile(mapping) {
      let name = FileName(device: mapping.device, inode: mapping.inode, path: mapping.path)
      guard current.insert(name).inserted, !process.files.contains(name) else { continue }
      files[name, default: File()].users += 1
      if files[name]?.users == 1 { enqueue(mapping, name, of: key.process) }
    }
    for name in process.files.subtracting(current) { release(name) }
    process.files = current
    processes[key] = process
  }

  private mutating func enqueue(_ mapping: MemoryMapping, _ name: FileName, of process: ProcessID) {
    guard linesHeld < Self.maximumLines, let mapped = MappedFile.open(mapping, of: process) else { return }
    let source = CodeSource.file(mapped.file, path: mapping.path)
    if let known = shared.tables?.find(source) { return hold(known, name) }
    let job = UnwindTables.Job(0, of: [source])
    queue.insert(
      Work(name: name, source: source, job: job), at: queue.partitioningIndex { $0.job.size > job.size })
  }

  private mutating func release(_ name: FileName) {
    guard var file = files[name] else { return }
    file.users -= 1
    files[name] = file.users > 0 ? file : nil
    guard file.users == 0 else { return }
    linesHeld -= file.table?.lineCount ?? 0
    queue.removeAll { $0.name == name }
  }

  /// Builds tables for a while.
  package mutating func work(until deadline: MonotonicTime) {
    guard let tables = shared.tables else { return queue = [] }
    while !queue.isEmpty, Clock.monotonic < deadline {
      guard let result = tables.advance(&queue[0].job, of: [queue[0].source]) else { continue }
      hold(result, queue.removeFirst().name)
    }
  }

  private mutating func hold(_ result: UnwindTables.Result, _ name: FileName) {
    // What is damaged, or finds no room, is told by the task that comes upon it.
    guard case .ready(let table, _) = result.outcome, linesHeld + table.lineCount <= Self.maximumLines else { return }
    files[name]?.table = table
    linesHeld += table.lineCount
  }

  /// The files that are held, and the lines of their tables.
  package var size: (files: Int, lines: Int) { (files.count, linesHeld) }
}
