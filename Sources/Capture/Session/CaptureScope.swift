import BPF
import CProbes
import Glibc
import LinuxSystem
import ProfileModel

/// How a target is told to the kernel side and to the process tracker.
struct CaptureScope {
  let kernelScope: swprof_scope
  let trackerScope: ProcessTracker.Scope
  /// The process name to look out for.
  let name: String?
  /// The open directory of a version 2 control group.
  let cgroup: OpenFile?
  let warnings: [String]
  private let target: TaskSpec.Target

  init(_ target: TaskSpec.Target) throws(CaptureError) {
    self.target = target
    switch target {
    case .processes, .command:
      (kernelScope, trackerScope, name, cgroup, warnings) = (SWPROF_SCOPE_TARGETS, .listed, nil, nil, [])
    case .name(let name):
      (kernelScope, trackerScope, self.name, cgroup, warnings) = (SWPROF_SCOPE_TARGETS, .listed, name, nil, [])
    case .all:
      (kernelScope, trackerScope, name, cgroup) = (SWPROF_SCOPE_ALL, .all, nil, nil)
      let isInner = ((try? PidNamespace.current())?.level ?? 0) > 0
      warnings = isInner ? ["processes outside of this pid namespace are not seen"] : []
    case .cgroup(let path):
      name = nil
      let directory: OpenFile
      do {
        directory = try OpenFile.examined(path, types: [.directory], flags: O_RDONLY | O_DIRECTORY)
      } catch .system(let cause) {
        throw .noSuchCgroup(path, cause)
      } catch {
        throw .noSuchCgroup(path, Errno(code: ENOTDIR))
      }
      if ControlGroup.isVersion2(directory) {
        (kernelScope, trackerScope, cgroup, warnings) = (SWPROF_SCOPE_CGROUP, .all, directory, [])
      } else {
        (kernelScope, trackerScope, cgroup) = (SWPROF_SCOPE_TARGETS, .listed, nil)
        warnings = ["control group '\(path)' is of version 1: processes that join it later are not seen"]
      }
    }
  }

  /// The processes to put into the kernel's table before the first tick.
  func initialTargets() throws(CaptureError) -> [ProcessID] {
    switch target {
    case .processes(let processes): return processes
    // The process that waits to become a command is listed in its place.
    case .all, .command: return []
    case .cgroup(let path):
      guard cgroup == nil else { return [] }
      do { return try ProcessTable.members(ofCgroup: path) } catch { throw .noSuchCgroup(path, error) }
    case .name(let name):
      let processes: [ProcessID]
      do { processes = try ProcessTable.processes() } catch { throw .system(operation: "cannot read /proc", error) }
      // A process that ended meanwhile has no name.
      let found = processes.filter { (try? ProcessTable.name(of: $0)) == name }
      if found.isEmpty { throw .noProcess(name: name) }
      return found
    }
  }

  /// Puts the processes that there are now into the kernel's table of targets, and returns them.
  ///
  /// Call when forks and ends of targets are followed. A child that is not found here is seen to be forked, since its
  /// parent is in the table before its children are looked for.
  func fill(_ table: BPFMap, for request: ResolvedTask) throws -> [ProcessID] {
    let state = UInt8((request.awaitedCommand == nil ? SWPROF_TARGET_PRESENT : SWPROF_TARGET_HELD).rawValue)
    var known: Set<ProcessID> = [ProcessTable.own]
    var found: [ProcessID] = []
    var new = try initialTargets()
    while !new.isEmpty {
      for process in new {
        try table.update(key: UInt32(process.rawValue), value: state)
        // The end of a process is seen from here on; one that had ended before would stay in the table.
        if ProcessDescriptor.hasEnded(process) { table.remove(key: UInt32(process.rawValue)) }
      }
      known.formUnion(new)
      found += new
      // A command that is held has no children yet.
      guard kernelScope == SWPROF_SCOPE_TARGETS, request.includesChildren, request.awaitedCommand == nil else { break }
      new = ProcessTable.descendants(of: found).filter { !known.contains($0) }
    }
    return found
  }

  /// The bytes of `struct swprof_config`.
  func configuration(for request: ResolvedTask, unwind: swprof_unwind) throws(CaptureError) -> [UInt8] {
    let namespace: PidNamespace
    do { namespace = try PidNamespace.current() } catch {
      throw .system(operation: "cannot read the pid namespace from /proc/self", error)
    }
    var config = swprof_config()
    config.pid_namespace = namespace.inode
    config.pid_level = namespace.level
    config.scope = kernelScope.rawValue
    config.sides =
      switch request.spec.options.side {
      case .both: UInt32(SWPROF_SIDE_USER | SWPROF_SIDE_KERNEL)
      case .user: UInt32(SWPROF_SIDE_USER)
      case .kernel: UInt32(SWPROF_SIDE_KERNEL)
      }
    config.follow_children = request.includesChildren ? 1 : 0
    config.wakeup_bytes = request.ringBufferBytes / 4
    config.unwind = unwind.rawValue
    config.stop_sampled = request.stopsSampledThreads ? 1 : 0
    unsafe withUnsafeMutableBytes(of: &config.comm) { comm in
      for (index, byte) in (name ?? "").utf8.prefix(Int(SWPROF_COMM_SIZE) - 1).enumerated() {
        unsafe comm[index] = byte
      }
    }
    return unsafe withUnsafeBytes(of: config) { unsafe Array($0) }
  }
}
