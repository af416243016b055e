import Glibc

@_silgen_name("swift_demangle") private func demangleSwift(
  _ name: UnsafePointer<CChar>?, _ length: Int, _ buffer: UnsafeMutablePointer<CChar>?,
  _ size: UnsafeMutablePointer<Int>?, _ flags: UInt32
) -> UnsafeMutablePointer<CChar>?

/// From the names of linkers to those of people: C++, Rust and Swift. Other names, and what no rule reads, stay.
struct Demangler {
  private var cache: [String: String] = [:]

  /// Longer results are cut; a name of this length fills a screen.
  static let maximumLength = 4_096
  /// Longer names are not read: the work of the runtimes' demanglers is not bounded by the length of their input.
  private static let maximumMangledLength = 4_096

  /// The readable form of a symbol's name; never empty unless `name` is.
  mutating func demangle(_ name: String) -> String {
    // Plain C names are most, and need no memory.
    guard name.utf8.first == UInt8(ascii: "_") || name.utf8.first == UInt8(ascii: "$") else {
      return Self.cut(name)
    }
    if let known = cache[name] { return known }
    let result = Self.cut(Self.translate(name) ?? name)
    cache[name] = result
    return result
  }

  private static func translate(_ name: String) -> String? {
    guard name.utf8.count <= maximumMangledLength else { return nil }
    if name.hasPrefix("_Z") { return RustLegacyName.demangle(name) ?? cxx(name) }
    if name.hasPrefix("_R") { return RustName.demangle(name) }
    if ["$s", "$S", "$e", "_$s", "_$S", "_$e", "_T0"].contains(where: name.hasPrefix) { return swift(name) }
    return nil
  }

  private typealias ItaniumDemangler =
    @convention(c) (
      UnsafePointer<CChar>, UnsafeMutablePointer<CChar>?, UnsafeMutablePointer<Int>?, UnsafeMutablePointer<Int32>?
    ) -> UnsafeMutablePointer<CChar>?

  /// C++ by the compiler's runtime (Itanium C++ ABI, "Demangler API").
  ///
  /// libstdc++ is in every Swift process, but the linker does not take symbols from libraries of libraries.
  private static let itanium = unsafe dlsym(nil, "__cxa_demangle").map {
    unsafe unsafeBitCast($0, to: ItaniumDemangler.self)
  }

  private static func cxx(_ name: String) -> String? {
    var status: Int32 = 0
    guard let text = unsafe itanium?(name, nil, nil, &status) else { return nil }
    return unsafe take(text)
  }

  private static func swift(_ name: String) -> String? {
    guard let text = unsafe demangleSwift(name, name.utf8.count, nil, nil, 0) else { return nil }
    return unsafe take(text)
  }

  /// Copies a string of the C heap and frees it.
  private static func take(_ text: UnsafeMutablePointer<CChar>) -> String? {
    defer { unsafe free(text) }
    let length = unsafe strnlen(text, maximumLength + 1)
    let bytes = unsafe UnsafeRawBufferPointer(start: text, count: length)
    let result = unsafe String(decoding: bytes, as: UTF8.self)
    return result.isEmpty ? nil : result
  }

  private static func cut(_ name: String) -> String {
    guard name.utf8.count > maximumLength else { return name }
    return String(decoding: name.utf8.prefix(maximumLength), as: UTF8.self) + "…"
  }
}
