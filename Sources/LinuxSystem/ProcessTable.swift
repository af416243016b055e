import Glibc
package import ProfileModel

/// What /proc says about processes, in the caller's pid namespace (proc(5)).
package enum ProcessTable {
  /// This process.
  package static var own: ProcessID { ProcessID(rawValue: getpid()) }

  /// All processes there are now, in no order.
  package static func processes() throws(Errno) -> [ProcessID] {
    try entries(of: "/proc").compactMap { Int32($0).map(ProcessID.init(rawValue:)) }
  }

  package static func exists(_ process: ProcessID) -> Bool {
    kill(process.rawValue, 0) == 0 || Errno.last == .notPermitted
  }

  /// The name of the process's main thread.
  package static func name(of process: ProcessID) throws(Errno) -> String {
    // The kernel ends the name with a newline; those before it are the process's.
    let bytes = try OpenFile.contents(of: "/proc/\(process)/comm")
    return String(decoding: bytes.last == UInt8(ascii: "\n") ? bytes.dropLast() : bytes[...], as: UTF8.self)
  }

  /// The executable mappings of a process.
  package static func mappings(of process: ProcessID) throws(Errno) -> [MemoryMapping] {
    MemoryMapping.executable(inMaps: try maps(of: process))
  }

  /// What /proc says of the memory of a process; empty for a kernel thread, and for one that has ended.
  package static func maps(of process: ProcessID) throws(Errno) -> [UInt8] {
    let maps = try OpenFile.contents(of: "/proc/\(process)/maps")
    guard maps.isEmpty, let thread = survivor(of: process) else { return maps }
    return try OpenFile.contents(of: "/proc/\(thread)/maps")
  }

  /// The directory of /proc with the memory and the files of a process.
  ///
  /// A main thread that has ended has neither; then it is the directory of another thread, which is there by its number,
  /// although /proc does not list it (proc(5), "/proc/tid"). Costs two system calls.
  package static func directory(of process: ProcessID) -> String {
    "/proc/\(survivor(of: process)?.rawValue ?? process.rawValue)"
  }

  /// A thread that runs on although the main thread of its process has ended; nil while the main thread runs, and where
  /// no thread is left.
  package static func survivor(of process: ProcessID) -> ThreadID? {
    guard let main = statistics(ofThread: ThreadID(rawValue: process.rawValue)), main.hasEnded else { return nil }
    return try? threads(of: process).first {
      $0.rawValue != process.rawValue && statistics(ofThread: $0)?.hasEnded == false
    }
  }

  private static func statistics(ofThread thread: ThreadID) -> ProcessStat? {
    (try? OpenFile.text(of: "/proc/\(thread)/stat")).flatMap(ProcessStat.init)
  }

  /// The process that a thread belongs to; a process's own number gives itself.
  package static func process(ofThread thread: ThreadID) throws(Errno) -> ProcessID {
    guard let number = try statusField("Tgid:", of: ProcessID(rawValue: thread.rawValue)).first.flatMap({ Int32($0) })
    else { throw .invalid }
    return ProcessID(rawValue: number)
  }

  /// The effective user id of a process.
  package static func userID(of process: ProcessID) throws(Errno) -> UInt32 {
    let fields = try statusField("Uid:", of: process)
    guard fields.count >= 2, let effective = UInt32(fields[1]) else { throw .invalid }
    return effective
  }

  /// The user id of who is root in a process's user namespace, as this process numbers users (user_namespaces(7)).
  package static func rootID(of process: ProcessID) throws(Errno) -> UInt32 {
    let map = try OpenFile.text(of: "/proc/\(process)/uid_map")
    for line in map.split(separator: "\n") {
      let numbers = line.split(separator: " ").compactMap { UInt32($0) }
      if numbers.count == 3, numbers[0] == 0, numbers[2] > 0 { return numbers[1] }
    }
    // It has no root.
    throw .invalid
  }

  /// The path of a process's program; nil for a kernel thread, and where it may not be read.
  package static func executable(of process: ProcessID) -> String? {
    SymbolicLink.destination(of: directory(of: process) + "/exe")
  }

  /// The path of a process's control group in the version 2 hierarchy; where that has none, in the first of version 1
  /// (cgroups(7), "/proc/pid/cgroup").
  package static func controlGroup(of process: ProcessID) -> String? {
    guard let text = try? OpenFile.text(of: "/proc/\(process)/cgroup") else { return nil }
    let groups = text.fields(at: "\n").compactMap { line -> (isUnified: Bool, path: String)? in
      let fields = line.fields(at: ":", maxSplits: 2, omittingEmptySubsequences: false)
      return fields.count == 3 ? (fields[0] == "0", String(fields[2])) : nil
    }
    let unified = groups.first { $0.isUnified }?.path
    if let unified, unified != "/" { return unified }
    return groups.first { !$0.isUnified && $0.path != "/" }?.path ?? unified
  }

  /// A variable of the environment that a process's program was started with; nil where it has none, or cannot be read.
  package static func variable(_ name: String, of process: ProcessID) -> String? {
    guard let bytes = try? OpenFile.contents(of: directory(of: process) + "/environ", limit: 1 << 21) else {
      return nil
    }
    let start = Array("\(name)=".utf8)
    guard let found = bytes.split(separator: 0).first(where: { $0.starts(with: start) }) else { return nil }
    return String(decoding: found.dropFirst(start.count), as: UTF8.self)
  }

  /// The threads that a process has now, in no order.
  package static func threads(of process: ProcessID) throws(Errno) -> [ThreadID] {
    try entries(of: "/proc/\(process)/task").compactMap { Int32($0).map(ThreadID.init(rawValue:)) }
  }

  /// The processes that some have started and that run now, with the ones that those have started, and so on.
  ///
  /// Children that were left by a parent that has ended are nobody's descendants.
  package static func descendants(of processes: [ProcessID]) -> [ProcessID] {
    // Without CONFIG_PROC_CHILDREN, all processes are asked for their parent.
    let parents = hasChildrenFiles ? nil : childrenByParent()
    var known = Set(processes)
    var found: [ProcessID] = []
    var next = processes
    while let process = next.popLast() {
      for child in parents.map({ $0[process] ?? [] }) ?? children(of: process) where known.insert(child).inserted {
        found.append(child)
        next.append(child)
      }
    }
    return found.sorted()
  }

  private static let hasChildrenFiles = unsafe access("/proc/self/task/\(getpid())/children", R_OK) == 0

  /// The children of all threads of a process (proc_pid_task(5), "children").
  private static func children(of process: ProcessID) -> [ProcessID] {
    ((try? threads(of: process)) ?? []).flatMap { thread in
      ((try? OpenFile.text(of: "/proc/\(process)/task/\(thread)/children")) ?? "").split(separator: " ").compactMap {
        Int32($0).map(ProcessID.init(rawValue:))
      }
    }
  }

  private static func childrenByParent() -> [ProcessID: [ProcessID]] {
    ((try? processes()) ?? []).reduce(into: [:]) { result, process in
      guard let text = try? OpenFile.text(of: "/proc/\(process)/stat"), let stat = ProcessStat(text) else { return }
      result[stat.parent, default: []].append(process)
    }
  }

  /// The number that the process has in its own, innermost pid namespace, which names its perf-map.
  package static func innermostID(of process: ProcessID) throws(Errno) -> ProcessID {
    let fields = try statusField("NSpid:", of: process)
    guard let last = fields.last, let number = Int32(last) else { throw .invalid }
    return ProcessID(rawValue: number)
  }

  /// The processes in a control group's directory and those beneath it.
  package static func members(ofCgroup directory: String) throws(Errno) -> [ProcessID] {
    let own = try OpenFile.text(of: directory + "/cgroup.procs")
      .split(separator: "\n").compactMap { Int32($0).map(ProcessID.init(rawValue:)) }
    var members = own
    for entry in try entries(of: directory) {
      let path = directory + "/" + entry
      var status = stat()
      guard unsafe lstat(path, &status) == 0, status.st_mode & S_IFMT == S_IFDIR else { continue }
      // A group that vanished meanwhile has no members.
      members += (try? Self.members(ofCgroup: path)) ?? []
    }
    return members
  }

  private static func statusField(_ name: String, of process: ProcessID) throws(Errno) -> [Substring] {
    let status = try OpenFile.text(of: "/proc/\(process)/status")
    for line in status.fields(at: "\n") where line.beginsWithBytes(of: name) {
      return line.dropFirst(name.utf8.count).split { $0 == "\t" || $0 == " " }
    }
    throw .invalid
  }

  private static func entries(of directory: String) throws(Errno) -> [String] {
    guard let stream = unsafe opendir(directory) else { throw Errno.last }
    defer { unsafe closedir(stream) }
    var names: [String] = []
    while let entry = unsafe readdir(stream) {
      let name = unsafe withUnsafePointer(to: &entry.pointee.d_name) { pointer in
        unsafe pointer.withMemoryRebound(to: CChar.self, capacity: 256) { unsafe String(cString: $0) }
      }
      if name != ".", name != ".." { names.append(name) }
    }
    return names
  }
}

/// A symbolic link of the file system (readlink(2)).
package enum SymbolicLink {
  /// What it leads to; nil where that cannot be read.
  package static func destination(of path: String, in directory: OpenFile? = nil) -> String? {
    var buffer = [CChar](repeating: 0, count: Int(PATH_MAX))
    let size = buffer.count
    let count = unsafe readlinkat(directory?.descriptor ?? AT_FDCWD, path, &buffer, size)
    return count > 0 ? String(decoding: buffer[..<count].map { UInt8(bitPattern: $0) }, as: UTF8.self) : nil
  }
}

extension ProcessTable {
  /// When a process that runs was started, in clock ticks since boot; nil for one that has ended.
  package static func startTicks(of process: ProcessID) -> UInt64? {
    guard let text = try? OpenFile.text(of: "/proc/\(process)/stat"), let stat = ProcessStat(text),
      !stat.hasEnded || survivor(of: process) != nil
    else { return nil }
    return stat.startTicks
  }

  /// When this process was started, to 10 ms (`starttime` of proc_pid_stat(5), a point of the boot clock).
  package static func startTime() -> MonotonicTime {
    let (now, bootNow) = (Clock.monotonic, Clock.boot)
    guard let text = try? OpenFile.text(of: "/proc/self/stat"), let own = ProcessStat(text) else { return now }
    // A command is not older than the last suspend: its age is the same on both clocks.
    let age = bootNow.nanoseconds - min(bootNow.nanoseconds, own.startTicks &* Host.nanosecondsPerTick)
    return MonotonicTime(nanoseconds: now.nanoseconds - min(now.nanoseconds, age))
  }
}
