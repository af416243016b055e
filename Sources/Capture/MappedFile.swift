import ELF
import Glibc
import LinuxSystem
import ProfileModel

/// Opens what a process has mapped, wherever the process can be looked into.
enum MappedFile {
  /// Opens the file of a mapping: by the mapping itself, which is right for deleted files and other mount namespaces;
  /// by its path under the process's root; by its path here, when the process is gone. A path is believed only when it
  /// leads to the inode that was mapped.
  static func open(_ mapping: MemoryMapping, of process: ProcessID) -> OpenFile? {
    if let file = open(mapping, in: "/proc/\(process)") { return file }
    if let thread = ProcessTable.survivor(of: process), let file = open(mapping, in: "/proc/\(thread)") { return file }
    return mapping.path.hasPrefix("/") ? open(mapping, at: mapping.path) : nil
  }

  /// Opens the memfd of a mapping if it is a program or a library; just-in-time compilers have their code in memfds too.
  static func openProgram(_ mapping: MemoryMapping, of process: ProcessID) -> OpenFile? {
    guard let file = open(mapping, in: ProcessTable.directory(of: process)), let bytes = try? ByteSource(file),
      let elf = try? ELFFile(bytes), elf.loads.contains(where: { $0.isMapped(at: mapping.fileOffset) })
    else { return nil }
    return file
  }

  /// - Parameter directory: of /proc.
  private static func open(_ mapping: MemoryMapping, in directory: String) -> OpenFile? {
    let range = String(mapping.start, radix: 16) + "-" + String(mapping.end, radix: 16)
    if let file = try? OpenFile.examined("\(directory)/map_files/\(range)") { return file }
    return mapping.path.hasPrefix("/") ? open(mapping, at: "\(directory)/root\(mapping.path)") : nil
  }

  private static func open(_ mapping: MemoryMapping, at path: String) -> OpenFile? {
    try? OpenFile.examined(path, accepts: { $0.st_ino == mapping.inode })
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
}
