import CElfutils
import ELF
import Glibc
import LinuxSystem

/// The small symbol table that some distributions leave in stripped files: an xz-compressed ELF file in the section
/// `.gnu_debugdata` (the GDB manual, "MiniDebugInfo").
enum MiniDebugInfo {
  private static let maximumCompressedSize = 16 << 20
  /// A table of a million symbols; the largest seen in distributions have a tenth of that.
  private static let maximumSize: UInt64 = 64 << 20

  /// Unpacks the section; libdw does the decompression.
  static func unpack(_ section: ELFFile.Section, of file: ELFFile) throws(ELFError) -> ELFFile {
    let compressed = try file.source.bytes(
      at: section.fileOffset, count: section.size, of: .miniDebugInfo, limit: maximumCompressedSize)
    // libdw unpacks whatever comes out, so the size is found first.
    guard let size = XZStream.unpackedSize(of: compressed) else { throw ELFError.malformed(.miniDebugInfo) }
    guard size <= maximumSize else { throw ELFError.tooLarge(.miniDebugInfo) }
    return try ELFFile(.memory(try decompress(compressed)))
  }

  private static func decompress(_ compressed: [UInt8]) throws(ELFError) -> [UInt8] {
    let file: OpenFile
    do {
      file = try .inMemory("mini-debug-info")
      try file.append(compressed)
    } catch { throw ELFError.unreadable(error) }
    // libelf does nothing before it has been told the version (elf_version(3)).
    guard elf_version(UInt32(EV_CURRENT)) != 0 else { throw ELFError.malformed(.miniDebugInfo) }
    // Unlike elf_begin, this sees through compression (elfutils/libdwelf.h).
    guard let elf = unsafe dwelf_elf_begin(file.descriptor) else { throw ELFError.malformed(.miniDebugInfo) }
    defer { unsafe _ = elf_end(elf) }
    var size = 0
    guard let image = unsafe elf_rawfile(elf, &size) else { throw ELFError.malformed(.miniDebugInfo) }
    return unsafe Array(UnsafeRawBufferPointer(start: image, count: size))
  }
}
