import CLinux
import Glibc
package import ProfileModel

/// Control groups in the file system (cgroups(7)).
package enum ControlGroup {
  /// `CGROUP2_SUPER_MAGIC` (statfs(2)).
  private static let version2Magic = 0x6367_7270

  /// Whether an open directory belongs to the version 2 hierarchy.
  package static func isVersion2(_ directory: OpenFile) -> Bool {
    var fileSystem = statfs()
    return unsafe fstatfs(directory.descriptor, &fileSystem) == 0 && Int(fileSystem.f_type) == version2Magic
  }

  /// The version 2 control group of a process: `/system.slice/nginx.service`.
  package static func path(of process: ProcessID) throws(Errno) -> String {
    let text = try OpenFile.text(of: "/proc/\(process)/cgroup")
    guard let line = text.fields(at: "\n").first(where: { $0.beginsWithBytes(of: "0::") }) else { throw .noSuchFile }
    return String(decoding: line.utf8.dropFirst(3), as: UTF8.self)
  }

  /// The directory that a user means: one in the file system, or a path as /proc/PID/cgroup tells it.
  package static func directory(for path: String) -> String {
    let candidates = [path] + ["/sys/fs/cgroup", "/sys/fs/cgroup/unified"].map { $0 + "/" + path }
    return candidates.first { unsafe access($0 + "/cgroup.procs", R_OK) == 0 } ?? path
  }
}
