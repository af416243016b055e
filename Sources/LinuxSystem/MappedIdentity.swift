package import Glibc

/// How surely an open file is the one that a mapping shows.
package enum MappedIdentity: Sendable {
  /// It has the device and the inode of the mapping.
  case exact
  /// It lies in a file system that is laid over others, and has the inode of the mapping: some kernels tell the device of
  /// the file beneath. Others may have such a file too.
  case layered
}

extension OpenFile {
  /// Whether a mapping is one of this file; nil where it is not.
  ///
  /// - Parameter status: the file's.
  package func identity(in mapping: MemoryMapping, _ status: stat) -> MappedIdentity? {
    if MemoryMapping.device(UInt64(status.st_dev)) == mapping.device, UInt64(status.st_ino) == mapping.inode {
      return .exact
    }
    if let shown = shownIdentity, shown.device == mapping.device, shown.inode == mapping.inode { return .exact }
    return isLayered && UInt64(status.st_ino) << Self.layerBits == mapping.inode << Self.layerBits ? .layered : nil
  }

  /// The device (`major << 32 | minor`) and the inode that the kernel shows for mappings of the file.
  ///
  /// They are those of fstat(2) but on file systems that make their own numbers up, such as overlayfs and btrfs: there
  /// only a mapping tells. Nil for a file that cannot be mapped.
  private var shownIdentity: (device: UInt64, inode: UInt64)? {
    let size = Host.pageSize
    guard let place = unsafe mmap(nil, size, PROT_NONE, MAP_PRIVATE, descriptor, 0), unsafe place != MAP_FAILED else {
      return nil
    }
    defer { unsafe _ = munmap(place, size) }
    guard let maps = try? OpenFile.contents(of: "/proc/self/maps") else { return nil }
    let start = UInt64(UInt(bitPattern: place))
    for line in maps.split(separator: UInt8(ascii: "\n")) {
      if let shown = MemoryMapping.file(ofLine: line), shown.start == start { return (shown.device, shown.inode) }
    }
    return nil
  }

  /// `OVERLAYFS_SUPER_MAGIC` (include/uapi/linux/magic.h).
  private static let overlay = 0x794C_7630
  /// overlayfs may put the number of a layer there (Documentation/filesystems/overlayfs.rst, "Inode properties").
  private static let layerBits: UInt64 = 8

  private var isLayered: Bool { fileSystemType == Self.overlay }
}

extension MemoryMapping {
  /// The device number of a file as mappings show it, `major << 32 | minor`; the bits of each are in two places
  /// (makedev(3)).
  package static func device(_ number: UInt64) -> UInt64 {
    let major = number >> 8 & 0xFFF | number >> 32 & 0xFFFF_F000
    let minor = number & 0xFF | number >> 12 & 0xFFFF_FF00
    return major << 32 | minor
  }
}
