import BPF
import CProbes
import ELF
import LinuxSystem
import ProfileModel
import Runtimes

/// Tells the kernel side which followed processes run CPython, and how the frames of their threads are found.
///
/// Each file is looked into once. A process of a file that is known to be Python is published at once, with what the last
/// process of that file and user had: the kernel side believes nothing that the thread's own state does not confirm.
/// The process's own memory is read a moment later.
struct PythonPublisher {
  private struct Search {
    /// Of the program that is searched.
    let programStart: UInt64
    /// What was published.
    var runtime: PythonRuntime?
    /// Whether its runtime cannot be read. That says nothing of other processes with the same file: this one may lie.
    var isRefused = false
    var lastLook = MonotonicTime(nanoseconds: 0)
    /// In ns, of the last look.
    var cost: UInt64 = 0
    var time = RetryTime(shortest: shortestWait, longest: longestWait)

    func isDue(_ now: MonotonicTime) -> Bool { time.isReached(now) && now >= lastLook + pause * cost }
  }

  private let pythons: BPFMap
  private let isOn: BPFMap
  private var hasSwitchedOn = false
  /// By the sources of the tracker; `.some(nil)` for those without Python.
  private var files: [SourceIndex: PythonFile?] = [:]
  /// Processes that run Python, or may.
  private var searches: [ProcessID: Search] = [:]
  /// Those of `searches` that are not settled yet.
  private var open: Set<ProcessID> = []
  /// What files tell of the tasks of asyncio, by the sources of the tracker; `.some(nil)` for those that tell nothing.
  private var taskLayouts: [SourceIndex: PythonTaskLayout?] = [:]
  /// Processes of which it is not known whether a file that they have mapped tells it.
  private var lacksTasks: Set<ProcessID> = []
  /// Runtimes that cannot be read: a sentence each.
  private var refusals: [String] = []
  /// Processes for which the kernel side has no room.
  private var withoutRoom: Set<ProcessID> = []
  /// Files that there is a warning about.
  private var refused: Set<SourceIndex> = []
  /// What copies of code objects are read by, by `swprof_python.edition` less one.
  private var editions: [PythonRuntime] = []
  private var editionNumbers: [[Int]: UInt16] = [:]
  private var editionsOfUsers: [UInt32: Int] = [:]

  /// An interpreter starts within some 10 ms.
  private static let shortestWait: UInt64 = 2_000_000
  private static let longestWait: UInt64 = 1_000_000_000
  private static let maximumWarnings = 20
  /// There is one for each minor version and kind of build; a process can make up others.
  private static let maximumEditionsOfUser = 32
  private static let maximumEditions = 1024
  /// How much longer than a look a process is left alone after it.
  private static let pause: UInt64 = 20
  /// The size of the map `pythons`.
  private static let maximumProcesses = Int(SWPROF_PYTHON_PROCESSES_MAX)

  init(pythons: BPFMap, isOn: BPFMap) {
    self.pythons = pythons
    self.isOn = isOn
  }

  /// Whether `update` is to be called again within milliseconds.
  func hasWork(_ now: MonotonicTime) -> Bool {
    !lacksTasks.isEmpty || open.contains { searches[$0]?.isDue(now + 2 * Self.shortestWait) ?? false }
  }

  /// Looks into the processes that have changed, and into those that were not ready, until time is up.
  ///
  /// - Parameter changed: the processes whose mappings have changed, those that are gone included.
  mutating func update(_ tracker: borrowing ProcessTracker, changed: Set<ProcessID>, until deadline: MonotonicTime) {
    for process in changed { note(process, tracker.space(of: process)) }
    let start = Clock.monotonic
    // One whose looks take long does not hold up others.
    let due = open.compactMap { process in
      searches[process].flatMap { $0.isDue(start) ? (process: process, lastLook: $0.lastLook) : nil }
    }
    for (process, _) in due.sorted(by: { $0.lastLook < $1.lastLook }) {
      let now = Clock.monotonic
      guard now < deadline else { break }
      guard let space = tracker.space(of: process) else { continue }
      look(at: process, space, tracker.sources, now: now, until: deadline)
      searches[process]?.lastLook = now
      searches[process]?.cost = Clock.monotonic.nanoseconds - now.nanoseconds
    }
    for process in lacksTasks {
      if let space = tracker.space(of: process) {
        guard findTasks(of: process, space, tracker.sources, until: deadline) else { break }
      }
      lacksTasks.remove(process)
    }
  }

  /// - Parameter space: nil for a process that is gone.
  private mutating func note(_ process: ProcessID, _ space: AddressSpace?) {
    let search = searches[process]
    if let search, search.programStart == space?.programStart {
      if let runtime = search.runtime {
        if runtime.lacksTasks { lacksTasks.insert(process) }
        return
      }
      guard !search.isRefused else { return }
      // It may have mapped what it lacked.
      searches[process] = Search(programStart: search.programStart)
      open.insert(process)
      return
    }
    if search?.runtime != nil { pythons.remove(key: UInt32(process.rawValue)) }
    searches[process] = space.map { Search(programStart: $0.programStart) }
    if space == nil { open.remove(process) } else { open.insert(process) }
  }

  private mutating func look(
    at process: ProcessID, _ space: AddressSpace, _ sources: [CodeSource], now: MonotonicTime,
    until deadline: MonotonicTime
  ) {
    var isPython = false
    for region in space.regions where region.source >= 0 && !region.isCopy {
      if files[region.source] == nil {
        // The next look goes on with the other files.
        guard Clock.monotonic < deadline else { return }
        files[region.source] = .some(Self.file(sources[Int(region.source)], isProgram: region == space.regions.first))
      }
      guard let file = files[region.source] ?? nil,
        let bias = UnwindPublisher.bias(of: region, among: space.regions, segments: file.segments)
      else { continue }
      isPython = true
      // From the file's addresses to the process's.
      if publish(process, file, bias: 0 &- bias, region.source, now: now) { return }
    }
    if isPython {
      _ = searches[process]?.time.isDue(now)
    } else {
      open.remove(process)
    }
  }

  /// Looks for the module `_asyncio` among the files that a process has mapped, and publishes where tasks are.
  ///
  /// - Returns: false if time is up before all files have been looked into.
  private mutating func findTasks(
    of process: ProcessID, _ space: AddressSpace, _ sources: [CodeSource], until deadline: MonotonicTime
  ) -> Bool {
    for region in space.regions where region.source >= 0 && !region.isCopy {
      guard var runtime = searches[process]?.runtime, runtime.lacksTasks else { return true }
      if taskLayouts[region.source] == nil {
        guard Clock.monotonic < deadline else { return false }
        taskLayouts[region.source] = .some(Self.taskLayout(sources[Int(region.source)]))
      }
      guard let layout = taskLayouts[region.source] ?? nil else { continue }
      runtime.adopt(layout)
      _ = publish(process, runtime)
    }
    return true
  }

  private static func taskLayout(_ source: CodeSource) -> PythonTaskLayout? {
    guard let (elf, _) = elf(source) else { return nil }
    return (try? PythonTaskLayout(elf)) ?? nil
  }

  /// Nil for what is no ELF file, or cannot be read.
  private static func elf(_ source: CodeSource) -> (ELFFile, path: String)? {
    guard case .file(let open, let path) = source, let bytes = try? ByteSource(open), let elf = try? ELFFile(bytes)
    else {
      return nil
    }
    return (elf, path)
  }

  /// Nil for a file without Python, or one that cannot be read.
  private static func file(_ source: CodeSource, isProgram: Bool) -> PythonFile? {
    guard let (elf, path) = elf(source),
      let image = (try? PythonImage(elf, path: path, isProgram: isProgram)) ?? nil
    else { return nil }
    return PythonFile(image: image, segments: elf.loads)
  }

  /// Publishes a process that has mapped a file with Python.
  ///
  /// - Returns: false if its runtime is not ready, or cannot be read.
  private mutating func publish(
    _ process: ProcessID, _ file: PythonFile, bias: UInt64, _ source: SourceIndex, now: MonotonicTime
  ) -> Bool {
    guard let owner = try? ProcessTable.userID(of: process) else { return false }
    if let search = searches[process], search.runtime == nil, let runtime = file.runtime(of: owner, at: bias) {
      guard publish(process, runtime) else { return false }
      searches[process]?.time = RetryTime()
      _ = searches[process]?.time.isDue(now)
      return true
    }
    do {
      let memory = try ProcessMemory(of: process)
      let runtime = try PythonRuntime(file.image, bias: bias, in: memory)
      addEdition(of: runtime, owner)
      guard publish(process, runtime) else { return false }
      files[source]??.known[owner] = (runtime, bias)
      if runtime.knowsLock || runtime.isFreeThreaded {
        open.remove(process)
      } else {
        _ = searches[process]?.time.isDue(now)
      }
      return true
    } catch let refusal as PythonRefusal where !refusal.isTemporary {
      refuse(process)
      if refused.insert(source).inserted, refusals.count < Self.maximumWarnings {
        refusals.append("process \(process): \(refusal); its Python functions are not shown")
      }
      return true
    } catch { return false }
  }

  /// Makes an edition for runtimes whose code objects are laid out alike, unless the user has too many of them.
  private mutating func addEdition(of runtime: PythonRuntime, _ owner: UInt32) {
    let layout = runtime.codeLayout
    guard editionNumbers[layout] == nil, editionsOfUsers[owner, default: 0] < Self.maximumEditionsOfUser,
      editions.count < Self.maximumEditions
    else { return }
    editionsOfUsers[owner, default: 0] += 1
    editions.append(runtime)
    editionNumbers[layout] = UInt16(editions.count)
  }

  /// Reads the copy of a code object; nil where what is needed of it is missing.
  func decode(_ copy: PythonCodeCopy) -> PythonCode? {
    let index = Int(copy.edition) - 1
    guard editions.indices.contains(index) else { return nil }
    return PythonCode(copyOf: copy.code, cookie: copy.cookie, of: editions[index], in: copy)
  }

  private mutating func refuse(_ process: ProcessID) {
    open.remove(process)
    if searches[process]?.runtime != nil { pythons.remove(key: UInt32(process.rawValue)) }
    searches[process]?.runtime = nil
    searches[process]?.isRefused = true
  }

  /// - Returns: false where the kernel side has no room.
  private mutating func publish(_ process: ProcessID, _ runtime: PythonRuntime) -> Bool {
    var runtime = runtime
    if runtime.lacksTasks, let tasks = searches[process]?.runtime?.tasks { runtime.adopt(tasks) }
    if !hasSwitchedOn {
      // Fails for no value of an array's only element.
      try? isOn.update(key: UInt32(0), value: UInt32(1))
      hasSwitchedOn = true
    }
    var layout = runtime.layout
    layout.edition = editionNumbers[runtime.codeLayout] ?? 0
    do throws(BPFError) { try pythons.update(key: UInt32(process.rawValue), value: layout) } catch {
      withoutRoom.insert(process)
      return false
    }
    withoutRoom.remove(process)
    searches[process]?.runtime = runtime
    if runtime.lacksTasks { lacksTasks.insert(process) }
    return true
  }

  /// What Python functions are not shown, and why.
  var warnings: [String] { refusals + [Self.warning(ofProcessesWithoutRoom: withoutRoom.count)].compactMap(\.self) }

  static func warning(ofProcessesWithoutRoom count: Int) -> String? {
    guard count > 0 else { return nil }
    let processes = count == 1 ? "1 Python process has" : "\(count) Python processes have"
    return "\(processes) native frames alone: only \(maximumProcesses) can be read at a time"
  }

  /// The runtime of the program that a process began at a time; nil if none was found.
  func runtime(of process: ProcessID, programStart: UInt64) -> PythonRuntime? {
    searches[process].flatMap { $0.programStart == programStart ? $0.runtime : nil }
  }

  /// The runtimes that were found, each with its process and the time at which the program of that began.
  var runtimes: [(process: ProcessID, programStart: UInt64, runtime: PythonRuntime)] {
    searches.compactMap { process, search in search.runtime.map { (process, search.programStart, $0) } }
  }

  /// Forgets sources that no process has mapped any more.
  mutating func forget(_ sources: Set<SourceIndex>) {
    for source in sources {
      files[source] = nil
      taskLayouts[source] = nil
      refused.remove(source)
    }
  }
}

/// A file that has a CPython runtime.
private struct PythonFile {
  let image: PythonImage
  let segments: [ELFFile.Segment]
  /// By user, what the last process that was looked into had. A process can lie about it, to others of its user alone.
  var known: [UInt32: (runtime: PythonRuntime, bias: UInt64)] = [:]

  /// What a user's process that has the file at a bias probably has; nil if nothing is known, or if it depends on more.
  func runtime(of owner: UInt32, at bias: UInt64) -> PythonRuntime? {
    known[owner].flatMap { $0.runtime.moved(from: $0.bias, to: bias, segments: segments) }
  }
}
