import BPF
import ELF
import Glibc
import LinuxSystem
import ProfileModel
import Unwinding

/// The unwind tables of files, built one after the other and written where the kernel side finds them.
struct UnwindTables {
  /// What came of building a table.
  enum Outcome {
    /// No unwind information: frames are walked by frame pointers.
    case none
    /// There was no room for the table.
    case noRoom
    case ready(line: UInt32, segments: [ELFFile.Segment])
  }

  /// A table in the making.
  struct Job {
    let source: SourceIndex
    let size: Int
    fileprivate var work: Work?

    fileprivate struct Work {
      var compilation: UnwindCompilation
      let segments: [ELFFile.Segment]
      let buildID: String?
    }

    init(_ source: SourceIndex, of sources: [CodeSource]) {
      self.source = source
      if case .file(let file, _) = sources[Int(source)], let status = try? file.status() {
        size = Int(status.st_size)
      } else {
        size = 0
      }
    }
  }

  /// Where the tables are, and what else the kernel side is to find there.
  var lines: UnwindLines
  private var linesByBuildID: [String: UInt32] = [:]
  /// The time that went into building tables, in ns.
  private(set) var buildNanoseconds: UInt64 = 0
  /// Files that found no room.
  private(set) var shortages: UInt64 = 0
  /// Files whose unwind information is damaged: a sentence each.
  private(set) var warnings: [String] = []

  private static let entriesAtOnce = 200
  /// Loading programs takes some 10 ms, in which the table of no larger file is done.
  private static let maximumSizeAhead = 8 << 20

  init(lines: UnwindLines) { self.lines = lines }

  /// Builds tables before they are asked for, smallest files first: of all but large files that processes have mapped,
  /// and of a program.
  ///
  /// What fails here is left to be tried, and told, when it is asked for by `advance`.
  mutating func buildAhead(for processes: [ProcessID], _ program: OpenFile?, while isTimeLeft: () -> Bool) {
    var tracker = ProcessTracker(scope: .listed, includesChildren: false) { _ in .none }
    for process in processes { tracker.follow(process) }
    var sources = tracker.sources
    let known = (warnings, shortages)
    let files = Set(processes.flatMap { tracker.regions(of: $0) ?? [] }.map(\.source)).filter { $0 >= 0 }
    var jobs = files.map { Job($0, of: sources) }.filter { $0.size <= Self.maximumSizeAhead }
    if let program {
      sources.append(.file(program, path: ""))
      jobs.append(Job(SourceIndex(sources.count - 1), of: sources))
    }
    // A file is known again by its build-id alone.
    jobs = jobs.filter { (try? Self.file(of: sources[Int($0.source)])).flatMap(Self.buildID) != nil }
    for var job in jobs.sorted(by: { ($0.size, $0.source) < ($1.size, $1.source) }) {
      while isTimeLeft(), advance(&job, of: sources) == nil {}
    }
    (warnings, shortages) = known
  }

  /// Goes on with a job for about a tenth of a millisecond.
  ///
  /// - Returns: what came of it; nil while there is more to do.
  mutating func advance(_ job: inout Job, of sources: [CodeSource]) -> Outcome? {
    let start = Clock.monotonic
    defer { buildNanoseconds += Clock.monotonic.nanoseconds(since: start) }
    let source = sources[Int(job.source)]
    do throws(UnwindError) {
      if job.work == nil {
        guard let file = try? Self.file(of: source) else { return Outcome.none }
        let buildID = Self.buildID(of: file)
        if let buildID, let line = linesByBuildID[buildID] { return .ready(line: line, segments: file.loads) }
        guard let compilation = try UnwindCompilation(file) else { return Outcome.none }
        job.work = Job.Work(compilation: compilation, segments: file.loads, buildID: buildID)
      }
      if try job.work?.compilation.advance(entries: Self.entriesAtOnce) ?? false { return nil }
    } catch {
      warn(source, "\(error); its stacks are walked by frame pointers")
      return Outcome.none
    }
    guard let work = job.work, let table = work.compilation.table() else { return Outcome.none }
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

  /// The ELF file of a source; nil for code without one.
  static func file(of source: CodeSource) throws(ELFError) -> ELFFile? {
    switch source {
    case .file(let file, _): try ELFFile(ByteSource(file))
    case .vdso: try ELFFile(.memory(VDSO.image ?? []))
    case .kernel, .anonymous, .missing, .unmapped: nil
    }
  }

  private static func buildID(of file: ELFFile) -> String? { BuildID.find(in: file, sections: []) }

  private mutating func warn(_ source: CodeSource, _ sentence: String) {
    let path = if case .file(_, let path) = source { path } else { "[vdso]" }
    warnings.append("\(path): \(sentence)")
  }
}
