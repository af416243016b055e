import ELF
import Glibc
import LinuxSystem
import ProfileModel

/// The identity of a file, whatever its paths.
struct FileIdentity: Hashable {
  let device: UInt64
  let inode: UInt64

  init(_ status: stat) {
    device = UInt64(status.st_dev)
    inode = UInt64(status.st_ino)
  }
}

/// The encryption of a program, by its files, before it runs.
struct ProgramExamination {
  /// OpenSSL's libraries that it will load.
  var libraries: [OpenFile] = []
  /// OpenSSL's libraries on the system, if the program may load libraries later.
  var candidates: [OpenFile] = []
  /// Which of `TLSLibraries.functions` its files call.
  var functions: Set<String> = []
  /// Other TLS implementations in it.
  var others: Set<TLSImplementation> = []
  /// Whether it may load libraries later, or run other programs.
  var mayLoadMore = false
  /// Whether it may start processes.
  var mayStartProcesses = false

  /// The functions that start a process, or execute another program.
  private static let starters = [
    "execve", "execv", "execvp", "execl", "execlp", "posix_spawn", "posix_spawnp", "system", "popen", "fork", "vfork",
  ]

  /// - Parameters:
  ///   - program: the executable.
  ///   - path: its path in its own mount namespace.
  init(_ program: OpenFile, at path: String, _ search: LibrarySearch) {
    let files = search.files(of: program, path: path)
    // A script, or a file that is linked statically.
    guard let own = files.first else {
      mayLoadMore = true
      mayStartProcesses = true
      return
    }
    mayStartProcesses = Self.starters.contains(where: own.dynamic.mentioned.contains)
    mayLoadMore =
      mayStartProcesses || own.dynamic.mentioned.contains("dlopen")
      || files.dropFirst().contains { $0.dynamic.mentioned.contains("dlopen") && !Self.isOfCLibrary($0.path) }
    for file in files.dropFirst() {
      switch TLSImplementation(library: file.path) {
      case .openSSL: libraries.append(file.file)
      case let other?: others.insert(other)
      case nil: break
      }
    }
    for file in files where TLSImplementation(library: file.path) != .openSSL {
      functions.formUnion(file.dynamic.mentioned.intersection(TLSLibraries.functions.map(\.name)))
    }
  }

  /// Whether a library provides `dlopen`.
  private static func isOfCLibrary(_ path: String) -> Bool {
    ["libc.so", "libdl.so", "ld-", "libpthread.so", "libc.musl", "libselinux.so"].contains {
      path.lastPathComponent.beginsWithBytes(of: $0)
    }
  }

  static func search(root: String, libraryPath: String?) -> LibrarySearch {
    LibrarySearch(
      root: root, libraryPath: libraryPath, names: TLSLibraries.functions.map(\.name) + starters + ["dlopen"])
  }
}
