/// Where the dynamic linker finds libraries by their names: `/etc/ld.so.cache` in glibc's form of 2.2 and later
/// (glibc, sysdeps/generic/dl-cache.h). Every number of it may be a lie.
package struct LibraryCache {
  private var paths: [String: String] = [:]

  private static let magic = Array("glibc-ld.so.cache1.1".utf8)
  private static let oldMagic = Array("ld.so-1.7.0".utf8)
  private static let headerSize = 48
  private static let entrySize = 24
  private static let maximumEntries = 1 << 15
  private static let maximumText = 4096
  /// The bits of an entry's flags that tell the machine, and those of x86-64.
  private static let machineMask: UInt32 = 0xFF00
  private static let x86: UInt32 = 0x0300

  package init(_ bytes: [UInt8]) {
    guard let start = Self.start(of: bytes), bytes.count - start >= Self.headerSize else { return }
    let count = Int(bytes.integer(at: start + 20, as: UInt32.self))
    for index in 0..<min(count, Self.maximumEntries) {
      let entry = start + Self.headerSize + index * Self.entrySize
      guard entry + Self.entrySize <= bytes.count else { return }
      guard bytes.integer(at: entry, as: UInt32.self) & Self.machineMask == Self.x86 else { continue }
      let name = Self.text(bytes, at: start + Int(bytes.integer(at: entry + 4, as: UInt32.self)))
      let path = Self.text(bytes, at: start + Int(bytes.integer(at: entry + 8, as: UInt32.self)))
      // The first of a name is the best.
      if !name.isEmpty, path.hasPrefix("/"), paths[name] == nil { paths[name] = path }
    }
  }

  /// The path of a library by its name.
  package subscript(_ name: String) -> String? { paths[name] }

  /// The paths of the libraries whose names fulfill a condition, in order.
  package func paths(where isWanted: (String) -> Bool) -> [String] {
    paths.filter { isWanted($0.key) }.map(\.value).sorted()
  }

  /// A file may begin with the older form, behind which the newer one is aligned to 8 bytes.
  private static func start(of bytes: [UInt8]) -> Int? {
    if bytes.starts(with: magic) { return 0 }
    guard bytes.starts(with: oldMagic), bytes.count >= 16 else { return nil }
    let entries = Int(bytes.integer(at: 12, as: UInt32.self))
    guard entries <= maximumEntries else { return nil }
    let end = (16 + entries * 12 + 7) & ~7
    return end < bytes.count && bytes[end...].starts(with: magic) ? end : nil
  }

  private static func text(_ bytes: [UInt8], at place: Int) -> String {
    String(decoding: bytes[min(place, bytes.count)...].prefix(maximumText).prefix { $0 != 0 }, as: UTF8.self)
  }
}
