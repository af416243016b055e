package import LinuxSystem
package import ProfileModel

/// Follows what processes map, so that an address of a sample can be told apart from the same address a moment later.
///
/// Records and samples must be applied in the order of their times.
package struct ProcessTracker {
  /// Which processes are followed without having been sampled.
  package enum Scope: Sendable {
    /// Only those that were named, and their children.
    case listed
    /// All: a process that lives for milliseconds has to be known before its first sample is read.
    case all
  }

  private let scope: Scope
  private let includesChildren: Bool
  private let processName: String?
  private var codeSources = CodeSources()
  private var spaces: [ProcessID: AddressSpace] = [:]
  private var anonymous: [ProcessID: SourceIndex] = [:]
  private var unmapped: [ProcessID: SourceIndex] = [:]
  private(set) var codeRegions = CodeRegions()
  /// Processes whose mappings were asked for in vain; they are not asked for again until they exec.
  private var unreadable: Set<ProcessID> = []
  /// Processes whose main thread has exited; other threads may still run.
  private var exited: Set<ProcessID> = []
  /// Processes whose mappings have changed since `takeChanged()`, those that are gone included.
  private var changed: Set<ProcessID> = []
  /// Records that the kernel dropped, of processes that are followed, as far as that can be told.
  package private(set) var recordsLost: UInt64 = 0
  /// Records that the kernel dropped while no process that was followed then has changed: those of others, or of children
  /// whose fork is among them.
  private(set) var otherRecordsLost: UInt64 = 0
  /// The forks of followed processes that were seen.
  private(set) var forksSeen: UInt64 = 0
  /// What could not be looked into, and perf-maps that were refused: a sentence each.
  package private(set) var warnings: [String] = []
  private static let maximumWarnings = 200
  /// Asked when the program of a process began, where no record tells, and before its mappings are read.
  var programStart: (ProcessID) -> UInt64 = { _ in 0 }
  /// Asked for the perf-map of a process; `nil` where there is none.
  private let openPerfMap: (ProcessID) -> PerfMapOpening

  /// What came of looking for a perf-map.
  package enum PerfMapOpening: Sendable {
    case none
    case file(OpenFile)
    case refused(String)
  }

  package init(
    scope: Scope, includesChildren: Bool, processName: String? = nil,
    openPerfMap: @escaping (ProcessID) -> PerfMapOpening
  ) {
    self.scope = scope
    self.includesChildren = includesChildren
    self.processName = processName
    self.openPerfMap = openPerfMap
  }

  package var sources: [CodeSource] { codeSources.sources }

  /// Reads the mappings that a process has now; does nothing for one that is followed already.
  package mutating func follow(_ process: ProcessID) {
    guard spaces[process] == nil, !unreadable.contains(process) else { return }
    let start = programStart(process)
    do {
      let mappings = try ProcessTable.mappings(of: process)
      spaces[process] = AddressSpace(programStart: start)
      changed.insert(process)
      for mapping in mappings { add(mapping, to: process) }
    } catch {
      unreadable.insert(process)
      // One that has ended meanwhile is no news.
      if error == .accessDenied || error == .notPermitted {
        warn(
          "process \(process): its mappings cannot be read (\(error)), its frames have no names; run as root or grant "
            + Capability.sysPtrace.name)
      }
    }
  }

  /// Follows a process from its next exec on.
  mutating func awaitExec(of process: ProcessID) { begin(process, at: MonotonicTime(nanoseconds: 0)) }

  package mutating func apply(_ record: SidebandRecord) {
    let process = record.process
    switch record.event {
    case .mapping(let mapping):
      if spaces[process] == nil, scope == .all { follow(process) }
      if spaces[process] != nil { add(mapping, to: process) }
    case .name(let name, let isExec):
      if isExec, spaces[process] != nil || isOfInterest(name) {
        begin(process, at: record.time)
      } else if isOfInterest(name), record.thread.rawValue == process.rawValue {
        follow(process)
      }
    case .fork(let parent):
      guard parent != process, includesChildren || scope == .all, var inherited = spaces[parent] else { return }
      begin(process, at: record.time)
      inherited.programStart = record.time.nanoseconds
      spaces[process] = inherited
      forksSeen += 1
    case .exit:
      if record.thread.rawValue == process.rawValue { exited.insert(process) }
    case .lost(let count):
      if readAgain() || scope == .all { recordsLost += count } else { otherRecordsLost += count }
    }
  }

  /// Reads the mappings of all processes where they still can be read.
  ///
  /// - Returns: whether any has changed, or is gone with what it may have mapped.
  private mutating func readAgain() -> Bool {
    var isChanged = false
    for (process, space) in spaces {
      // Its end may be among the records.
      guard ProcessTable.exists(process) else {
        exited.insert(process)
        isChanged = true
        continue
      }
      spaces[process] = nil
      follow(process)
      isChanged = isChanged || spaces[process]?.regions != space.regions
    }
    return isChanged
  }

  /// Opens the file of a new mapping ahead of its turn, because its process may be gone by then.
  package mutating func prepare(_ record: SidebandRecord) {
    guard case .mapping(let mapping) = record.event, scope == .all || spaces[record.process] != nil,
      Self.isFile(mapping)
    else { return }
    _ = codeSources.file(for: mapping) { MappedFile.open(mapping, of: record.process) }
  }

  /// Forgets the mappings of processes that are gone. Call when all records up to now have been applied.
  package mutating func forgetExited() {
    for process in exited where !ProcessTable.exists(process) {
      exited.remove(process)
      forget(process)
    }
    // One that had ended before it was looked at has no record of its end to come.
    if unreadable.count > Self.maximumUnreadable { unreadable = unreadable.filter { ProcessTable.exists($0) } }
  }

  private static let maximumUnreadable = 1024

  /// Follows a process no longer.
  mutating func forget(_ process: ProcessID) {
    spaces[process] = nil
    changed.insert(process)
    anonymous[process] = nil
    unmapped[process] = nil
    unreadable.remove(process)
  }

  /// The sources that are known now.
  var sourceCount: Int { codeSources.count }

  /// Forgets the sources that no process has mapped any more, and closes their files.
  ///
  /// - Parameter kept: those that are needed all the same.
  /// - Returns: what was forgotten; others may get their indices.
  mutating func forgetUnusedSources(except kept: Set<SourceIndex>) -> Set<SourceIndex> {
    var used = kept
    for space in spaces.values { for region in space.regions { used.insert(region.source) } }
    used.formUnion(anonymous.values)
    used.formUnion(unmapped.values)
    let gone = codeSources.keep(used)
    codeRegions.forget(gone)
    return gone
  }

  /// The processes whose mappings have changed since the last call, those that are gone included.
  mutating func takeChanged() -> Set<ProcessID> {
    defer { changed.removeAll(keepingCapacity: true) }
    return changed
  }

  /// Where a source's file is; nil for other sources.
  func filePlace(of source: SourceIndex) -> FilePlace? { codeSources.place(of: source) }

  /// The executable mappings of a process, sorted; nil for one that is not followed.
  func regions(of process: ProcessID) -> [AddressSpace.Region]? { spaces[process]?.regions }

  /// What a process has mapped; nil for one that is not followed.
  func space(of process: ProcessID) -> AddressSpace? { spaces[process] }

  /// The source of an address of a process, and the address there.
  package mutating func locate(_ address: UInt64, in process: ProcessID) -> (source: SourceIndex, address: UInt64) {
    if spaces[process] == nil { follow(process) }
    guard let region = spaces[process]?.region(containing: address) else {
      return (unmappedSource(of: process), address)
    }
    if region.source == Self.anonymousRegion {
      let source = anonymousSource(of: process)
      if let start = spaces[process]?.startOfStretch(around: address) { codeRegions.note(start, in: source) }
      return (source, address)
    }
    return (region.source, address - region.start + region.sourceStart)
  }

  /// Regions without a file get their source when they are first hit: only then is a perf-map looked for.
  private static let anonymousRegion: SourceIndex = -1

  private func isOfInterest(_ name: String) -> Bool {
    scope == .all || name == processName
  }

  /// Starts over with nothing mapped: a new process, or a new program in an old one.
  private mutating func begin(_ process: ProcessID, at time: MonotonicTime) {
    spaces[process] = AddressSpace(programStart: time.nanoseconds)
    changed.insert(process)
    anonymous[process] = nil
    unmapped[process] = nil
    unreadable.remove(process)
    exited.remove(process)
  }

  /// Whether a mapping's code can be found in a file; shared anonymous memory only looks as if it could.
  static func isFile(_ mapping: MemoryMapping) -> Bool {
    mapping.inode != 0 && mapping.path.hasPrefix("/")
      && !["/memfd:", "/dev/zero", "/anon_hugepage", "/SYSV"].contains { mapping.path.hasPrefix($0) }
  }

  private mutating func add(_ mapping: MemoryMapping, to process: ProcessID) {
    // Where probed functions return to: the kernel side looks up what they would return to.
    guard mapping.path != "[uprobes]" else { return }
    let source: SourceIndex
    var sourceStart = mapping.fileOffset
    if mapping.path == "[vdso]" {
      // That of a 32-bit process is another image.
      source =
        mapping.end > 1 << 32
        ? CodeSources.vdso : codeSources.compatVDSO(MappedFile.image(of: mapping, in: process))
      sourceStart = 0
    } else if !Self.isFile(mapping) {
      source = Self.anonymousRegion
      sourceStart = 0
    } else {
      source = codeSources.file(for: mapping) { MappedFile.open(mapping, of: process) }
    }
    changed.insert(process)
    spaces[process]?.insert(
      AddressSpace.Region(start: mapping.start, end: mapping.end, sourceStart: sourceStart, source: source))
  }

  private mutating func warn(_ sentence: String) {
    if warnings.count < Self.maximumWarnings { warnings.append(sentence) }
  }

  private mutating func anonymousSource(of process: ProcessID) -> SourceIndex {
    if let known = anonymous[process] { return known }
    var perfMap: OpenFile?
    switch openPerfMap(process) {
    case .none: break
    case .file(let file): perfMap = file
    case .refused(let reason): warn(reason)
    }
    let index = codeSources.add(.anonymous(process, perfMap: perfMap))
    anonymous[process] = index
    return index
  }

  private mutating func unmappedSource(of process: ProcessID) -> SourceIndex {
    if let known = unmapped[process] { return known }
    let index = codeSources.add(.unmapped(process))
    unmapped[process] = index
    return index
  }
}
