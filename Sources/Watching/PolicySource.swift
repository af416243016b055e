import Capture
import Glibc
import LinuxSystem
package import Policies

/// The policy file, and whether it has changed since it was read.
package struct PolicySource {
  package let path: String
  private var lastSeen: Stamp?

  /// What changes when a file is written or another one takes its place.
  private struct Stamp: Equatable {
    let device: UInt64
    let inode: UInt64
    let size: Int
    let seconds: Int
    let nanoseconds: Int
  }

  package init(path: String) { self.path = path }

  /// Reads the file.
  ///
  /// - Throws: `PolicyFileError`, or a `WatchError` where it cannot be read.
  package mutating func read() throws -> PolicySet {
    lastSeen = stamp()
    let bytes: [UInt8]
    do {
      bytes = try OpenFile.examined(path).read(limit: 2 << 20)
    } catch {
      throw WatchError.unreadablePolicies(path: path, reason: "\(error)")
    }
    return try PolicyFile.parse(bytes, name: path, highestFrequency: OnCPUCapture.highestFrequency)
  }

  /// Whether the file is another one than when it was read. A file that is away for a moment, while it is replaced, is
  /// none.
  func hasChanged() -> Bool { stamp().map { $0 != lastSeen } ?? false }

  private func stamp() -> Stamp? {
    var status = stat()
    guard unsafe stat(path, &status) == 0 else { return nil }
    return Stamp(
      device: UInt64(status.st_dev), inode: UInt64(status.st_ino), size: Int(status.st_size),
      seconds: status.st_mtim.tv_sec, nanoseconds: status.st_mtim.tv_nsec)
  }
}
