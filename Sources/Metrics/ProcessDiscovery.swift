import Glibc
package import LinuxSystem
package import Policies
package import ProfileModel

/// Knows which processes there are: from /proc at the start, from the kernel's records of forks, names and ends then.
///
/// What has happened is looked at once a second: a process that does not live that long is never read.
package struct ProcessDiscovery {
  private let rings: [RingBox]
  private var users: UserNames
  private var known: [ProcessID: WatchedProcess] = [:]
  /// To be read, or read again.
  private var changed: Set<ProcessID> = []
  private var exited: Set<ProcessID> = []
  private var hasToScan = true

  private static let ringPages = 64

  /// A ring in an array: arrays hold no noncopyable values.
  private final class RingBox {
    var ring: PerfRing
    init(_ ring: consuming PerfRing) { self.ring = ring }
  }

  /// Listens from here on; the processes that there are follow with the first `update()`.
  package init() throws(Errno) {
    let wakeup = UInt32(Self.ringPages * Host.pageSize / 2)
    var rings: [RingBox] = []
    for cpu in try Host.onlineCPUs() {
      let event = try PerfEvent.lifecycle(cpu: cpu, wakeupBytes: wakeup)
      rings.append(RingBox(try PerfRing(event, dataPages: Self.ringPages)))
    }
    self.rings = rings
    users = UserNames()
  }

  /// What to poll; any of them readable means that `drain()` is due before the next second.
  package var descriptors: [Int32] { rings.map { $0.ring.descriptor } }

  /// All processes there are.
  package var processes: some Sequence<WatchedProcess> { known.values }

  /// Takes what the kernel has recorded.
  package mutating func drain() {
    for box in rings {
      box.ring.drain { bytes in
        guard let record = SidebandRecord(decoding: bytes) else { return }
        note(record)
      }
    }
  }

  private mutating func note(_ record: SidebandRecord) {
    let process = record.process
    switch record.event {
    case .fork(let parent): if parent != process { changed.insert(process) }
    case .name: if record.thread.rawValue == process.rawValue { changed.insert(process) }
    case .exit: if record.thread.rawValue == process.rawValue { exited.insert(process) }
    case .lost: hasToScan = true
    case .mapping: break
    }
  }

  /// What has become of the processes.
  package struct Changes {
    /// New ones, and those that run another program or have another name now.
    package var changed: [WatchedProcess] = []
    package var ended: [ProcessKey] = []
  }

  package mutating func update() -> Changes {
    drain()
    var changes = Changes()
    if hasToScan, let all = try? ProcessTable.processes() {
      hasToScan = false
      changed.formUnion(all.filter { known[$0] == nil })
      exited.formUnion(Set(known.keys).subtracting(all))
    }
    for process in changed {
      let now = users.read(process)
      if let old = known[process], old.key != now?.key { changes.ended.append(old.key) }
      known[process] = now
      if let now { changes.changed.append(now) }
    }
    // The main thread may end before the others, whose end is no record of the process: it is looked at again.
    var lasting: Set<ProcessID> = []
    for process in exited.subtracting(changed) {
      guard let old = known[process] else { continue }
      guard Clock.cpuNanoseconds(of: process) == nil || ProcessDescriptor.hasEnded(process) else {
        lasting.insert(process)
        continue
      }
      changes.ended.append(old.key)
      known[process] = nil
    }
    (changed, exited) = ([], lasting)
    return changes
  }

  /// Forgets a process that was found to have ended.
  package mutating func forget(_ key: ProcessKey) {
    if known[key.process]?.key == key { known[key.process] = nil }
  }
}

/// Reads processes, with the names of their users.
package struct UserNames {
  private let names: [UInt32: String]

  package init() {
    let passwd = (try? OpenFile.text(of: "/etc/passwd", limit: 4 << 20)) ?? ""
    names = passwd.split(separator: "\n").reduce(into: [:]) { names, line in
      let fields = line.split(separator: ":", maxSplits: 3, omittingEmptySubsequences: false)
      if fields.count == 4, let number = UInt32(fields[2]) { names[number] = names[number] ?? String(fields[0]) }
    }
  }

  /// How much of a command line is looked at: no pattern needs more, and a process may have megabytes.
  private static let commandLineLimit = 4096

  /// What /proc says of a process; nil for one that has ended.
  package func read(_ process: ProcessID) -> WatchedProcess? {
    let directory = "/proc/\(process)"
    guard let text = try? OpenFile.text(of: directory + "/stat"), let stat = ProcessStat(text),
      !stat.hasEnded || ProcessTable.survivor(of: process) != nil
    else { return nil }
    let arguments = (try? OpenFile.contents(of: directory + "/cmdline", limit: Self.commandLineLimit)) ?? []
    var result = WatchedProcess(
      key: ProcessKey(process: process, startTicks: stat.startTicks), name: stat.name)
    result.executable = ProcessTable.executable(of: process) ?? ""
    let words = arguments.split(separator: 0, omittingEmptySubsequences: true)
    result.commandLine = words.map { String(decoding: $0, as: UTF8.self) }.joined(separator: " ")
    result.cgroup = ProcessTable.controlGroup(of: process) ?? ""
    result.userID = (try? ProcessTable.userID(of: process)) ?? 0
    result.userName = names[result.userID]
    return result
  }
}
