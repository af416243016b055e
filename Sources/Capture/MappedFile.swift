import Glibc
import LinuxSystem
import ProfileModel

/// Opens what a process has mapped, wherever the process can be looked into.
enum MappedFile {
  /// Opens the file of a mapping: by the mapping itself, which is right for deleted files and other mount namespaces;
  /// by its path under the process's root; by its path here, when the process is gone. A path is believed only when it
  /// leads to the inode that was mapped.
  static func open(_ mapping: MemoryMapping, of process: ProcessID) -> OpenFile? {
    let range = String(mapping.start, radix: 16) + "-" + String(mapping.end, radix: 16)
    if let file = try? OpenFile("/proc/\(process)/map_files/\(range)") { return file }
    for path in ["/proc/\(process)/root\(mapping.path)", mapping.path] where mapping.path.hasPrefix("/") {
      guard let file = try? OpenFile(path, flags: O_RDONLY | O_NONBLOCK), let status = try? file.status(),
        status.st_ino == mapping.inode, status.st_mode & S_IFMT == S_IFREG
      else { continue }
      return file
    }
    return nil
  }
}
