import ELF
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
  var pythonNames = PythonNames()
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
  /// Asked whether a process still runs the program that began at a time.
  var isRunningProgram: (ProcessID, _ start: UInt64) -> Bool = { _, _ in true }
  /// When the mappings of a process may be read again.
  private var lookTimes: [ProcessID: RetryTime] = [:]
  /// When the anonymous regions of a process may be looked at again for copied code.
  private var copyTimes: [ProcessID: CopyTimes] = [:]

  private struct CopyTimes {
    var next = RetryTime()
    /// The regions that were looked at, by their starts.
    var regions: [UInt64: RetryTime] = [:]
  }

  private let clock: () -> MonotonicTime
  /// Asked for the place of the perf-map of a process.
  private let openPerfMap: (ProcessID) -> PerfMapOpening

  /// What came of looking for a perf-map.
  package enum PerfMapOpening: Sendable {
    case none
    /// There may be one now, or later.
    case place(PerfMapPlace)
    case refused(String)
  }

  package init(
    scope: Scope, includesChildren: Bool, processName: String? = nil,
    clock: @escaping () -> MonotonicTime = { Clock.monotonic },
    openPerfMap: @escaping (ProcessID) -> PerfMapOpening
  ) {
    self.scope = scope
    self.includesChildren = includesChildren
    self.processName = processName
    self.clock = clock
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
      pythonNames.inherit(
        process, start: record.time.nanoseconds, from: parent, start: inherited.programStart)
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
    guard case .mapping(let mapping) = record.event, scope == .all || spaces[record.process] != nil else { return }
    _ = fileSource(of: mapping, in: record.process)
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
    forgetDetails(of: process)
  }

  private mutating func forgetDetails(of process: ProcessID) {
    anonymous[process] = nil
    unmapped[process] = nil
    lookTimes[process] = nil
    copyTimes[process] = nil
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

  /// Does something while a process counts as having mapped what it had at an earlier time.
  mutating func withSpace(_ space: AddressSpace, of process: ProcessID, _ body: (inout ProcessTracker) -> Void) {
    let current = spaces.updateValue(space, forKey: process)
    body(&self)
    spaces[process] = current
  }

  /// What a process has mapped; nil for one that is not followed.
  func space(of process: ProcessID) -> AddressSpace? { spaces[process] }

  /// The source of an address of a process, and the address there.
  package mutating func locate(_ address: UInt64, in process: ProcessID) -> (source: SourceIndex, address: UInt64) {
    if spaces[process] == nil { follow(process) }
    var region = spaces[process]?.region(containing: address)
    if region == nil, doubtMappings(of: process) { region = spaces[process]?.region(containing: address) }
    if let anonymous = region, anonymous.source == Self.anonymousRegion {
      region = copiedCode(around: address, in: anonymous, of: process)
    }
    guard let region else { return (unmappedSource(of: process), address) }
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
    forgetDetails(of: process)
    exited.remove(process)
  }

  /// Whether a mapping's code can be found in a file; shared anonymous memory only looks as if it could.
  static func isFile(_ mapping: MemoryMapping) -> Bool {
    mapping.inode != 0 && mapping.path.beginsWithBytes(of: "/")
      && !["/memfd:", "/dev/zero", "/anon_hugepage", "/SYSV"].contains { mapping.path.beginsWithBytes(of: $0) }
  }

  /// Whether a mapping is of a memfd (memfd_create(2)): it may hold a program, or what a just-in-time compiler writes.
  static func isMemoryFile(_ mapping: MemoryMapping) -> Bool {
    mapping.inode != 0 && mapping.path.beginsWithBytes(of: "/memfd:")
  }

  /// The source of a mapping's file; nil where its code can be found in none.
  private mutating func fileSource(of mapping: MemoryMapping, in process: ProcessID) -> SourceIndex? {
    if Self.isMemoryFile(mapping) {
      return codeSources.opened(for: mapping, of: process) { MappedFile.openProgram(mapping, of: process) }
    }
    guard Self.isFile(mapping) else { return nil }
    let wasOver = codeSources.overLimit.contains(process)
    defer {
      if !wasOver, codeSources.overLimit.contains(process) {
        warn(
          "process \(process): it, or its user, has more files of code mapped than are opened for one; those beyond have"
            + " no names and are walked by frame pointers")
      }
    }
    return codeSources.file(for: mapping, of: process) { MappedFile.open(mapping, of: process) }
  }

  private static let probedReturns = "[uprobes]"

  private mutating func add(_ mapping: MemoryMapping, to process: ProcessID) {
    // Where probed functions return to: the kernel side looks up what they would return to.
    guard mapping.path != Self.probedReturns else { return }
    var region = AddressSpace.Region(
      start: mapping.start, end: mapping.end, sourceStart: 0, source: Self.anonymousRegion)
    if mapping.path == "[vdso]" {
      // That of a 32-bit process is another image.
      region.source =
        mapping.end > 1 << 32
        ? CodeSources.vdso : codeSources.compatVDSO(MappedFile.image(of: mapping, in: process))
    } else if let file = fileSource(of: mapping, in: process) {
      region.source = file
      region.sourceStart = mapping.fileOffset
    } else {
      copyTimes[process]?.regions[mapping.start] = nil
    }
    changed.insert(process)
    spaces[process]?.insert(region)
  }

  // MARK: - What no event tells

  /// Reads the mappings of a followed process again, as something looks as if others were missing: mremap(2) makes no
  /// record, nor does a process for another one that shares its memory (clone(2), CLONE_VM).
  ///
  /// - Returns: whether there was anything new; not if they were read a moment ago.
  @discardableResult
  mutating func doubtMappings(of process: ProcessID) -> Bool {
    guard let space = spaces[process], lookTimes[process, default: RetryTime()].isDue(clock()),
      let mappings = try? ProcessTable.mappings(of: process), isRunningProgram(process, space.programStart)
    else { return false }
    let new = mappings.filter { mapping in
      mapping.path != Self.probedReturns && !space.isFilled(mapping.start..<mapping.end) { isRegion($0, of: mapping) }
    }
    for mapping in new { add(mapping, to: process) }
    if !new.isEmpty { lookTimes[process]?.succeeded() }
    return !new.isEmpty
  }

  /// Whether a region is, or is a part of, what a mapping shows.
  private func isRegion(_ region: AddressSpace.Region, of mapping: MemoryMapping) -> Bool {
    if mapping.path == "[vdso]" { return region.source == CodeSources.vdso || mapping.end <= 1 << 32 }
    guard !region.isCopy, let place = codeSources.place(of: region.source) else {
      let isAnonymous = region.isCopy || region.source == Self.anonymousRegion
      // A file that could not be opened has no place; it is not tried again for ever.
      return isAnonymous != Self.isFile(mapping)
    }
    return place == FilePlace(device: mapping.device, inode: mapping.inode)
      && region.sourceStart &- mapping.fileOffset == region.start &- mapping.start
  }

  /// The region around an address of anonymous memory, which may have turned out to hold code of a file.
  private mutating func copiedCode(
    around address: UInt64, in region: AddressSpace.Region, of process: ProcessID
  ) -> AddressSpace.Region {
    let now = clock()
    guard copyTimes[process]?.next.isReached(now) ?? true,
      copyTimes[process]?.regions[region.start]?.isReached(now) ?? true
    else { return region }
    if (copyTimes[process]?.regions.count ?? 0) >= Self.maximumCopyTimes { copyTimes[process]?.regions = [:] }
    _ = copyTimes[process, default: CopyTimes()].next.isDue(now)
    _ = copyTimes[process, default: CopyTimes()].regions[region.start, default: RetryTime(longest: 3_600_000_000_000)]
      .isDue(now)
    guard let maps = try? ProcessTable.maps(of: process),
      isRunningProgram(process, spaces[process]?.programStart ?? 0)
    else { return region }
    let files = MemoryMapping.all(inMaps: maps).filter(Self.isFile)
    let below = files.last { $0.end <= region.start }
    let above = files.first { $0.start >= region.end }
    for mapping in [below, above].compactMap(\.self) {
      guard let copy = copy(of: mapping, around: address, in: region, of: process) else { continue }
      copyTimes[process]?.next.succeeded()
      changed.insert(process)
      spaces[process]?.insert(copy)
      return copy
    }
    return region
  }

  private static let maximumCopyTimes = 1024

  private mutating func copy(
    of mapping: MemoryMapping, around address: UInt64, in region: AddressSpace.Region, of process: ProcessID
  ) -> AddressSpace.Region? {
    guard let source = codeSources.opened(for: mapping, of: process, open: { MappedFile.open(mapping, of: process) }),
      case .file(let file, _) = sources[Int(source)], let bytes = try? ByteSource(file), let elf = try? ELFFile(bytes),
      let copy = CopiedCode(around: address, in: region.start..<region.end, by: mapping, of: elf.loads),
      let memory = try? OpenFile(ProcessTable.directory(of: process) + "/mem"),
      copy.isCopy(
        of: file, around: address,
        memory: { place, count in
          guard place <= UInt64(Int.max) else { return nil }
          return try? memory.read(from: Int(place), limit: count, chunkSize: count)
        })
    else { return nil }
    return AddressSpace.Region(
      start: copy.addresses.lowerBound, end: copy.addresses.upperBound, sourceStart: copy.fileOffset, source: source,
      isCopy: true)
  }

  private mutating func warn(_ sentence: String) {
    if warnings.count < Self.maximumWarnings { warnings.append(sentence) }
  }

  private mutating func anonymousSource(of process: ProcessID) -> SourceIndex {
    if let known = anonymous[process] { return known }
    var perfMap: PerfMapPlace?
    switch openPerfMap(process) {
    case .none: break
    case .place(let place):
      perfMap = place
      perfMap?.maker = CodeMaker(paths: paths(of: process))
    case .refused(let reason): warn(reason)
    }
    let index = codeSources.add(.anonymous(process, perfMap: perfMap))
    anonymous[process] = index
    return index
  }

  /// The files that a process has code of.
  private func paths(of process: ProcessID) -> [String] {
    (spaces[process]?.regions ?? []).compactMap { region in
      guard sources.indices.contains(Int(region.source)) else { return nil }
      switch sources[Int(region.source)] {
      case .file(_, let path), .missing(let path): return path
      case .kernel, .vdso, .anonymous, .unmapped: return nil
      }
    }
  }

  private mutating func unmappedSource(of process: ProcessID) -> SourceIndex {
    if let known = unmapped[process] { return known }
    let index = codeSources.add(.unmapped(process))
    unmapped[process] = index
    return index
  }
}
