import Glibc
import LinuxSystem

/// The file that SQLite is given, made and looked at before SQLite sees it.
struct DatabaseFile {
  /// Never begins with `:` or `file:`, which SQLite would not take for a file's name.
  let path: String

  init(path: String) {
    self.path = path.hasPrefix("/") || path.isEmpty ? path : "./" + path
  }

  /// Makes the file, empty and for its owner only, unless there is one; also the directories above it.
  ///
  /// SQLite would make it with the mode that the umask leaves; its -wal and -shm files get the mode of this one.
  func createIfMissing() throws(StoreError) {
    guard try !isPresent() else { return }
    do throws(Errno) {
      try createDirectories()
      // A symbolic link to a file that is not there is refused here: SQLite would make that file.
      _ = try OpenFile(path, flags: O_CREAT | O_EXCL | O_NOFOLLOW | O_RDWR, mode: 0o600)
    } catch {
      // Another swprof was faster.
      if error.code == EEXIST, try isPresent() { return }
      throw .cannotCreate(path: path, cause: error)
    }
  }

  /// Whether the path leads to a regular file; anything else there is refused, and a file that is too short.
  func isPresent() throws(StoreError) -> Bool {
    let status: stat
    do throws(Errno) { status = try OpenFile(path, flags: OpenFile.pathOnly).status() } catch {
      if error == .noSuchFile || error.code == ENOTDIR { return false }
      throw .cannotOpen(path: path, cause: error)
    }
    // SQLite takes a file of one byte for an empty one; a database has a page of 512 bytes at least.
    let isDatabaseSize = status.st_size == 0 || status.st_size >= 512
    guard status.st_mode & S_IFMT == S_IFREG, isDatabaseSize else { throw .notADatabase(path: path) }
    return true
  }

  private func createDirectories() throws(Errno) {
    var end = path.startIndex
    while let slash = path[end...].dropFirst().firstIndex(of: "/") {
      end = slash
      let directory = String(path[..<slash])
      guard unsafe mkdir(directory, 0o700) != 0 else { continue }
      let cause = Errno.last
      // A directory that is there may answer with other errors than EEXIST, on a read-only file system for one.
      if unsafe access(directory, F_OK) != 0 { throw cause }
    }
  }
}
