import LinuxSystem
import ProfileModel
import Runtimes

/// What Python programs call their threads, read while they live.
///
/// Before 3.14, such a name does not get to the kernel; since then, the first 15 bytes of it do.
struct ThreadNames {
  private struct Program {
    let start: UInt64
    var reader = PythonThreadNames()
    var names: [Key: String] = [:]
    var time = RetryTime(shortest: shortestWait, longest: longestWait)
    var next = MonotonicTime(nanoseconds: 0)

    mutating func isDue(_ now: MonotonicTime) -> Bool { now >= next && time.isDue(now) }
  }

  /// A thread, for as long as the kernel has one name for it.
  private struct Key: Hashable {
    let thread: ThreadID
    let kernelName: String
  }

  private var programs: [ProcessID: Program] = [:]
  private var next = MonotonicTime(nanoseconds: 0)

  private static let shortestWait: UInt64 = 20_000_000
  private static let longestWait: UInt64 = 1_000_000_000
  private static let maximumPrograms = 4096
  /// Of one program.
  private static let maximumNames = 4096
  /// Of the time, one part in so many is spent on each process at most, and on all of them.
  private static let share: UInt64 = 50
  private static let shareOfAll: UInt64 = 5
  /// How long a look may take, in ns: an application has some thousand modules.
  private static let longestLook: UInt64 = 50_000_000

  /// Reads the names of the processes whose turn it is. When time is up, no other look is begun.
  ///
  /// - Parameter isLast: whether each has its turn: no other look will follow.
  mutating func update(_ pythons: PythonPublisher, until deadline: MonotonicTime, isLast: Bool = false) {
    let start = Clock.monotonic
    guard isLast || start >= next else { return }
    defer {
      next = start + max(Self.shortestWait / 2, Self.shareOfAll * (Clock.monotonic.nanoseconds - start.nanoseconds))
    }
    for (process, programStart, runtime) in pythons.runtimes {
      let now = Clock.monotonic
      guard now < deadline else { break }
      if programs.count >= Self.maximumPrograms { programs = [:] }
      if programs[process]?.start != programStart { programs[process] = Program(start: programStart) }
      guard isLast || programs[process]?.isDue(now) ?? false else { continue }
      if read(process, runtime, until: now + Self.longestLook) { programs[process]?.time.succeeded() }
      programs[process]?.next = now + Self.share * (Clock.monotonic.nanoseconds - now.nanoseconds)
    }
  }

  /// - Returns: whether there was something new.
  private mutating func read(
    _ process: ProcessID, _ runtime: PythonRuntime, until deadline: MonotonicTime
  ) -> Bool {
    guard let memory = try? ProcessMemory(of: process),
      let found = programs[process]?.reader.read(of: runtime, in: memory, while: { Clock.monotonic < deadline }),
      !found.isEmpty
    else { return false }
    let threads = Self.threads(of: process, found.keys)
    var isNew = false
    for (number, name) in found {
      guard let thread = threads[number],
        let line = try? OpenFile.text(of: "/proc/\(process)/task/\(thread)/comm"), line.hasSuffix("\n")
      else { continue }
      let key = Key(thread: thread, kernelName: String(line.dropLast()))
      let known = programs[process]?.names[key]
      guard known != name, known != nil || programs[process]?.names.count ?? 0 < Self.maximumNames else { continue }
      isNew = true
      programs[process]?.names[key] = name
    }
    return isNew
  }

  /// Threads by the numbers that they have in their own pid namespace.
  private static func threads(of process: ProcessID, _ numbers: some Sequence<UInt64>) -> [UInt64: ThreadID] {
    guard (try? ProcessTable.innermostID(of: process)) != process else {
      let threads = numbers.compactMap { number in Int32(exactly: number).map { (number, ThreadID(rawValue: $0)) } }
      return Dictionary(uniqueKeysWithValues: threads)
    }
    var result: [UInt64: ThreadID] = [:]
    for thread in (try? ProcessTable.threads(of: process)) ?? [] {
      let number = try? ProcessTable.innermostID(of: ProcessID(rawValue: thread.rawValue))
      if let number { result[UInt64(number.rawValue)] = thread }
    }
    return result
  }

  /// Gives threads their names, where those are known.
  func apply(to threads: inout [ProfiledThread]) {
    var known = Set(threads)
    for (index, thread) in threads.enumerated() {
      let key = Key(thread: thread.thread, kernelName: thread.name)
      guard let name = programs[thread.process]?.names[key] else { continue }
      let named = ProfiledThread(
        process: thread.process, thread: thread.thread, processName: thread.processName, name: name)
      // Each is there once.
      if known.insert(named).inserted { threads[index] = named }
    }
  }
}
