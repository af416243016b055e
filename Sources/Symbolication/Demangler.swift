import LinuxSystem

/// From the names of linkers to those of people: C++, Rust and Swift. Other names, and what no rule reads, stay.
struct Demangler {
  private var cache: [String: String] = [:]
  private let runtimes = DemanglerProcess()

  /// Longer results are cut; a name of this length fills a screen.
  static let maximumLength = 4_096
  /// Longer names are not read.
  private static let maximumMangledLength = 4_096

  /// The readable form of a symbol's name; never empty unless `name` is.
  mutating func demangle(_ name: String) -> String {
    // Plain C names are most, and need no memory.
    guard name.utf8.first == UInt8(ascii: "_") || name.utf8.first == UInt8(ascii: "$") else {
      return Self.cut(name)
    }
    if let known = cache[name] { return known }
    let result = Self.cut(translate(name) ?? name)
    cache[name] = result
    return result
  }

  private func translate(_ name: String) -> String? {
    guard name.utf8.count <= Self.maximumMangledLength else { return nil }
    if name.hasPrefix("_Z") { return RustLegacyName.demangle(name) ?? runtimes.demangle(name, .cxx) }
    if name.hasPrefix("_R") { return RustName.demangle(name) }
    if ["$s", "$S", "$e", "_$s", "_$S", "_$e", "_T0"].contains(where: name.hasPrefix) {
      return runtimes.demangle(name, .swift)
    }
    return nil
  }

  private static func cut(_ name: String) -> String {
    guard name.utf8.count > maximumLength else { return name }
    return String(decoding: name.utf8.prefix(maximumLength), as: UTF8.self) + "…"
  }
}
