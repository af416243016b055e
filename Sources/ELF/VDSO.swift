import LinuxSystem

/// The code that the kernel maps into every process (vdso(7)).
package enum VDSO {
  private static let maximumSize: UInt64 = 1 << 20

  /// A copy of this process's image; nil where there is none.
  package static var image: [UInt8]? {
    let maps = try? OpenFile.contents(of: "/proc/self/maps")
    let mapping = MemoryMapping.executable(inMaps: maps ?? []).first { $0.path == "[vdso]" }
    guard let mapping, mapping.end - mapping.start <= maximumSize,
      let start = unsafe UnsafeRawPointer(bitPattern: UInt(mapping.start))
    else { return nil }
    return unsafe Array(UnsafeRawBufferPointer(start: start, count: Int(mapping.end - mapping.start)))
  }
}
