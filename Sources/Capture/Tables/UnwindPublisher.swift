import BPF
import CProbes
import ELF
import Glibc
import LinuxSystem
import ProfileModel

/// Tells the kernel side which code each followed process has mapped, and by which tables its stacks are walked.
///
/// A process is told of anew whenever its mappings change: a new block of lines is written, then its entry in
/// `code_maps` is set to it in one step.
///
/// Files are published too, as soon as their tables are built: the kernel side finds by itself where a process that it
/// has not been told of has mapped them.
struct UnwindPublisher {
  /// What is known of a source of code.
  private enum Module {
    case pending
    case built(UnwindTables.Outcome)
  }

  private let codeMaps: BPFMap
  private let codeFiles: BPFMap
  /// Whether the kernel side is told what processes have mapped, or has to find out by itself; for tests.
  private let publishesMappings: Bool
  /// Where the changes of `codeMaps` are counted.
  private let edition: BPFMap
  private var changes: UInt64 = 0
  /// Whether tables are built for all code that is mapped, not only for code that samples came through.
  private let isEager: Bool
  private let tables: UnwindTables
  private var modules: [SourceIndex: Module] = [CodeSources.kernel: .built(.none)]
  /// What is in `code_files`.
  private var files: [SourceIndex: swprof_file_identity] = [:]
  private var blocks: [ProcessID: UnwindLines.Block] = [:]
  /// Sources whose tables are still to be built. Small files come first: the tables of many programs are ready before
  /// that of one huge one. A process with thousands of files waits its turn: a batch of them, then those of others.
  private var queue: [UnwindTables.Job] = []
  /// How many files each process has had queued since the queue was empty.
  private var queued: [ProcessID: Int] = [:]
  private static let batch = 64
  /// The processes that have mapped a pending source.
  private var waiting: [SourceIndex: Set<ProcessID>] = [:]

  init(
    codeMaps: BPFMap, codeFiles: BPFMap, edition: BPFMap, tables: UnwindTables, isEager: Bool,
    publishesMappings: Bool = true
  ) {
    self.codeMaps = codeMaps
    self.codeFiles = codeFiles
    self.publishesMappings = publishesMappings
    self.edition = edition
    self.isEager = isEager
    self.tables = tables
  }

  /// The time that went into building tables, in ns.
  private(set) var buildNanoseconds: UInt64 = 0
  /// The lines that tables and code maps take.
  var linesInUse: UInt32 { tables.lines.inUse }
  /// Files and processes that found no room.
  private(set) var shortages: UInt64 = 0
  /// Files whose unwind information is damaged: a sentence each.
  private(set) var warnings: [String] = []
  private static let maximumWarnings = 200

  /// Whether `update` has more to do than time allowed.
  var hasWork: Bool { !queue.isEmpty }

  /// Publishes processes whose mappings have changed, and builds tables until the queue is empty or time is up.
  mutating func update(
    _ tracker: borrowing ProcessTracker, changed: Set<ProcessID>, until deadline: MonotonicTime
  ) {
    for process in changed {
      for region in tracker.regions(of: process) ?? [] { note(region.source, of: process, tracker) }
    }
    // What can be published at once does not wait for what has to be built.
    if !isEager || queue.isEmpty { publish(changed, tracker) }
    var affected: Set<ProcessID> = isEager && !queue.isEmpty ? changed : []
    let sources = tracker.sources
    let start = Clock.monotonic
    defer { if start < deadline { buildNanoseconds += Clock.monotonic.nanoseconds(since: start) } }
    while !queue.isEmpty, Clock.monotonic < deadline {
      guard let result = tables.advance(&queue[0], of: sources) else { continue }
      let source = queue.removeFirst().source
      modules[source] = .built(result.outcome)
      publishFile(source, result.outcome, tracker)
      if case .noRoom = result.outcome { shortages += 1 }
      if warnings.count < Self.maximumWarnings { warnings += result.warnings }
      affected.formUnion(waiting.removeValue(forKey: source) ?? [])
    }
    publish(affected, tracker)
  }

  /// Has the table built that a walk asked for in vain: the one of the code around an address.
  mutating func need(tableAt address: UInt64, of process: ProcessID, _ tracker: borrowing ProcessTracker) {
    guard !isEager,
      let region = tracker.regions(of: process)?.first(where: { $0.start <= address && address < $0.end }),
      case .pending = modules[region.source], !queue.contains(where: { $0.source == region.source })
    else { return }
    enqueue(region.source, of: process, tracker)
  }

  private mutating func enqueue(_ source: SourceIndex, of process: ProcessID, _ tracker: borrowing ProcessTracker) {
    if queue.isEmpty { queued = [:] }
    var job = UnwindTables.Job(source, of: tracker.sources)
    job.turn = queued[process, default: 0] / Self.batch
    queued[process, default: 0] += 1
    queue.insert(job, at: queue.partitioningIndex { ($0.turn, $0.size) > (job.turn, job.size) })
  }

  private mutating func note(_ source: SourceIndex, of process: ProcessID, _ tracker: borrowing ProcessTracker) {
    guard source >= 0 else { return }
    switch modules[source] {
    case nil:
      // Another capture may have built it.
      if let known = tables.find(tracker.sources[Int(source)]) {
        modules[source] = .built(known.outcome)
        publishFile(source, known.outcome, tracker)
        if warnings.count < Self.maximumWarnings { warnings += known.warnings }
        return
      }
      modules[source] = .pending
      if isEager { enqueue(source, of: process, tracker) }
      waiting[source] = [process]
    case .pending: waiting[source, default: []].insert(process)
    case .built: break
    }
  }

  private mutating func publish(_ processes: Set<ProcessID>, _ tracker: borrowing ProcessTracker) {
    for process in processes {
      if let space = tracker.space(of: process) {
        publish(process, space)
      } else if blocks.removeValue(forKey: process) != nil {
        codeMaps.remove(key: UInt32(process.rawValue))
      }
    }
    guard !processes.isEmpty else { return }
    changes += 1
    // Fails for no value of an array's only element.
    try? edition.update(key: UInt32(0), value: changes)
  }

  private mutating func publish(_ process: ProcessID, _ space: AddressSpace) {
    guard publishesMappings else { return }
    let ranges = space.regions.map { range($0, among: space.regions) }
    let size = UnwindLines.lines(forBytes: max(1, ranges.count * MemoryLayout<swprof_code_range>.stride))
    do throws(BPFError) {
      guard let block = try UnwindLines.Block(size, of: tables.lines) else { return countShortage(process) }
      tables.lines.write(ranges, at: block.first)
      try tables.lines.waitUntilVisible()
      try codeMaps.update(
        key: UInt32(process.rawValue),
        value: swprof_code_map(first: block.first, count: UInt32(ranges.count), program_ns: space.programStart))
      // The one before is free from here on, and rests before it is written again.
      blocks[process] = block
    } catch {
      countShortage(process)
    }
  }

  /// Tells the kernel side of a file's table, whoever maps it. One that finds no room is left to what is told of each
  /// process.
  private mutating func publishFile(
    _ source: SourceIndex, _ outcome: UnwindTables.Outcome, _ tracker: borrowing ProcessTracker
  ) {
    guard let value = swprof_code_file(outcome), let identity = tracker.identity(of: source) else { return }
    do throws(BPFError) {
      try tables.lines.waitUntilVisible()
      try codeFiles.update(key: identity, value: value)
      files[source] = identity
    } catch {}
  }

  /// A process whose newest mappings could not be published is not walked by old ones.
  private mutating func countShortage(_ process: ProcessID) {
    shortages += 1
    codeMaps.remove(key: UInt32(process.rawValue))
  }

  /// Forgets sources that no process has mapped any more, with the hold on their tables.
  mutating func forget(_ sources: Set<SourceIndex>) {
    for source in sources {
      // Before its table may be given up. Another source may be the same file by another path.
      if let identity = files.removeValue(forKey: source), !files.values.contains(where: identity.isSame) {
        codeFiles.remove(key: identity)
      }
      modules[source] = nil
      waiting[source] = nil
    }
    queue.removeAll { sources.contains($0.source) }
  }

  private func range(_ region: AddressSpace.Region, among regions: [AddressSpace.Region]) -> swprof_code_range {
    var range = swprof_code_range()
    range.start = region.start
    range.end = region.end
    range.module = UInt32(SWPROF_MODULE_NONE)
    switch modules[region.source] {
    case nil: if region.source < 0 { range.flags = UInt32(SWPROF_RANGE_GENERATED) }
    case .built(.none): break
    case .pending, .built(.noRoom): range.module = UInt32(SWPROF_MODULE_NOT_READY)
    case .built(.ready(let table, let segments)):
      guard let bias = Self.bias(of: region, among: regions, segments: segments) else { break }
      range.module = table.line
      range.bias = bias
    }
    return range
  }

  /// What turns an address of a region into an ELF virtual address, modulo 2^64; nil where no segment is mapped there.
  ///
  /// Two segments may share a page of their file. Then all regions of the file count: one address serves all its
  /// segments, so that the right one is the one that most of them can have.
  ///
  /// - Parameter regions: those of the process.
  static func bias(
    of region: AddressSpace.Region, among regions: [AddressSpace.Region], segments: [ELFFile.Segment]
  ) -> UInt64? {
    let candidates = biases(of: region, segments: segments)
    guard candidates.count > 1 else { return candidates.first }
    let votes = regions.lazy.filter { $0.source == region.source }.prefix(maximumVotes)
      .map { biases(of: $0, segments: segments) }
    let counts = candidates.map { candidate in votes.count { $0.contains(candidate) } }
    guard let most = counts.max(), counts.count(where: { $0 == most }) == 1 else { return nil }
    return zip(candidates, counts).first { $0.1 == most }?.0
  }

  private static let maximumVotes = 64

  private static func biases(of region: AddressSpace.Region, segments: [ELFFile.Segment]) -> [UInt64] {
    segments.filter { $0.isMapped(at: region.sourceStart) }.map {
      $0.virtualAddress &- $0.fileOffset &+ region.sourceStart &- region.start
    }
  }
}

extension ELFFile.Segment {
  /// Whether a mapping that begins at a file offset shows this segment's code; mappings begin at page boundaries.
  func isMapped(at offset: UInt64) -> Bool {
    let page = UInt64(Host.pageSize)
    return isExecutable && offset >= fileOffset / page * page && offset < fileOffset &+ fileSize
  }
}
