import Glibc
package import LinuxSystem
import ProfileModel

/// Finds the libraries that a program will load, as the dynamic linker does (ld.so(8)).
package struct LibrarySearch {
  /// A file of a program: its own, or a library.
  package struct Found {
    package let path: String
    package let file: OpenFile
    package let dynamic: DynamicSection
  }

  /// Where the paths of the program begin.
  private enum Root {
    /// Where those of this process do.
    case own
    case directory(OpenFile)
    /// The program is gone, or may not be looked into.
    case none
  }

  private let root: Root
  /// `LD_LIBRARY_PATH` of the program's environment.
  private let libraryPath: [String]
  private let cache: LibraryCache
  /// What each file is asked for.
  private let names: [String]
  /// Files of odd programs may be many and large: what is found later is left out.
  private let deadline: MonotonicTime

  private static let defaultPath = [
    "/lib/x86_64-linux-gnu", "/usr/lib/x86_64-linux-gnu", "/lib64", "/usr/lib64", "/lib", "/usr/lib",
  ]
  private static let maximumLibraries = 512
  private static let maximumCacheSize = 16 << 20
  private static let maximumPaths = 64

  /// - Parameters:
  ///   - root: what leads to the files of the program's mount namespace: empty, or `/proc/PID/root`.
  ///   - names: functions that files are asked for.
  ///   - limit: how long to look, in ns.
  package init(root: String, libraryPath: String?, names: [String], limit: UInt64 = 200_000_000) {
    let directory = root.isEmpty ? nil : try? OpenFile(root, flags: OpenFile.pathOnly | O_DIRECTORY)
    self.root = root.isEmpty ? .own : directory.map { .directory($0) } ?? .none
    self.names = names
    deadline = Clock.monotonic + limit
    self.libraryPath = libraryPath?.split { $0 == ":" || $0 == ";" }.prefix(Self.maximumPaths).map(String.init) ?? []
    let bytes = Self.open("/etc/ld.so.cache", in: self.root).flatMap { try? $0.read(limit: Self.maximumCacheSize) }
    cache = LibraryCache(bytes ?? [])
  }

  /// A program and all the libraries that it and those name; empty where it is linked statically or is no ELF file.
  ///
  /// - Parameter path: of the program, as its own mount namespace has it.
  package func files(of program: OpenFile, path: String) -> [Found] {
    guard let own = found(program, path) else { return [] }
    var files = [own]
    var known: Set<String> = []
    var next = 0
    while next < files.count, Clock.monotonic < deadline {
      let user = files[next]
      next += 1
      for name in user.dynamic.needed
      where known.insert(name).inserted && files.count < Self.maximumLibraries && Clock.monotonic < deadline {
        if let library = library(name, user: user, program: own) { files.append(library) }
      }
    }
    return files
  }

  /// The libraries that any program may load by a name that fulfills a condition.
  package func libraries(where isWanted: (String) -> Bool) -> [OpenFile] {
    cache.paths(where: isWanted).compactMap { Self.open($0, in: root) }
  }

  private func library(_ name: String, user: Found, program: Found) -> Found? {
    if name.utf8.contains(UInt8(ascii: "/")) { return open(name) }
    let first = user.dynamic.searchPath.map { Self.expand($0, origin: Self.directory(of: user.path)) }
    let ofProgram = program.dynamic.searchPath.map { Self.expand($0, origin: Self.directory(of: program.path)) }
    for directory in first + ofProgram + libraryPath
    where directory.utf8.first == UInt8(ascii: "/") && Clock.monotonic < deadline {
      if let found = open("\(directory)/\(name)") { return found }
    }
    if let path = cache[name], let found = open(path) { return found }
    for directory in Self.defaultPath {
      if let found = open("\(directory)/\(name)") { return found }
    }
    return nil
  }

  private func open(_ path: String) -> Found? { Self.open(path, in: root).flatMap { found($0, path) } }

  private func found(_ file: OpenFile, _ path: String) -> Found? {
    guard let source = try? ByteSource(file), let elf = try? ELFFile(source), elf.isX86With64Bits,
      let dynamic = try? DynamicSection(elf, lookingFor: names)
    else { return nil }
    return Found(path: path, file: file, dynamic: dynamic)
  }

  /// Opens a regular file; others may block. No link of the program's leads out of its root directory.
  private static func open(_ path: String, in root: Root) -> OpenFile? {
    switch root {
    case .own: try? OpenFile.examined(path, isStored: true)
    case .directory(let directory): try? OpenFile.examined(path, in: directory, isRoot: true, isStored: true)
    case .none: nil
    }
  }

  private static func directory(of path: String) -> String {
    path.utf8.lastIndex(of: UInt8(ascii: "/")).map { String(path[..<$0]) } ?? "."
  }

  private static func expand(_ path: String, origin: String) -> String {
    // One is enough for any path that leads somewhere.
    path.replacing("$ORIGIN", with: origin, maxReplacements: 1)
      .replacing("${ORIGIN}", with: origin, maxReplacements: 1)
  }
}
