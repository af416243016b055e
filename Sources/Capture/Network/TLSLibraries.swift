import BPF
import ELF
import Glibc
import LinuxSystem
import ProfileModel

/// The TLS libraries that targets have mapped or will map, and the places in them where plain text goes in and out.
///
/// They are OpenSSL and libraries with its interface: `SSL_read`, `SSL_write` and their `_ex` forms, which are all that
/// CPython uses. A probe that is hit costs its process microseconds, target or not.
/// - A process that runs already gets probes of its own, which cost other processes nothing.
/// - A program that a target starts may send its request before such probes are attached. Its libraries are probed as
///   files, for every process that maps them, as long as other processes than targets seldom call them.
struct TLSLibraries {
  /// The functions to watch, and the program to run at their entry. All have one program for their return.
  static let functions: [(name: String, program: NetworkProgram)] = [
    ("SSL_read", .enterTLSRead), ("SSL_write", .enterTLSWrite), ("SSL_read_ex", .enterTLSReadEx),
    ("SSL_write_ex", .enterTLSWriteEx),
  ]
  private static let returnProgram = NetworkProgram.leaveTLS
  static let programs = functions.map(\.program) + [returnProgram]

  /// The processes whose calls a probe sees.
  enum Reach: Equatable {
    case process(ProcessID)
    case everyone
  }

  private struct Key: Hashable {
    let file: FileIdentity
    /// Nil for all processes.
    let process: ProcessID?
  }

  /// The time between two searches for new processes, in ns.
  private static let interval: UInt64 = 100_000_000
  private static let wideInterval: UInt64 = 2_000_000_000
  /// The longest time between two looks at a process, in ns. A process may load a library at any time, and does so soon
  /// as a rule: the time between two looks doubles up to this.
  private static let patience: UInt64 = 2_000_000_000
  /// The calls a second of other processes that are too many: at 10 us each, they take a hundredth of a CPU.
  static let bystanderLimit: Double = 1000

  /// Whether all processes are targets.
  private let isEveryoneTarget: Bool
  private var nextLook = MonotonicTime(nanoseconds: 0)
  /// The probed libraries, and when they were probed.
  private var known: [Key: MonotonicTime] = [:]
  /// When each process was last looked at, and the time until the next look, in ns.
  private var looks: [ProcessID: (at: MonotonicTime, wait: UInt64)] = [:]
  /// The probes that are for all processes.
  private var wideLinks = UserProbeLinks()
  private var mayProbeEveryone = true
  private var bystanders: (calls: UInt64, at: MonotonicTime)?
  /// Why connections are not read; nil for a monitor, which does not report it.
  private(set) var findings: TLSFindings?
  private var examined: [ContentIdentity: ProgramExamination] = [:]
  private(set) var warnings: [String] = []

  /// The probes of each process; nil if they are detached with all others.
  private var ownLinks: [ProcessID: UserProbeLinks]?
  /// Probes that are being detached.
  private var leaving: [UserProbeLinks] = []
  private static let maximumLeaving = 64

  /// - Parameter isMonitor: whether this lasts as long as a watch, and so keeps nothing of processes that have ended.
  init(isEveryoneTarget: Bool = false, isMonitor: Bool = false) {
    self.isEveryoneTarget = isEveryoneTarget
    findings = isMonitor ? nil : TLSFindings()
    ownLinks = isMonitor ? [:] : nil
  }

  /// - Parameter isWide: whether there are many processes to look at.
  mutating func isDue(isWide: Bool) -> Bool {
    let now = Clock.monotonic
    guard now >= nextLook else { return false }
    nextLook = now + (isWide ? Self.wideInterval : Self.interval)
    return true
  }

  // MARK: - Processes that run

  /// Watches the libraries that processes have mapped by now.
  mutating func attach(to loaded: inout LoadedNetwork, in processes: [ProcessID]) {
    let now = Clock.monotonic
    for process in processes where process != ProcessTable.own {
      let last = looks[process]
      if let last, now.nanoseconds(since: last.at) < last.wait { continue }
      // A process whose mappings cannot be read yet is looked at again at once.
      let mappings = (try? ProcessTable.mappings(of: process)) ?? []
      if last != nil || !mappings.isEmpty {
        looks[process] = (now, last.map { min(2 * $0.wait, Self.patience) } ?? Self.interval)
      }
      look(at: process, mappings, &loaded)
    }
    if looks.count > 4 * max(64, processes.count) {
      let current = Set(processes)
      looks = looks.filter { current.contains($0.key) }
      known = known.filter { $0.key.process.map(current.contains) ?? true }
    }
  }

  private mutating func look(at process: ProcessID, _ mappings: [MemoryMapping], _ loaded: inout LoadedNetwork) {
    for mapping in Self.files(mappings) {
      guard let implementation = TLSImplementation(library: mapping.path) else { continue }
      guard implementation == .openSSL else {
        findings?.note(implementation, in: process)
        continue
      }
      guard let file = MappedFile.open(mapping, of: process)?.file, let status = try? file.status() else { continue }
      let identity = FileIdentity(status)
      if probedAt(identity, process) == nil {
        let used = isEveryoneTarget ? [] : Self.usedFunctions(of: process, mappings)
        probe(file, mapping.path, isEveryoneTarget ? .everyone : .process(process), used, &loaded)
        known[Key(file: identity, process: isEveryoneTarget ? nil : process)] = Clock.monotonic
      }
      if let time = probedAt(identity, process) { findings?.noteWatched(process, since: time) }
    }
    if !mappings.isEmpty { findings?.noteProgram(of: process) }
  }

  /// One mapping of each file.
  private static func files(_ mappings: [MemoryMapping]) -> [MemoryMapping] {
    var seen: Set<[UInt64]> = []
    return mappings.filter { $0.inode != 0 && seen.insert([$0.device, $0.inode]).inserted }
  }

  /// The functions that the files of a process import; empty if the process finds them in another way.
  private static func usedFunctions(of process: ProcessID, _ mappings: [MemoryMapping]) -> Set<String> {
    var used: Set<String> = []
    for mapping in files(mappings) where TLSImplementation(library: mapping.path) != .openSSL {
      guard let file = MappedFile.open(mapping, of: process)?.file, let source = try? ByteSource(file),
        let elf = try? ELFFile(source), elf.isX86With64Bits,
        let dynamic = try? DynamicSection(elf, lookingFor: functions.map(\.name))
      else { continue }
      used.formUnion(dynamic.mentioned)
    }
    return used
  }

  // MARK: - Programs that begin

  /// Attaches a first probe ahead of programs that targets begin: it takes the kernel 30 ms, each further one 0.1 ms.
  ///
  /// The probe is in swprof itself, which never runs that code.
  mutating func prepare(_ loaded: inout LoadedNetwork) {
    let search = ProgramExamination.search(root: "", libraryPath: nil)
    guard let file = search.libraries(where: Self.isRead).first else { return }
    probe(file, "OpenSSL's library", .process(ProcessTable.own), [Self.functions[0].name], &loaded)
  }

  /// Watches the TLS libraries of a command before it starts.
  mutating func attach(
    to loaded: inout LoadedNetwork, for command: AwaitedCommand, in process: ProcessID, includesChildren: Bool
  ) {
    guard let program = command.program else { return }
    let search = ProgramExamination.search(root: "", libraryPath: command.libraryPath)
    let examination = ProgramExamination(program, at: command.path ?? "", search)
    findings?.note(program: program, examination, in: process)
    // Children do not inherit the probes of a process.
    let reach: Reach = includesChildren && examination.mayStartProcesses ? .everyone : .process(process)
    for file in examination.libraries {
      probe(file, of: process, reach, examination.functions, isNeeded: true, &loaded)
    }
    if examination.libraries.isEmpty, examination.mayLoadMore {
      for file in search.libraries(where: Self.isRead) {
        probe(file, of: process, reach, [], isNeeded: false, &loaded)
      }
    }
  }

  /// Watches the TLS libraries of a program that a target has executed.
  mutating func noteExec(of process: ProcessID, _ loaded: inout LoadedNetwork) {
    looks[process] = nil
    findings?.begin(process)
    guard let path = ProcessTable.executable(of: process),
      let program = try? OpenFile(ProcessTable.directory(of: process) + "/exe"),
      let status = try? program.status()
    else { return }
    let identity = ContentIdentity(status)
    var examination: ProgramExamination
    if let known = examined[identity] {
      examination = known
    } else {
      let search = ProgramExamination.search(
        root: ProcessTable.directory(of: process) + "/root",
        libraryPath: ProcessTable.variable("LD_LIBRARY_PATH", of: process))
      examination = ProgramExamination(program, at: path, search)
      if examination.libraries.isEmpty, examination.mayLoadMore {
        examination.candidates = search.libraries(where: Self.isRead)
      }
      if examined.count < Self.maximumPrograms { examined[identity] = examination }
    }
    findings?.note(program: program, examination, in: process)
    for file in examination.libraries {
      probe(file, of: process, .everyone, examination.functions, isNeeded: true, &loaded)
    }
    for file in examination.candidates { probe(file, of: process, .everyone, [], isNeeded: false, &loaded) }
  }

  /// Whether the plain text of a library can be read, by its path or name.
  private static func isRead(_ path: String) -> Bool { TLSImplementation(library: path) == .openSSL }

  private static let maximumPrograms = 256

  /// Probes a library that a process will load, or may load.
  private mutating func probe(
    _ file: OpenFile, of process: ProcessID, _ reach: Reach, _ functions: Set<String>, isNeeded: Bool,
    _ loaded: inout LoadedNetwork
  ) {
    guard let status = try? file.status() else { return }
    let identity = FileIdentity(status)
    let isWide = reach == .everyone && mayProbeEveryone
    if probedAt(identity, process) == nil {
      // A process that maps the file later may call any of its functions.
      probe(file, "OpenSSL's library", isWide ? .everyone : .process(process), isWide ? [] : functions, &loaded)
      known[Key(file: identity, process: isWide ? nil : process)] = Clock.monotonic
    }
    if isNeeded, let time = probedAt(identity, process) { findings?.noteWatched(process, since: time) }
  }

  // MARK: - Probes

  /// When a library was probed, for a process or for all.
  private func probedAt(_ file: FileIdentity, _ process: ProcessID) -> MonotonicTime? {
    known[Key(file: file, process: nil)] ?? known[Key(file: file, process: process)]
  }

  /// - Parameter used: the functions to watch; empty: all.
  private mutating func probe(
    _ file: OpenFile, _ path: String, _ reach: Reach, _ used: Set<String>, _ loaded: inout LoadedNetwork
  ) {
    let process: Int32? =
      switch reach {
      case .process(let process): process.rawValue
      case .everyone: nil
      }
    let wanted = Self.functions.filter { used.isEmpty || used.contains($0.name) }
    let places: [UInt64?]
    do throws(ELFError) {
      places = try ExportedFunctions.places(of: wanted.map(\.name), in: ByteSource(file))
    } catch {
      note("\(error)", path, reach)
      return
    }
    for ((function, program), offset) in zip(wanted, places) {
      // Older libraries have no SSL_read_ex.
      guard let offset else { return note("it has no function '\(function)'", path, reach) }
      for (program, isReturn) in [(program, false), (Self.returnProgram, true)] {
        let place = UserProbe(file: file.ownPath, offset: offset, isReturn: isReturn, process: process)
        do { try loaded.attach(program, to: place, keptBy: links(of: reach)) } catch {
          // A process that has ended needs no warning.
          if error.cause != .noSuchProcess || reach == .everyone { note("\(error.cause)", path, reach) }
          return
        }
      }
    }
  }

  /// The links that keep probes attached; nil: the loaded object does.
  private mutating func links(of reach: Reach) -> UserProbeLinks? {
    switch reach {
    case .everyone: return wideLinks
    case .process(let process):
      guard ownLinks != nil else { return nil }
      if let known = ownLinks?[process] { return known }
      let links = UserProbeLinks()
      ownLinks?[process] = links
      return links
    }
  }

  /// Detaches the probes of processes that have ended, or are not watched any more.
  mutating func forget(_ processes: Set<ProcessID>) {
    for process in processes {
      looks[process] = nil
      guard let links = ownLinks?.removeValue(forKey: process) else { continue }
      links.detachInBackground()
      leaving.append(links)
    }
    known = known.filter { key, _ in key.process.map { !processes.contains($0) } ?? true }
    // Freeing links waits until they are detached. The oldest ones have been for long.
    if leaving.count > Self.maximumLeaving { leaving.removeFirst(leaving.count - Self.maximumLeaving) }
  }

  private static let maximumWarnings = 100

  private mutating func note(_ reason: String, _ path: String, _ reach: Reach) {
    let subject = if case .process(let process) = reach { "process \(process): " } else { "" }
    guard warnings.count < Self.maximumWarnings else { return }
    warnings.append(
      "\(subject)what \(path) encrypts is not read (\(reason)); its connections are counted all the same")
  }

  /// Detaches the probes for all processes, if other processes than targets call them too often.
  ///
  /// - Parameter count: the number of their calls so far.
  mutating func judgeBystanders(_ count: () -> UInt64?) {
    let now = Clock.monotonic
    guard mayProbeEveryone, !isEveryoneTarget,
      bystanders.map({ now.nanoseconds(since: $0.at) >= Self.interval }) ?? true,
      known.contains(where: { $0.key.process == nil }), let calls = count()
    else { return }
    defer { bystanders = (calls, now) }
    guard let before = bystanders else { return }
    let rate = Double(calls &- before.calls) * 1e9 / Double(now.nanoseconds(since: before.at))
    guard rate > Self.bystanderLimit else { return }
    mayProbeEveryone = false
    wideLinks.detachInBackground()
    known = known.filter { $0.key.process != nil }
    looks.removeAll()
    warnings.append(
      "other processes encrypt \(Int(min(rate, 1e9))) times a second with OpenSSL's library, which would cost them 10 us each time:"
        + " it is watched in each target alone from then on, and the first requests of new processes may be missing")
  }

  /// Hands the probes to the loaded programs, to be detached with all others.
  mutating func release(to loaded: inout LoadedNetwork) { loaded.adopt(wideLinks) }
}
