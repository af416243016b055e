import Glibc
import LinuxSystem

/// A database in a place where its index (`-shm`) cannot be made: on a read-only mount, or in another user's directory.
///
/// Without a log, the file is all there is, and SQLite reads it as immutable. With a log, a connection that locks nothing
/// and keeps the index in its own memory reads both; an immutable file would be read without its log, and the last tasks
/// would be missing. Neither sees a writer, so the files are compared before and after each read.
struct FrozenDatabase {
  /// What SQLite opens: a URI (https://www.sqlite.org/uri.html).
  let uri: String
  let hasLog: Bool
  private let path: String
  private let stamps: [Stamp?]

  private struct Stamp: Equatable {
    let device: UInt64
    let inode: UInt64
    let size: Int
    let seconds: Int
    let nanoseconds: Int

    init?(_ path: String) {
      var status = stat()
      guard unsafe stat(path, &status) == 0 else { return nil }
      (device, inode, size) = (UInt64(status.st_dev), UInt64(status.st_ino), Int(status.st_size))
      (seconds, nanoseconds) = (status.st_mtim.tv_sec, status.st_mtim.tv_nsec)
    }
  }

  init(path: String) {
    self.path = path
    stamps = Self.stamps(of: path)
    hasLog = stamps[1].map { $0.size > 0 } ?? false
    uri = "file:\(Self.escaped(path))?mode=ro&" + (hasLog ? "vfs=unix-none" : "immutable=1")
  }

  /// Whether a writer has been at work since.
  var hasChanged: Bool { Self.stamps(of: path) != stamps }

  private static func stamps(of path: String) -> [Stamp?] { [Stamp(path), Stamp(path + "-wal")] }

  private static func escaped(_ path: String) -> String {
    path.utf8.map { byte in
      let isPlain =
        byte < 0x80 && (Character(Unicode.Scalar(byte)).isLetter || Character(Unicode.Scalar(byte)).isNumber)
      if isPlain || "/._-".utf8.contains(byte) { return String(Unicode.Scalar(byte)) }
      return "%" + String(0x100 + Int(byte), radix: 16).dropFirst()
    }.joined()
  }
}
