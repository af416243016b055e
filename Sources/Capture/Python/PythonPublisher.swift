import BPF
import CProbes
import ELF
import LinuxSystem
import ProfileModel
import Runtimes

/// Tells the kernel side which followed processes run CPython, and how the frames of their threads are found.
///
/// Each file is looked into once. A process of a file that is known to be Python is told of at once, with what the last
/// process of that file had: the kernel side believes nothing that the thread's own state does not confirm. A moment
/// later its own memory is asked.
struct PythonPublisher {
  private struct Search {
    /// Of the program that is searched.
    let programStart: UInt64
    /// What was published.
    var runtime: PythonRuntime?
    var time = RetryTime(shortest: shortestWait, longest: longestWait)
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
  /// Runtimes that cannot be read: a sentence each.
  private var refusals: [String] = []
  /// Processes for which the kernel side has no room.
  private var withoutRoom: Set<ProcessID> = []
  private var refused: Set<SourceIndex> = []

  /// An interpreter starts within some 10 ms.
  private static let shortestWait: UInt64 = 2_000_000
  private static let longestWait: UInt64 = 1_000_000_000
  private static let maximumWarnings = 20
  /// The size of the map `pythons`.
  private static let maximumProcesses = Int(SWPROF_PYTHON_PROCESSES_MAX)

  init(pythons: BPFMap, isOn: BPFMap) {
    self.pythons = pythons
    self.isOn = isOn
  }

  /// Whether `update` is to be called again within milliseconds.
  func hasWork(_ now: MonotonicTime) -> Bool {
    open.contains { searches[$0]?.time.isReached(now + 2 * Self.shortestWait) ?? false }
  }

  /// Looks into the processes that have changed, and into those that were not ready, until time is up.
  ///
  /// - Parameter changed: the processes whose mappings have changed, those that are gone included.
  mutating func update(_ tracker: borrowing ProcessTracker, changed: Set<ProcessID>, until deadline: MonotonicTime) {
    for process in changed { note(process, tracker.space(of: process)) }
    for process in open {
      let now = Clock.monotonic
      guard now < deadline else { break }
      guard searches[process]?.time.isReached(now) ?? false, let space = tracker.space(of: process) else { continue }
      look(at: process, space, tracker.sources, now: now, until: deadline)
    }
  }

  /// - Parameter space: nil for a process that is gone.
  private mutating func note(_ process: ProcessID, _ space: AddressSpace?) {
    let search = searches[process]
    if let search, search.programStart == space?.programStart {
      guard search.runtime == nil else { return }
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
    for region in space.regions where region.source >= 0 && !region.isCopy && !refused.contains(region.source) {
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

  /// Nil for a file without Python, or one that cannot be read.
  private static func file(_ source: CodeSource, isProgram: Bool) -> PythonFile? {
    guard case .file(let open, let path) = source, let bytes = try? ByteSource(open), let elf = try? ELFFile(bytes),
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
    if let search = searches[process], search.runtime == nil, let runtime = file.runtime(at: bias) {
      publish(process, runtime)
      searches[process]?.time = RetryTime()
      _ = searches[process]?.time.isDue(now)
      return true
    }
    do {
      let memory = try ProcessMemory(of: process)
      let runtime = try PythonRuntime(file.image, bias: bias, in: memory)
      publish(process, runtime)
      files[source]??.known = (runtime, bias)
      if runtime.knowsLock || runtime.isFreeThreaded {
        open.remove(process)
      } else {
        _ = searches[process]?.time.isDue(now)
      }
      return true
    } catch let refusal as PythonRefusal where !refusal.isTemporary {
      open.remove(process)
      if refused.insert(source).inserted, refusals.count < Self.maximumWarnings {
        refusals.append("process \(process): \(refusal); its Python functions are not shown")
      }
      return true
    } catch { return false }
  }

  private mutating func publish(_ process: ProcessID, _ runtime: PythonRuntime) {
    if !hasSwitchedOn {
      // Fails for no value of an array's only element.
      try? isOn.update(key: UInt32(0), value: UInt32(1))
      hasSwitchedOn = true
    }
    do throws(BPFError) { try pythons.update(key: UInt32(process.rawValue), value: runtime.layout) } catch {
      withoutRoom.insert(process)
      return
    }
    withoutRoom.remove(process)
    searches[process]?.runtime = runtime
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

  /// Forgets sources that no process has mapped any more.
  mutating func forget(_ sources: Set<SourceIndex>) {
    for source in sources {
      files[source] = nil
      refused.remove(source)
    }
  }
}

/// A file that has a CPython runtime.
private struct PythonFile {
  let image: PythonImage
  let segments: [ELFFile.Segment]
  /// What the last process that was looked into had, at which bias.
  var known: (runtime: PythonRuntime, bias: UInt64)?

  /// What a process that has the file at a bias has in all likelihood; nil if nothing is known, or if it depends on more.
  func runtime(at bias: UInt64) -> PythonRuntime? {
    known.flatMap { $0.runtime.moved(from: $0.bias, to: bias, segments: segments) }
  }
}
