package import Glibc

/// A file that results go to: complete under its name, or not there at all.
///
/// Regular files are written beside their place and renamed; pipes, terminals and /dev/null are written as they are. Results
/// hold command lines and paths: a new file is its owner's alone, and one that is replaced passes its mode on. With sudo,
/// all is done with the rights of the caller, who is the owner.
package struct OutputFile: ~Copyable {
  private let path: String
  private let caller: InvokingUser?
  private let file: OpenFile
  private let place: WritingPlace
  /// What the file is called until it is complete; nil where the bytes go straight to `path`.
  private var temporaryName: String?

  /// Creates the file, so that what cannot be written is known before there is anything to write.
  ///
  /// - Parameter mode: the permissions of a regular file; nil for those of the file that it replaces, or its owner's only.
  package init(_ path: String, for caller: InvokingUser?, mode: mode_t? = nil) throws(OutputFileError) {
    let owners = Set([0, geteuid()] + (caller.map { [$0.userID] } ?? []))
    let place = try Self.perform(as: caller) { () throws(OutputFileError) in try Self.place(of: path, owners) }
    let opened = try Self.open(at: place, path, caller, owners, mode: mode)
    self.path = path
    self.caller = caller
    self.place = place
    (file, temporaryName) = opened
    if let temporaryName { SignalDescriptor.notePartialFile((place.directory.descriptor, temporaryName)) }
  }

  deinit {
    guard let temporaryName else { return }
    SignalDescriptor.notePartialFile(nil)
    let directory = place.directory.descriptor
    Self.perform(as: caller) { _ = unsafe unlinkat(directory, temporaryName, 0) }
  }

  /// Writes the whole content and puts the file in its place.
  package mutating func commit(_ bytes: [UInt8]) throws(OutputFileError) {
    do { try Descriptor.write(bytes, to: file.descriptor) } catch { throw .cannotWrite(path, error) }
    guard let temporaryName else { return }
    let (directory, name, path) = (place.directory.descriptor, place.name, path)
    try Self.perform(as: caller) { () throws(OutputFileError) in
      guard unsafe renameat(directory, temporaryName, directory, name) == 0 else {
        throw .cannotReplace(path, Errno.last)
      }
    }
    SignalDescriptor.notePartialFile(nil)
    self.temporaryName = nil
  }

  private static func perform<Value, Failure: Error>(
    as caller: InvokingUser?, _ body: () throws(Failure) -> Value
  ) throws(Failure) -> Value {
    guard let caller else { return try body() }
    return try caller.perform(body)
  }

  /// - Returns: the file, and what it is called until it is complete; nil for what is written as it is.
  private static func open(
    at place: WritingPlace, _ path: String, _ caller: InvokingUser?, _ owners: Set<uid_t>, mode: mode_t?
  ) throws(OutputFileError) -> (OpenFile, temporaryName: String?) {
    // Not as the caller: a pipe of a shell that sudo has started is root's.
    if let device = try openDevice(at: place, path, owners) { return (device, nil) }
    let name = ".swprof-\(getpid())-\(UInt64.random(in: .min ... .max)).partial"
    let file = try perform(as: caller) { () throws(OutputFileError) in
      try create(name, at: place, path, caller, mode: mode)
    }
    return (file, name)
  }

  private static func place(of path: String, _ owners: Set<uid_t>) throws(OutputFileError) -> WritingPlace {
    do { return try WritingPlace(path, followingLinksOf: owners) } catch {
      switch error {
      case .system(let cause): throw .cannotCreate(path, cause)
      case .foreignLink: throw .symbolicLink(path)
      }
    }
  }

  private static func create(
    _ name: String, at place: WritingPlace, _ path: String, _ caller: InvokingUser?, mode: mode_t?
  ) throws(OutputFileError) -> OpenFile {
    let old = place.status
    do throws(Errno) {
      if let old, FileType(old) == .directory { throw Errno(code: EISDIR) }
      let file = try OpenFile(
        name, in: place.directory, flags: O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, mode: 0o600)
      // By descriptor: whatever the name leads to meanwhile keeps its owner.
      if let caller { _ = fchown(file.descriptor, caller.userID, caller.groupID) }
      if let mode {
        _ = fchmod(file.descriptor, mode)
      } else if let old, old.st_uid == caller?.userID ?? geteuid() {
        _ = fchmod(file.descriptor, old.st_mode & 0o666)
      }
      return file
    } catch {
      throw .cannotCreate(path, error)
    }
  }

  /// Opens what is no regular file; nil where there is nothing, or something to be replaced.
  private static func openDevice(
    at place: WritingPlace, _ path: String, _ owners: Set<uid_t>
  ) throws(OutputFileError) -> OpenFile? {
    guard let own = place.status else { return nil }
    let isLink = FileType(own) == .symbolicLink
    // A link that somebody else laid could lead to any file of the user's, or of root's.
    if isLink && !owners.contains(own.st_uid) { throw .symbolicLink(path) }
    var target = stat()
    let leadsSomewhere = unsafe fstatat(place.directory.descriptor, place.name, &target, 0) == 0
    guard leadsSomewhere, ![.regular, .directory].contains(FileType(target)) else {
      if isLink { throw .symbolicLink(path) }
      return nil
    }
    do throws(OpenRefusal) {
      return try OpenFile.examined(place.name, in: place.directory, types: [.pipe, .device], flags: O_WRONLY) {
        FileType($0) == .pipe ? owners.contains($0.st_uid) : isHarmless($0, owners)
      }
    } catch {
      switch error {
      case .system(let cause): throw .cannotOpen(path, cause)
      case .type, .madeUp: throw .device(path)
      case .status: throw FileType(target) == .pipe ? .foreign(path) : .device(path)
      }
    }
  }

  /// Whether a device is a memory device that takes everything, or a terminal of the user's: to open others may start
  /// something, and to write them destroys what they hold.
  private static func isHarmless(_ status: stat, _ owners: Set<uid_t>) -> Bool {
    guard status.st_mode & S_IFMT == S_IFCHR else { return false }
    // Documentation/admin-guide/devices.txt: null, zero, full; tty.
    let (memory, terminal, pseudoTerminals) = (UInt32(1), UInt32(5), UInt32(136)...143)
    switch (major(status.st_rdev), minor(status.st_rdev)) {
    case (memory, 3), (memory, 5), (memory, 7), (terminal, 0): return true
    case (pseudoTerminals, _) where owners.contains(status.st_uid): return true
    default:
      return [STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO].contains { stream in
        var own = stat()
        guard isatty(stream) == 1, unsafe fstat(stream, &own) == 0 else { return false }
        return own.st_rdev == status.st_rdev
      }
    }
  }

  private static func major(_ device: dev_t) -> UInt32 { UInt32(MemoryMapping.device(UInt64(device)) >> 32) }
  private static func minor(_ device: dev_t) -> UInt32 {
    UInt32(truncatingIfNeeded: MemoryMapping.device(UInt64(device)))
  }
}
