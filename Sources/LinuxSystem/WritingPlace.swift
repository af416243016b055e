import Glibc

/// Where a file is to be written: a name in a directory that stays the same one, whatever becomes of its path meanwhile.
struct WritingPlace {
  let directory: OpenFile
  let name: String

  /// As many as the kernel follows (`MAXSYMLINKS`, include/linux/namei.h).
  private static let maximumLinks = 40

  /// Why a path does not lead to a directory.
  enum Refusal: Error {
    case system(Errno)
    /// A symbolic link on the way is another user's.
    case foreignLink
  }

  /// Goes to the directory of a path. Of symbolic links on the way, those of others are not followed: they could lead
  /// anywhere (proc_sys_fs(5), "protected_symlinks", which a system may have turned off).
  ///
  /// - Parameter owners: whose links are followed.
  init(_ path: String, followingLinksOf owners: Set<uid_t>) throws(Refusal) {
    let slash = path.lastIndex(of: "/")
    name = slash.map { String(path[path.index(after: $0)...]) } ?? path
    guard !name.isEmpty, name != ".", name != ".." else { throw .system(Errno(code: EISDIR)) }
    var rest = Self.components(slash.map { path[...$0] } ?? "")
    var place = try Self.open(path.hasPrefix("/") ? "/" : ".", in: nil)
    var links = 0
    while let component = rest.popLast() {
      // The links of /proc lead to what the kernel knows: what they read is no path.
      let isInProc = place.isInProc
      // As a directory, so that what is mounted when it is needed is mounted (open(2), O_PATH).
      let directory = try? Self.open(component, in: place, isLinkFollowed: isInProc, flags: O_DIRECTORY)
      let next: OpenFile
      if let directory {
        next = directory
      } else {
        next = try Self.open(component, in: place, isLinkFollowed: isInProc)
      }
      guard let status = try? next.status(), FileType(status) == .symbolicLink else {
        place = next
        continue
      }
      guard owners.contains(status.st_uid) else { throw .foreignLink }
      links += 1
      guard links <= Self.maximumLinks, let target = SymbolicLink.destination(of: "", in: next) else {
        throw .system(Errno(code: ELOOP))
      }
      if target.hasPrefix("/") { place = try Self.open("/", in: nil) }
      rest += Self.components(target[...])
    }
    guard let status = try? place.status(), FileType(status) == .directory else { throw .system(Errno(code: ENOTDIR)) }
    directory = place
  }

  /// The last one first.
  private static func components(_ path: Substring) -> [String] {
    path.split(separator: "/").reversed().map(String.init)
  }

  private static func open(
    _ name: String, in directory: OpenFile?, isLinkFollowed: Bool = false, flags: Int32 = 0
  ) throws(Refusal) -> OpenFile {
    do throws(Errno) {
      let flags = OpenFile.pathOnly | flags | (isLinkFollowed ? 0 : O_NOFOLLOW)
      guard let directory else { return try OpenFile(name, flags: flags) }
      return try OpenFile(name, in: directory, flags: flags)
    } catch { throw .system(error) }
  }

  /// What has the name now, itself and not where it leads; nil where there is nothing.
  var status: stat? {
    var status = stat()
    return unsafe fstatat(directory.descriptor, name, &status, AT_SYMLINK_NOFOLLOW) == 0 ? status : nil
  }
}
