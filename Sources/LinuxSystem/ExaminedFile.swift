package import Glibc

/// What kind of file a name leads to.
package enum FileType: Sendable, Equatable, CustomStringConvertible {
  case regular
  case directory
  case pipe
  case symbolicLink
  case socket
  case device

  package init(_ status: stat) {
    switch status.st_mode & S_IFMT {
    case S_IFREG: self = .regular
    case S_IFDIR: self = .directory
    case S_IFIFO: self = .pipe
    case S_IFLNK: self = .symbolicLink
    case S_IFSOCK: self = .socket
    default: self = .device
    }
  }

  package var description: String {
    switch self {
    case .regular: "a regular file"
    case .directory: "a directory"
    case .pipe: "a pipe"
    case .symbolicLink: "a symbolic link"
    case .socket: "a socket"
    case .device: "a device"
    }
  }
}

/// Why a file that somebody else has named was not opened.
package enum OpenRefusal: Error, Equatable, CustomStringConvertible {
  case system(Errno)
  case type(FileType)
  /// The caller's own test refused it.
  case status(owner: uid_t)
  /// The kernel makes up what is read from it.
  case madeUp

  package var description: String {
    switch self {
    case .system(let cause): "\(cause)"
    case .type(let type): "it is \(type)"
    case .status(let owner): "it belongs to user \(owner)"
    case .madeUp: "the kernel makes up its content"
    }
  }
}

extension OpenFile {
  /// Opens a file that somebody else has named, after a look at what the name leads to.
  ///
  /// To open a pipe can block, and to open a device can start it. The place is opened first (`O_PATH`), which does
  /// neither, and examined; then the same file is opened through /proc/self/fd, wherever its name leads by now.
  ///
  /// - Parameters:
  ///   - directory: where a relative path begins; nil for the working directory.
  ///   - isRoot: whether the directory is the root for the path and for all symbolic links on its way.
  ///   - types: what the file may be.
  ///   - followsLinks: whether the last component of the path may be a symbolic link.
  ///   - isStored: whether its content must be in memory or on a disk. To read a file of /proc may take something away, and
  ///     may give what only root can read.
  ///   - accepts: a further test, of the owner for instance.
  package static func examined(
    _ path: String, in directory: OpenFile? = nil, isRoot: Bool = false, types: [FileType] = [.regular],
    followsLinks: Bool = true, flags: Int32 = O_RDONLY,
    isStored: Bool = false, accepts: (stat) -> Bool = { _ in true }
  ) throws(OpenRefusal) -> OpenFile {
    let start = directory?.descriptor ?? AT_FDCWD
    let placeFlags = OpenFile.pathOnly | O_CLOEXEC | (followsLinks ? 0 : O_NOFOLLOW)
    let (place, status) = try refusing { () throws(Errno) in
      let place = OpenFile(
        adopting: try retryingOnInterrupt {
          isRoot ? openInRoot(start, path, placeFlags) : unsafe openat(start, path, placeFlags)
        })
      return (place, try place.status())
    }
    let type = FileType(status)
    guard types.contains(type) else { throw .type(type) }
    guard accepts(status) else { throw .status(owner: status.st_uid) }
    guard !isStored || !place.isMadeUp else { throw .madeUp }
    return try refusing { () throws(Errno) in
      do throws(Errno) {
        return try OpenFile("/proc/self/fd/\(place.descriptor)", flags: flags | O_NOCTTY)
      } catch {
        guard error == .noSuchFile, !isRoot else { throw error }
      }
      // Without /proc, the name is all there is. It must lead to the file that was examined.
      let againFlags = flags | O_NOCTTY | O_NONBLOCK | O_CLOEXEC
      let again = OpenFile(adopting: try retryingOnInterrupt { unsafe openat(start, path, againFlags) })
      let other = try again.status()
      guard other.st_dev == status.st_dev, other.st_ino == status.st_ino else { throw .noSuchFile }
      return again
    }
  }

  private static func refusing<Value>(_ body: () throws(Errno) -> Value) throws(OpenRefusal) -> Value {
    do { return try body() } catch { throw OpenRefusal.system(error) }
  }
}
