import Glibc
package import LinuxSystem
package import ProfileModel

/// The process that runs a task, described so that a later process with the same pid is not taken for it.
package struct TaskOwner: Equatable, Sendable {
  package var process: ProcessID
  /// `starttime` of proc_pid_stat(5), in clock ticks since boot.
  package var startTicks: UInt64
  /// `/proc/sys/kernel/random/boot_id`, another one after each boot (random(4)).
  package var bootID: String
  /// The inode of the pid namespace that `process` is a number of.
  package var pidNamespace: UInt32

  package init(process: ProcessID, startTicks: UInt64, bootID: String, pidNamespace: UInt32) {
    self.process = process
    self.startTicks = startTicks
    self.bootID = bootID
    self.pidNamespace = pidNamespace
  }

  /// The calling process.
  package static func current() throws(Errno) -> TaskOwner {
    let boot = try OpenFile.text(of: "/proc/sys/kernel/random/boot_id")
    guard let own = ProcessStat(try OpenFile.text(of: "/proc/self/stat")) else { throw .invalid }
    return TaskOwner(
      process: ProcessID(rawValue: getpid()), startTicks: own.startTicks, bootID: String(boot.prefix { $0 != "\n" }),
      pidNamespace: try PidNamespace.current().inode)
  }

  /// Whether the process has surely ended, as `observer` sees it.
  ///
  /// Another boot ended it. Of this boot, only processes of the observer's own pid namespace can be judged.
  package func isGone(seenBy observer: TaskOwner) -> Bool {
    guard bootID == observer.bootID else { return true }
    guard pidNamespace == observer.pidNamespace else { return false }
    guard ProcessTable.exists(process) else { return true }
    // A stat that cannot be read (hidepid of proc(5), or a process that ends right now) proves nothing.
    guard let text = try? OpenFile.text(of: "/proc/\(process)/stat"), let stat = ProcessStat(text) else { return false }
    return stat.hasEnded || stat.startTicks != startTicks
  }
}
