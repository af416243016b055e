import ProfileModel

/// A module's name without what differs from run to run and from build to build.
enum ModuleName {
  /// The name without its folder; the code of just-in-time compilers is one module, whatever file it was written to.
  static func of(_ module: Module) -> String {
    var name = module.name
    let deleted = " (deleted)"
    if name.hasSuffix(deleted) { name = name.dropLast(deleted.count) }
    if module.path.hasPrefix("[kernel.kallsyms]") { return "[kernel]" }
    if isPerfMap(name) || isJitDump(name) { return "[jit]" }
    return String(name)
  }

  /// The name without the hash that build tools put behind it, as `bench-0123456789abcdef`, and without the version
  /// behind `.so`.
  static func stem(_ name: String) -> String {
    var text = name[...]
    var ending = ""
    if let range = text.firstRange(of: ".so") {
      text = text[..<range.lowerBound]
      ending = ".so"
    }
    guard let dash = text.lastIndex(where: { $0 == "-" || $0 == "." || $0 == "_" }), dash > text.startIndex else {
      return String(text) + ending
    }
    let hash = text[text.index(after: dash)...]
    let isHash = hash.count >= 6 && hash.allSatisfy(\.isHexDigit) && hash.contains(where: \.isNumber)
    return String(isHash ? text[..<dash] : text) + ending
  }

  /// `perf-4711.map`, by the number of a process.
  private static func isPerfMap(_ name: Substring) -> Bool {
    name.hasPrefix("perf-") && name.hasSuffix(".map") && name.dropFirst(5).dropLast(4).allSatisfy(\.isNumber)
  }

  /// `jitted-4711-12.so`, as `perf inject --jit` writes one for each function.
  private static func isJitDump(_ name: Substring) -> Bool {
    name.hasPrefix("jitted-") && name.hasSuffix(".so")
      && name.dropFirst(7).dropLast(3).allSatisfy { $0.isNumber || $0 == "-" }
  }
}
