package import Glibc

/// A file that results go to: complete under its name, or not there at all.
///
/// Regular files are written beside their place and renamed; devices and pipes are written as they are. Results hold
/// command lines and paths: a new file is its owner's alone, and one that is replaced passes its mode on. With sudo, the
/// owner is the caller.
package struct OutputFile: ~Copyable {
  private let path: String
  private let file: OpenFile
  /// Where a file lies until it is complete; nil where the bytes go straight to `path`.
  private var place: Place?

  /// A name in a directory that stays the same one, whatever becomes of its path meanwhile.
  private struct Place {
    let directory: OpenFile
    let name: String
    let temporaryName: String
  }

  /// Creates the file, so that what cannot be written is known before there is anything to write.
  ///
  /// - Parameter mode: the permissions of a regular file; nil for those of the file that it replaces, or its owner's only.
  package init(_ path: String, for caller: InvokingUser?, mode: mode_t? = nil) throws(OutputFileError) {
    self.path = path
    if let device = try Self.openDevice(path, caller) {
      file = device
      return
    }
    do throws(Errno) {
      let place = try Self.place(of: path)
      let old = Self.status(of: place.name, in: place.directory)
      if let old, old.st_mode & S_IFMT == S_IFDIR { throw Errno(code: EISDIR) }
      file = try OpenFile(
        place.temporaryName, in: place.directory, flags: O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, mode: 0o600)
      self.place = place
      SignalDescriptor.notePartialFile((place.directory.descriptor, place.temporaryName))
      // By descriptor: whatever the name leads to meanwhile keeps its owner.
      if let caller { _ = fchown(file.descriptor, caller.userID, caller.groupID) }
      if let mode {
        _ = fchmod(file.descriptor, mode)
      } else if let old, old.st_uid == caller?.userID ?? geteuid() {
        _ = fchmod(file.descriptor, old.st_mode & 0o666)
      }
    } catch {
      throw .cannotCreate(path, error)
    }
  }

  deinit {
    guard let place else { return }
    SignalDescriptor.notePartialFile(nil)
    unsafe unlinkat(place.directory.descriptor, place.temporaryName, 0)
  }

  /// Writes the whole content and puts the file in its place.
  package mutating func commit(_ bytes: [UInt8]) throws(OutputFileError) {
    do { try Descriptor.write(bytes, to: file.descriptor) } catch { throw .cannotWrite(path, error) }
    guard let place else { return }
    let directory = place.directory.descriptor
    guard unsafe renameat(directory, place.temporaryName, directory, place.name) == 0 else {
      throw .cannotReplace(path, Errno.last)
    }
    SignalDescriptor.notePartialFile(nil)
    self.place = nil
  }

  /// Opens what is no regular file; nil where there is nothing, or something to be replaced.
  private static func openDevice(_ path: String, _ caller: InvokingUser?) throws(OutputFileError) -> OpenFile? {
    var own = stat()
    guard unsafe lstat(path, &own) == 0 else { return nil }
    let isLink = own.st_mode & S_IFMT == S_IFLNK
    var target = stat()
    let leadsSomewhere = unsafe stat(path, &target) == 0
    let type = target.st_mode & S_IFMT
    guard leadsSomewhere, type == S_IFCHR || type == S_IFIFO || type == S_IFSOCK || type == S_IFBLK else {
      // A link that somebody else laid could lead to any file of the user's, or of root's.
      if isLink { throw .symbolicLink(path) }
      return nil
    }
    let file: OpenFile
    let status: stat
    do {
      file = try OpenFile(path, flags: O_WRONLY | O_NOCTTY)
      // What was opened, and not what the name stood for before.
      status = try file.status()
    } catch {
      throw .cannotOpen(path, error)
    }
    let isForeign = status.st_uid != 0 && status.st_uid != geteuid() && status.st_uid != caller?.userID
    if status.st_mode & S_IFMT == S_IFREG || status.st_mode & S_IFMT == S_IFIFO && isForeign {
      throw .foreign(path)
    }
    return file
  }

  private static func place(of path: String) throws(Errno) -> Place {
    let slash = path.lastIndex(of: "/")
    let name = slash.map { String(path[path.index(after: $0)...]) } ?? path
    guard !name.isEmpty, name != ".", name != ".." else { throw Errno(code: EISDIR) }
    let directory = slash.map { $0 == path.startIndex ? "/" : String(path[..<$0]) } ?? "."
    return Place(
      directory: try OpenFile(directory, flags: OpenFile.pathOnly | O_DIRECTORY), name: name,
      temporaryName: ".swprof-\(getpid())-\(UInt64.random(in: .min ... .max)).partial")
  }

  private static func status(of name: String, in directory: OpenFile) -> stat? {
    var status = stat()
    return unsafe fstatat(directory.descriptor, name, &status, AT_SYMLINK_NOFOLLOW) == 0 ? status : nil
  }
}
