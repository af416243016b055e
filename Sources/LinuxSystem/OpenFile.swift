package import Glibc

/// An open file descriptor, closed with its last reference.
///
/// Files that may vanish (short-lived processes, containers, deleted binaries) are opened while they are there and kept
/// as one of these until they have been read.
package final class OpenFile: Sendable {
  package let descriptor: Int32
  /// What the file was when a mapping of a process led to it; nil for other files.
  package let snapshot: FileSnapshot?

  /// `O_PATH` of open(2), which glibc shows to GNU programs only (include/uapi/asm-generic/fcntl.h): a place in the file
  /// system, for the calls that take one.
  package static let pathOnly: Int32 = 0o10_000_000

  package init(adopting descriptor: Int32, snapshot: FileSnapshot? = nil) {
    self.descriptor = descriptor
    self.snapshot = snapshot
  }

  deinit { close(descriptor) }

  /// Opens a file; `O_CLOEXEC` is always added.
  package convenience init(_ path: String, flags: Int32 = O_RDONLY, mode: mode_t = 0) throws(Errno) {
    self.init(adopting: try retryingOnInterrupt { unsafe open(path, flags | O_CLOEXEC, mode) })
  }

  /// Opens a file by its name in a directory.
  package convenience init(
    _ name: String, in directory: OpenFile, flags: Int32 = O_RDONLY, mode: mode_t = 0
  ) throws(Errno) {
    self.init(
      adopting: try retryingOnInterrupt { unsafe openat(directory.descriptor, name, flags | O_CLOEXEC, mode) })
  }

  package func status() throws(Errno) -> stat {
    var status = stat()
    guard unsafe fstat(descriptor, &status) == 0 else { throw Errno.last }
    return status
  }

  /// Reads from an offset, at most `limit` bytes, until the end of the file.
  ///
  /// - Parameter chunkSize: how much is asked for at once; as much as is expected where that is known.
  package func read(from offset: Int = 0, limit: Int = .max, chunkSize: Int = 1 << 16) throws(Errno) -> [UInt8] {
    var bytes: [UInt8] = []
    var position = offset
    while bytes.count < limit {
      let wanted = min(chunkSize, limit - bytes.count)
      var outcome: Result<Int, Errno> = .success(0)
      let chunk = unsafe [UInt8](unsafeUninitializedCapacity: wanted) { buffer, count in
        let base = buffer.baseAddress
        outcome = Result { () throws(Errno) -> Int in
          try retryingOnInterrupt { unsafe pread(descriptor, base, wanted, position) }
        }
        count = (try? outcome.get()) ?? 0
      }
      _ = try outcome.get()
      if chunk.isEmpty { break }
      if bytes.isEmpty { bytes = chunk } else { bytes += chunk }
      position += chunk.count
    }
    return bytes
  }

  /// The whole content of a file that the kernel makes up while it is read, such as those of /proc.
  package static func contents(of path: String, limit: Int = 64 << 20) throws(Errno) -> [UInt8] {
    try OpenFile(path).read(limit: limit)
  }

  /// The whole content as text; invalid UTF-8 is replaced.
  package static func text(of path: String, limit: Int = 64 << 20) throws(Errno) -> String {
    String(decoding: try contents(of: path, limit: limit), as: UTF8.self)
  }
}
