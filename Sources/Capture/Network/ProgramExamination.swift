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

/// What the files of a program tell of its encryption before it runs.
struct ProgramExamination {
  /// OpenSSL's libraries that it will load.
  var libraries: [OpenFile] = []
  /// Those that any program may load, where it may load more.
  var candidates: [OpenFile] = []
  /// Which of `TLSLibraries.functions` its files call.
  var functions: Set<String> = []
  /// What else encrypts in it.
  var others: Set<TLSImplementation> = []
  /// Whether it may load libraries later, or run other programs.
  var mayLoadMore = false
  /// Whether it may start processes.
  var mayStartProcesses = false

  /// What a program calls to start a process, or to become another program.
  private static let starters = [
    "execve", "execv", "execvp", "execl", "execlp", "posix_spawn", "posix_spawnp", "system", "popen", "fork", "vfork",
  ]

  /// - Parameters:
  ///   - program: what is executed.
  ///   - path: of it, as its own mount namespace has it.
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

  /// Whether a library is one of those that have `dlopen` for others.
  private static func isOfCLibrary(_ path: String) -> Bool {
    ["libc.so", "libdl.so", "ld-", "libpthread.so", "libc.musl", "libselinux.so"].contains {
      path.split(separator: "/").last?.hasPrefix($0) ?? false
    }
  }

  static func search(root: String, libraryPath: String?) -> LibrarySearch {
    LibrarySearch(
      root: root, libraryPath: libraryPath, names: TLSLibraries.functions.map(\.name) + starters + ["dlopen"])
  }
}
