import CLinux
import Glibc
import ProfileModel

/// The machine and the process that swprof runs as.
package enum Host {
  package static var name: String { names().node }

  /// The kernel's release, as `uname -r` prints it.
  package static var kernelRelease: String { names().release }

  /// The numbers of the CPUs that are online, in order.
  package static func onlineCPUs() throws(Errno) -> [Int32] {
    let list = try OpenFile.text(of: onlineCPUPath)
    return parseCPUList(list)
  }

  package static let onlineCPUPath = "/sys/devices/system/cpu/online"

  /// Reads `0-3,7`, the format of sysfs (Documentation/admin-guide/cputopology.rst).
  package static func parseCPUList(_ list: String) -> [Int32] {
    list.split { $0 == "," || $0 == "\n" }.flatMap { range -> [Int32] in
      let bounds = range.split(separator: "-").compactMap { Int32($0) }
      guard let first = bounds.first, let last = bounds.last, first <= last, last < 1 << 16 else { return [] }
      return Array(first...last)
    }
  }

  package static var pageSize: Int { sysconf(Int32(_SC_PAGESIZE)) }

  /// The length of a clock tick, the unit of times in /proc (sysconf(3), _SC_CLK_TCK).
  package static var nanosecondsPerTick: UInt64 { 1_000_000_000 / UInt64(sysconf(Int32(_SC_CLK_TCK))) }

  package static var isRoot: Bool { geteuid() == 0 }

  /// Raises the limit of open descriptors to its hard bound: one is kept for each mapped file.
  package static func raiseDescriptorLimit() {
    var limit = rlimit()
    guard unsafe getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else { return }
    limit.rlim_cur = limit.rlim_max
    _ = unsafe setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
  }

  /// How many descriptors this process may have open.
  package static var descriptorLimit: Int {
    var limit = rlimit()
    guard unsafe getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else { return 1024 }
    return Int(clamping: limit.rlim_cur)
  }

  private static func names() -> (node: String, release: String) {
    var names = utsname()
    guard unsafe uname(&names) == 0 else { return ("", "") }
    func text<Field>(_ field: Field) -> String {
      unsafe withUnsafeBytes(of: field) { bytes in unsafe String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self) }
    }
    return (text(names.nodename), text(names.release))
  }
}

/// The capabilities that a capture needs (capabilities(7)).
package enum Capability: Int32, CaseIterable, Sendable {
  case dacReadSearch = 2
  case sysPtrace = 19
  case sysAdmin = 21
  case perfmon = 38
  case bpf = 39
  case checkpointRestore = 40

  package var name: String {
    switch self {
    case .dacReadSearch: "CAP_DAC_READ_SEARCH"
    case .sysPtrace: "CAP_SYS_PTRACE"
    case .sysAdmin: "CAP_SYS_ADMIN"
    case .perfmon: "CAP_PERFMON"
    case .bpf: "CAP_BPF"
    case .checkpointRestore: "CAP_CHECKPOINT_RESTORE"
    }
  }

  /// Whether this process has it.
  package var isEffective: Bool { swprof_has_capability(rawValue) == 1 }
}

extension Host {
  /// The inode of the network namespace that this process is in; nil where /proc does not tell.
  package static var networkNamespace: UInt32? {
    var status = stat()
    return unsafe stat("/proc/self/ns/net", &status) == 0 ? UInt32(truncatingIfNeeded: status.st_ino) : nil
  }
}

/// The pid namespace of this process.
package struct PidNamespace: Equatable, Sendable {
  /// Its inode number, which tells namespaces apart (namespaces(7)).
  package let inode: UInt32
  /// How many namespaces lie above it, as far as /proc shows: of the one that /proc was mounted in, one. 0 is the initial
  /// one.
  package let level: UInt32

  package static func current() throws(Errno) -> PidNamespace {
    var status = stat()
    guard unsafe stat("/proc/self/ns/pid", &status) == 0 else { throw Errno.last }
    let own = try OpenFile.text(of: "/proc/self/status")
    // NSpid lists one number for each namespace from the one that mounted /proc to the innermost. The initial
    // namespace has a fixed inode (PROC_PID_INIT_INO, include/linux/proc_ns.h).
    let numbers = own.fields(at: "\n").first { $0.beginsWithBytes(of: "NSpid:") }?.fields(at: "\t").count ?? 2
    let isInitial = status.st_ino == 0xEFFF_FFFC
    return PidNamespace(
      inode: UInt32(truncatingIfNeeded: status.st_ino), level: isInitial ? 0 : UInt32(max(1, numbers - 1)))
  }
}
