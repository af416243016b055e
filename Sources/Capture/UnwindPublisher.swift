import BPF
import CProbes
import ELF
import Glibc
import LinuxSystem
import ProfileModel
import Unwinding

/// Tells the kernel side which code each followed process has mapped, and by which tables its stacks are walked.
///
/// A process is told of anew whenever its mappings change: a new block of lines is written, then its entry in
/// `code_maps` is set to it in one step.
struct UnwindPublisher {
  /// What is known of a source of code.
  private enum Module {
    /// No table was built yet.
    case pending
    /// No unwind information: its frames are walked by frame pointers.
    case none
    /// There was no room for its table.
    case noRoom
    case ready(line: UInt32, segments: [ELFFile.Segment])
  }

  /// A table in the making.
  private struct Job {
    let source: SourceIndex
    let size: Int
    var work: Work?

    struct Work {
      var compilation: UnwindCompilation
      let segments: [ELFFile.Segment]
      let buildID: String?
    }
  }

  private struct Block {
    let first: UInt32
    let lines: Int
  }

  private let codeMaps: BPFMap
  /// Where the changes of `codeMaps` are counted.
  private let edition: BPFMap
  private var changes: UInt64 = 0
  /// Whether tables are built for all code that is mapped, not only for code that samples came through.
  private let isEager: Bool
  private var lines: UnwindLines
  private var modules: [SourceIndex: Module] = [CodeSources.kernel: .none]
  private var linesByBuildID: [String: UInt32] = [:]
  private var blocks: [ProcessID: Block] = [:]
  /// Sources whose tables are still to be built. Small files come first: the tables of many programs are ready before
  /// that of one huge one.
  private var queue: [Job] = []
  /// The processes that have mapped a pending source.
  private var waiting: [SourceIndex: Set<ProcessID>] = [:]
  /// The time that went into building tables, in ns, and the lines that they and the code maps take.
  private(set) var buildNanoseconds: UInt64 = 0
  var linesInUse: UInt32 { lines.inUse }
  /// Files and processes that found no room.
  private(set) var shortages: UInt64 = 0
  /// Files whose unwind information is damaged: a sentence each.
  private(set) var warnings: [String] = []

  init(codeMaps: BPFMap, edition: BPFMap, lines: UnwindLines, isEager: Bool) {
    self.codeMaps = codeMaps
    self.edition = edition
    self.isEager = isEager
    self.lines = lines
  }

  /// Whether `update` has more to do than time allowed.
  var hasWork: Bool { !queue.isEmpty }

  /// Publishes every process whose mappings have changed, and builds tables until the queue is empty or time is up.
  mutating func update(_ tracker: inout ProcessTracker, until deadline: MonotonicTime) {
    let changed = tracker.takeChanged()
    for process in changed {
      for region in tracker.regions(of: process) ?? [] { note(region.source, of: process, tracker) }
    }
    // What can be published at once does not wait for what has to be built.
    if !isEager || queue.isEmpty { publish(changed, tracker) }
    var affected: Set<ProcessID> = isEager && !queue.isEmpty ? changed : []
    let start = Clock.monotonic
    while !queue.isEmpty, Clock.monotonic < deadline {
      guard let module = advanceFirstJob(tracker) else { continue }
      let source = queue.removeFirst().source
      modules[source] = module
      affected.formUnion(waiting.removeValue(forKey: source) ?? [])
    }
    buildNanoseconds += Clock.monotonic.nanoseconds(since: start)
    publish(affected, tracker)
  }

  /// Has the table built that a walk asked for in vain: the one of the code around an address.
  mutating func need(tableAt address: UInt64, of process: ProcessID, _ tracker: borrowing ProcessTracker) {
    guard !isEager,
      let region = tracker.regions(of: process)?.first(where: { $0.start <= address && address < $0.end }),
      case .pending = modules[region.source], !queue.contains(where: { $0.source == region.source })
    else { return }
    enqueue(region.source, tracker)
  }

  private mutating func enqueue(_ source: SourceIndex, _ tracker: borrowing ProcessTracker) {
    var size = 0
    if case .file(let file, _) = tracker.sources[Int(source)], let status = try? file.status() {
      size = Int(status.st_size)
    }
    queue.insert(Job(source: source, size: size), at: queue.partitioningIndex { $0.size > size })
  }

  private mutating func note(_ source: SourceIndex, of process: ProcessID, _ tracker: borrowing ProcessTracker) {
    guard source >= 0 else { return }
    switch modules[source] {
    case nil:
      modules[source] = .pending
      if isEager { enqueue(source, tracker) }
      waiting[source] = [process]
    case .pending: waiting[source, default: []].insert(process)
    case .some(.none), .noRoom, .ready: break
    }
  }

  private mutating func publish(_ processes: Set<ProcessID>, _ tracker: borrowing ProcessTracker) {
    for process in processes {
      if let regions = tracker.regions(of: process) {
        publish(process, regions)
      } else if let block = blocks.removeValue(forKey: process) {
        codeMaps.remove(key: UInt32(process.rawValue))
        lines.release(block.first, lines: block.lines)
      }
    }
    guard !processes.isEmpty else { return }
    changes += 1
    // Fails for no value of an array's only element.
    try? edition.update(key: UInt32(0), value: changes)
  }

  /// Goes on with the first job for about a tenth of a millisecond.
  ///
  /// - Returns: what came of it; nil while there is more to do.
  private mutating func advanceFirstJob(_ tracker: borrowing ProcessTracker) -> Module? {
    let source = tracker.sources[Int(queue[0].source)]
    do throws(UnwindError) {
      if queue[0].work == nil {
        guard let file = try? Self.file(of: source) else { return Module.none }
        let buildID = BuildID.find(in: file, sections: [])
        if let buildID, let line = linesByBuildID[buildID] { return .ready(line: line, segments: file.loads) }
        guard let compilation = try UnwindCompilation(file) else { return Module.none }
        queue[0].work = Job.Work(compilation: compilation, segments: file.loads, buildID: buildID)
      }
      if try queue[0].work?.compilation.advance(entries: Self.entriesAtOnce) ?? false { return nil }
    } catch {
      warn(source, "\(error); its stacks are walked by frame pointers")
      return Module.none
    }
    guard let work = queue[0].work, let table = work.compilation.table() else { return Module.none }
    if table.damagedEntries > 0 {
      warn(source, "\(table.damagedEntries) entries of its unwind information make no sense and are left out")
    }
    guard let line = try? table.store(in: &lines) else {
      shortages += 1
      return .noRoom
    }
    if let buildID = work.buildID { linesByBuildID[buildID] = line }
    return .ready(line: line, segments: work.segments)
  }

  private static let entriesAtOnce = 200

  /// The ELF file of a source; nil for code without one.
  static func file(of source: CodeSource) throws(ELFError) -> ELFFile? {
    switch source {
    case .file(let file, _): try ELFFile(ByteSource(file))
    case .vdso: try ELFFile(.memory(VDSO.image ?? []))
    case .kernel, .anonymous, .missing, .unmapped: nil
    }
  }

  private mutating func warn(_ source: CodeSource, _ sentence: String) {
    let path = if case .file(_, let path) = source { path } else { "[vdso]" }
    warnings.append("\(path): \(sentence)")
  }

  private mutating func publish(_ process: ProcessID, _ regions: [AddressSpace.Region]) {
    let ranges = regions.map(range)
    let previous = blocks[process]
    let size = UnwindLines.lines(forBytes: max(1, ranges.count * MemoryLayout<swprof_code_range>.stride))
    guard let first = try? lines.allocate(lines: size) else { return countShortage(process) }
    lines.write(ranges, at: first)
    let map = swprof_code_map(first: first, count: UInt32(ranges.count))
    do throws(BPFError) {
      try lines.waitUntilVisible()
      try codeMaps.update(key: UInt32(process.rawValue), value: map)
      blocks[process] = Block(first: first, lines: size)
      if let previous { lines.release(previous.first, lines: previous.lines) }
    } catch {
      lines.release(first, lines: size)
      countShortage(process)
    }
  }

  /// A process whose newest mappings could not be published is not walked by old ones.
  private mutating func countShortage(_ process: ProcessID) {
    shortages += 1
    codeMaps.remove(key: UInt32(process.rawValue))
  }

  private func range(_ region: AddressSpace.Region) -> swprof_code_range {
    var range = swprof_code_range()
    range.start = region.start
    range.end = region.end
    range.module = UInt32(SWPROF_MODULE_NONE)
    switch modules[region.source] {
    case nil, .some(.none): break
    case .pending, .noRoom: range.module = UInt32(SWPROF_MODULE_NOT_READY)
    case .ready(let line, let segments):
      guard let bias = Self.bias(of: region, segments: segments) else { break }
      range.module = line
      range.bias = bias
    }
    return range
  }

  /// What turns an address of a region into an ELF virtual address, modulo 2^64; nil where no segment is mapped there.
  static func bias(of region: AddressSpace.Region, segments: [ELFFile.Segment]) -> UInt64? {
    segments.first { $0.isMapped(at: region.sourceStart) }.map {
      $0.virtualAddress &- $0.fileOffset &+ region.sourceStart &- region.start
    }
  }
}

extension ELFFile.Segment {
  /// Whether a mapping that begins at a file offset shows this segment's code; mappings begin at page boundaries.
  fileprivate func isMapped(at offset: UInt64) -> Bool {
    let page = UInt64(Host.pageSize)
    return isExecutable && offset >= fileOffset / page * page && offset < fileOffset &+ fileSize
  }
}
