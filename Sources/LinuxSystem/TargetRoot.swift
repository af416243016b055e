import CLinux
import Glibc
package import ProfileModel

/// The root directory of a process, beneath which its paths lead.
package enum TargetRoot: Sendable {
  /// This process has the same.
  case shared
  /// The process sees another file system, as in a container.
  case foreign(OpenFile)
  /// The process is gone, or may not be looked into.
  case unknown

  package static func open(of process: ProcessID) -> TargetRoot {
    let directory = ProcessTable.directory(of: process)
    guard let root = try? OpenFile("\(directory)/root", flags: OpenFile.pathOnly | O_DIRECTORY),
      let status = try? root.status(), let space = SymbolicLink.destination(of: "\(directory)/ns/mnt")
    else { return .unknown }
    var own = stat()
    let isOwnRoot = unsafe stat("/", &own) == 0 && own.st_dev == status.st_dev && own.st_ino == status.st_ino
    // Two mount namespaces may have one root directory and different files beneath it.
    return isOwnRoot && space == SymbolicLink.destination(of: "/proc/self/ns/mnt") ? .shared : .foreign(root)
  }
}

/// Opens a path as it is beneath a root directory (openat2(2)); -1 and `errno` on failure.
func openInRoot(_ root: Int32, _ path: String, _ flags: Int32) -> Int32 {
  unsafe swprof_open_in_root(root, path, flags)
}
