import Glibc

/// The package database of Debian and its kin (dpkg(1)); nothing on other systems.
package struct DebianPackage {
  private let directory: String
  private static let maximumListSize = 16 << 20

  package init(directory: String = "/var/lib/dpkg/info") { self.directory = directory }

  /// The packages that installed files, by path; files of no package are missing.
  ///
  /// - Complexity: one pass over the file lists of all packages.
  package func owners(of paths: [String]) -> [String: String] {
    // A file of /usr/lib may be listed under /lib, which today is the same directory.
    var wanted: [[UInt8]: String] = [:]
    for path in paths {
      wanted[Array(path.utf8)] = path
      if path.hasPrefix("/usr/") { wanted[Array(path.dropFirst(4).utf8)] = path }
    }
    var owners: [String: String] = [:]
    for list in lists() {
      guard let text = try? OpenFile.contents(of: "\(directory)/\(list)", limit: Self.maximumListSize) else { continue }
      for line in text.split(separator: UInt8(ascii: "\n")) {
        guard let path = wanted[Array(line)] else { continue }
        // libc6:amd64.list
        owners[path] = String(list.dropLast(5).prefix { $0 != ":" })
      }
    }
    return owners
  }

  /// The package with the debug information of another one, by Debian's rule of names.
  package static func debugPackage(of package: String) -> String {
    // The C library's is older than the rule.
    package == "libc6" ? "libc6-dbg" : "\(package)-dbgsym"
  }

  private func lists() -> [String] {
    guard let stream = unsafe opendir(directory) else { return [] }
    defer { unsafe closedir(stream) }
    var names: [String] = []
    while let entry = unsafe readdir(stream) {
      let name = unsafe withUnsafeBytes(of: entry.pointee.d_name) { bytes in
        unsafe String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
      }
      if name.hasSuffix(".list") { names.append(name) }
    }
    return names.sorted()
  }
}
