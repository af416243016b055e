package import Glibc

/// A file and its content. Nobody can set the time of the last change, unlike that of the last modification (inode(7)).
package struct ContentIdentity: Hashable, Sendable {
  package let device: UInt64
  package let inode: UInt64
  package let size: Int
  private let changed: Int
  private let changedNanoseconds: Int

  package init(_ status: stat) {
    device = UInt64(status.st_dev)
    inode = UInt64(status.st_ino)
    size = Int(status.st_size)
    changed = status.st_ctim.tv_sec
    changedNanoseconds = status.st_ctim.tv_nsec
  }
}

/// What a mapped file was when it was opened, so that a later reader can tell whether it still is that.
package struct FileSnapshot: Sendable {
  private let identity: ContentIdentity
  private let buildID: String?
  /// The root directory of the process that had mapped the file.
  package let root: TargetRoot
  private let modified: Int
  private let modifiedNanoseconds: Int
  private let links: UInt64

  package init(_ status: stat, buildID: String?, root: TargetRoot = .shared) {
    identity = ContentIdentity(status)
    self.buildID = buildID
    self.root = root
    modified = status.st_mtim.tv_sec
    modifiedNanoseconds = status.st_mtim.tv_nsec
    links = UInt64(status.st_nlink)
  }

  /// Whether a file in a later state still has its content.
  ///
  /// The time of the last change also moves when a file is renamed, deleted or given away, as it is when packages are
  /// upgraded. Then size, modification and build id must be as before; without a build id, its links must have changed.
  ///
  /// - Parameter buildID: reads the build id that the file has now.
  package func isContent(of status: stat, buildID: () -> String?) -> Bool {
    let now = ContentIdentity(status)
    guard now.device == identity.device, now.inode == identity.inode, now.size == identity.size else { return false }
    if now == identity { return true }
    guard status.st_mtim.tv_sec == modified, status.st_mtim.tv_nsec == modifiedNanoseconds else { return false }
    if let own = self.buildID { return own == buildID() }
    return UInt64(status.st_nlink) != links
  }
}

extension OpenFile {
  /// The same open file with a note of what it was.
  package convenience init(_ file: OpenFile, snapshot: FileSnapshot) throws(Errno) {
    let descriptor = try retryingOnInterrupt { fcntl(file.descriptor, F_DUPFD_CLOEXEC, 0) }
    self.init(adopting: descriptor, snapshot: snapshot)
  }
}
