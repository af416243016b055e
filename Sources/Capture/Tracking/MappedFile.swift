import ELF
import Glibc
import LinuxSystem
import ProfileModel

/// The file that a process has mapped.
struct MappedFile {
  let file: OpenFile
  let identity: MappedIdentity

  /// Opens the file of a mapping: by the mapping itself, which is right for deleted files and other mount namespaces;
  /// by its path under the process's root; by its path here, when the process is gone.
  ///
  /// By now the process may have mapped another file at the place, or put another one at the path: each is believed only
  /// when it is the file that was mapped.
  static func open(_ mapping: MemoryMapping, of process: ProcessID) -> MappedFile? {
    let root = TargetRoot.open(of: process)
    if let mapped = open(mapping, in: "/proc/\(process)", root) { return mapped }
    if let thread = ProcessTable.survivor(of: process), let mapped = open(mapping, in: "/proc/\(thread)", root) {
      return mapped
    }
    return mapping.path.beginsWithBytes(of: "/") ? open(mapping.path, mapping, root) : nil
  }

  /// Opens the memfd of a mapping if it is a program or a library; just-in-time compilers have their code in memfds too.
  static func openProgram(_ mapping: MemoryMapping, of process: ProcessID) -> MappedFile? {
    guard let mapped = open(mapping, in: ProcessTable.directory(of: process), TargetRoot.open(of: process)),
      let bytes = try? ByteSource(mapped.file), let elf = try? ELFFile(bytes),
      elf.loads.contains(where: { $0.isMapped(at: mapping.fileOffset) })
    else { return nil }
    return mapped
  }

  /// - Parameter directory: of /proc.
  private static func open(_ mapping: MemoryMapping, in directory: String, _ root: TargetRoot) -> MappedFile? {
    let range = String(mapping.start, radix: 16) + "-" + String(mapping.end, radix: 16)
    if let mapped = open("\(directory)/map_files/\(range)", mapping, root) { return mapped }
    return mapping.path.beginsWithBytes(of: "/") ? open("\(directory)/root\(mapping.path)", mapping, root) : nil
  }

  private static let maximumImageSize: UInt64 = 1 << 20

  /// The bytes of a small mapping; nil where they cannot be read.
  static func image(of mapping: MemoryMapping, in process: ProcessID) -> [UInt8]? {
    let size = mapping.end - mapping.start
    guard size <= maximumImageSize, let start = Int(exactly: mapping.start),
      let bytes = try? OpenFile("/proc/\(process)/mem").read(from: start, limit: Int(size)), bytes.count == Int(size)
    else { return nil }
    return bytes
  }

  private static func open(_ path: String, _ mapping: MemoryMapping, _ root: TargetRoot) -> MappedFile? {
    guard let file = try? OpenFile.examined(path, isStored: true), let status = try? file.status(),
      let identity = file.identity(in: mapping, status), let noted = try? file.withSnapshot(root: root)
    else { return nil }
    return MappedFile(file: noted, identity: identity)
  }
}
