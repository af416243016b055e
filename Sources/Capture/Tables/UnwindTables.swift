import BPF
import ELF
import Glibc
import LinuxSystem
import ProfileModel
import Unwinding

/// The unwind tables of files, each built once and written where the kernel side finds it.
///
/// Several captures may share them. A table that nobody uses any more stays for the next one that maps its file, as long
/// as there is room.
final class UnwindTables {
  /// What came of building a table.
  enum Outcome {
    /// No unwind information: frames are walked by frame pointers.
    case none
    /// There was no room for the table.
    case noRoom
    case ready(Lease, segments: [ELFFile.Segment])
  }

  /// Keeps a table where it is.
  final class Lease {
    /// The line of its `struct swprof_module`.
    let line: UInt32
    /// How many lines it takes.
    let lineCount: Int
    private let key: Key
    private let tables: UnwindTables

    fileprivate init(_ line: UInt32, lineCount: Int, of key: Key, _ tables: UnwindTables) {
      self.line = line
      self.lineCount = lineCount
      self.key = key
      self.tables = tables
    }

    deinit { tables.giveBack(key) }
  }

  /// What is known of a file, with what is to be said of it.
  struct Result {
    let outcome: Outcome
    let warnings: [String]
  }

  /// A table in the making.
  struct Job {
    let source: SourceIndex
    let size: Int
    /// How many batches of files the same process has had queued before it.
    var turn = 0

    init(_ source: SourceIndex, of sources: [CodeSource]) {
      self.source = source
      if case .file(let file, _) = sources[Int(source)], let status = try? file.status() {
        size = Int(status.st_size)
      } else {
        size = 0
      }
    }

    fileprivate var key: Key?
    fileprivate var segments: [ELFFile.Segment] = []
  }

  /// Tells files apart, and equal copies together where that can be trusted.
  fileprivate enum Key: Hashable {
    /// A build id stands for a file that root owns, on this host: anyone may write a file with another one's build id, the
    /// root of a container too, and must not choose how the stacks of others are walked.
    case buildID(String, size: Int)
    case file(ContentIdentity)
  }

  /// A table, or that there is none.
  private struct Entry {
    var line: UInt32?
    var segments: [ELFFile.Segment] = []
    var lineCount = 0
    var warnings: [String] = []
    var users = 0
    /// When it was last used, as a number of `uses`.
    var lastUse = 0
  }

  /// Where the tables are, and what else the kernel side is to find there.
  let lines: UnwindLines
  private var entries: [Key: Entry] = [:]
  /// Files that were seen, those of one build id together.
  private var keys: [ContentIdentity: Key] = [:]
  private var works: [Key: FileCompilation] = [:]
  private var uses = 0
  private var idleLines = 0
  private var idleEntries = 0
  /// How many lines, and how many entries, are kept for nobody.
  private let idleLineLimit: Int
  private static let idleEntryLimit = 4096
  private static let maximumWorks = 128

  private static let entriesAtOnce = 200
  /// Loading programs takes some 10 ms, in which the table of no larger file is done.
  private static let maximumSizeAhead = 8 << 20

  /// - Parameter idleLineLimit: how many lines tables may take that nobody uses.
  init(lines: UnwindLines, idleLineLimit: Int) {
    self.lines = lines
    self.idleLineLimit = idleLineLimit
  }

  /// The tables that there are, those that nobody uses included.
  var count: Int { entries.count }

  /// Builds tables before they are asked for, smallest files first: of all but large files that processes have mapped,
  /// and of a program.
  ///
  /// What fails here is left to be tried, and told, when it is asked for by `advance`.
  func buildAhead(for processes: [ProcessID], _ program: OpenFile?, while isTimeLeft: () -> Bool) {
    var tracker = ProcessTracker(scope: .listed, includesChildren: false) { _ in .none }
    for process in processes { tracker.follow(process) }
    var sources = tracker.sources
    let files = Set(processes.flatMap { tracker.regions(of: $0) ?? [] }.map(\.source)).filter { $0 >= 0 }
    var jobs = files.map { Job($0, of: sources) }.filter { $0.size <= Self.maximumSizeAhead }
    if let program {
      sources.append(.file(program, path: ""))
      jobs.append(Job(SourceIndex(sources.count - 1), of: sources))
    }
    for var job in jobs.sorted(by: { ($0.size, $0.source) < ($1.size, $1.source) }) {
      while isTimeLeft(), advance(&job, of: sources) == nil {}
    }
  }

  /// The table of a source that was built before; nil where that is not known. Costs a system call.
  func find(_ source: CodeSource) -> Result? {
    let key: Key
    switch source {
    case .file(let file, _):
      guard let status = try? file.status(), let known = keys[ContentIdentity(status)] else { return nil }
      key = known
    case .vdso: key = Self.vdso
    case .kernel, .anonymous, .missing, .unmapped: return nil
    }
    return entries[key].map { _ in result(for: key) }
  }

  private static let vdso = Key.buildID("[vdso]", size: 0)

  /// Goes on with a job for about a tenth of a millisecond. Jobs of one file share their work.
  ///
  /// - Returns: what came of it; nil while there is more to do.
  func advance(_ job: inout Job, of sources: [CodeSource]) -> Result? {
    let source = sources[Int(job.source)]
    do throws(UnwindError) {
      if job.key == nil {
        guard let file = try? Self.file(of: source), let key = key(of: source, file) else { return Self.nothing }
        (job.key, job.segments) = (key, file.loads)
        if entries[key] == nil, works[key] == nil {
          let compilation = try FileCompilation(file, debugFile: Self.debugFile(of: file, source))
          // Somebody writes into the file: what was read may be part of one build and part of another.
          guard self.key(of: source, file) == key else { return Self.nothing }
          guard let compilation else { return note(Entry(), for: job) }
          // What was left half done by captures that have ended: more jobs are never open at once.
          if works.count >= Self.maximumWorks { works = [:] }
          works[key] = compilation
        }
      }
      guard let key = job.key else { return Self.nothing }
      if entries[key] != nil { return result(for: key) }
      // Somebody else's work on it has come to an end without a table: it is begun again.
      guard works[key] != nil else {
        job.key = nil
        return nil
      }
      if try works[key]?.advance(entries: Self.entriesAtOnce) ?? false { return nil }
    } catch {
      return note(Entry(warnings: ["\(error); its stacks are walked by frame pointers"]), for: job, of: source)
    }
    guard let key = job.key, let work = works.removeValue(forKey: key) else { return note(Entry(), for: job) }
    var entry = Entry(warnings: work.problems)
    guard let table = work.table() else { return note(entry, for: job, of: source) }
    if table.damagedEntries > 0 {
      entry.warnings += ["\(table.damagedEntries) entries of its unwind information make no sense and are left out"]
    }
    entry.line = try? table.store(in: lines)
    if entry.line == nil, idleLines > 0 {
      trim(toLines: 0)
      entry.line = try? table.store(in: lines)
    }
    // Not remembered: there may be room the next time.
    guard entry.line != nil else { return Result(outcome: .noRoom, warnings: warnings(entry, of: source)) }
    entry.lineCount = table.storedLines
    return note(entry, for: job, of: source)
  }

  private static var nothing: Result { Result(outcome: .none, warnings: []) }

  private func note(_ entry: Entry, for job: Job, of source: CodeSource? = nil) -> Result {
    guard let key = job.key else { return Self.nothing }
    works[key] = nil
    var entry = entry
    entry.segments = job.segments
    if let source { entry.warnings = warnings(entry, of: source) }
    entries[key] = entry
    idleLines += entry.lineCount
    idleEntries += 1
    return result(for: key)
  }

  private func warnings(_ entry: Entry, of source: CodeSource) -> [String] {
    let path = if case .file(_, let path) = source { path } else { "[vdso]" }
    return entry.warnings.map { "\(path): \($0)" }
  }

  private func result(for key: Key) -> Result {
    guard var entry = entries[key] else { return Self.nothing }
    uses += 1
    entry.lastUse = uses
    defer { trim(toLines: idleLineLimit) }
    guard let line = entry.line else {
      entries[key] = entry
      return Result(outcome: .none, warnings: entry.warnings)
    }
    if entry.users == 0 {
      idleLines -= entry.lineCount
      idleEntries -= 1
    }
    entry.users += 1
    entries[key] = entry
    return Result(
      outcome: .ready(Lease(line, lineCount: entry.lineCount, of: key, self), segments: entry.segments),
      warnings: entry.warnings)
  }

  private func giveBack(_ key: Key) {
    guard var entry = entries[key] else { return }
    entry.users -= 1
    entries[key] = entry
    guard entry.users == 0 else { return }
    idleLines += entry.lineCount
    idleEntries += 1
    trim(toLines: idleLineLimit)
  }

  /// Gives up tables that nobody uses, those first that were not used for longest.
  private func trim(toLines limit: Int) {
    guard idleLines > limit || idleEntries > Self.idleEntryLimit else { return }
    for (key, entry) in entries.filter({ $0.value.users == 0 }).sorted(by: { $0.value.lastUse < $1.value.lastUse }) {
      // Some more, so that this is not done each time.
      guard idleLines > limit / 4 * 3 || idleEntries > Self.idleEntryLimit / 4 * 3 else { break }
      if let line = entry.line { lines.release(line, lines: entry.lineCount) }
      idleLines -= entry.lineCount
      idleEntries -= 1
      entries[key] = nil
    }
    keys = keys.filter { entries[$0.value] != nil }
  }

  /// The ELF file of a source; nil for code without one.
  static func file(of source: CodeSource) throws(ELFError) -> ELFFile? {
    switch source {
    case .file(let file, _): try ELFFile(ByteSource(file))
    case .vdso: try ELFFile(.memory(VDSO.image ?? []))
    case .kernel, .anonymous, .missing, .unmapped: nil
    }
  }

  /// The separate debug file of a file, for the unwind information that the file itself has not.
  ///
  /// It must belong to root or to the file's owner: others may not choose how the stacks of a program are walked.
  static func debugFile(of file: ELFFile, _ source: CodeSource) -> ELFFile? {
    guard case .file(let open, let path) = source, let owner = try? open.status().st_uid,
      let sections = try? file.sections(), let named = try? file.sectionsByName(sections),
      named[".debug_frame"] == nil, named[".zdebug_frame"] == nil
    else { return nil }
    let buildID = BuildID.find(in: file, sections: sections)
    var chunks = 0
    let found = debugFiles.find(for: file, named: named, buildID: buildID, path: path) {
      chunks += 1
      return chunks > maximumChunks
    }
    guard let found, case .file(let debug, _) = found.file.source, let debugOwner = try? debug.status().st_uid,
      debugOwner == 0 || debugOwner == owner
    else { return nil }
    return found.file
  }

  private static let debugFiles = DebugFiles(directory: "/usr/lib/debug")
  /// Of a debug file without a build id, whose checksum is taken while a capture waits: 32 MiB, some 20 ms.
  private static let maximumChunks = 512

  private func key(of source: CodeSource, _ file: ELFFile) -> Key? {
    guard case .file(let open, _) = source else { return Self.vdso }
    guard let status = try? open.status() else { return nil }
    let identity = ContentIdentity(status)
    var key = Key.file(identity)
    if status.st_uid == 0, open.isOfThisHost, let buildID = BuildID.find(in: file, sections: []) {
      key = .buildID(buildID, size: Int(status.st_size))
    }
    keys[identity] = key
    return key
  }
}

extension OpenFile {
  /// Whether the processes that have mapped the file see the file system of this host.
  fileprivate var isOfThisHost: Bool {
    switch snapshot?.root {
    case nil, .shared: true
    case .foreign, .unknown: false
    }
  }
}

/// Tables that captures of one process share: built once, and ready for the next capture.
package final class SharedTables {
  /// Made with the first programs that walk by them.
  var tables: UnwindTables?
  let idleLineLimit: Int

  /// - Parameter idleLineLimit: how many lines of 64 bytes tables may take that nobody uses.
  package init(idleLineLimit: Int = 1 << 19) { self.idleLineLimit = idleLineLimit }

  /// How many lines of the kernel side's array are taken.
  package var linesInUse: Int { Int(tables?.lines.inUse ?? 0) }
}
