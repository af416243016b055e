import LinuxSystem
import ProfileModel

/// From the names of linkers to those of people: C++, Rust, Swift and D. Other names, and what no rule reads, stay.
struct Demangler {
  private var cache: [String: String] = [:]
  private let runtimes = DemanglerProcess()
  private let budget: NamingBudget
  /// Time that runtimes may still take for names.
  private var left: UInt64
  /// Why names stay as the linker has them, until it is taken.
  private var problem: String?
  private var hasGivenUp = false

  /// Longer results are cut; a name of this length fills a screen.
  static let maximumLength = 4_096
  /// Longer names are not read.
  private static let maximumMangledLength = 4_096

  init(_ budget: NamingBudget = NamingBudget(), nanoseconds: UInt64 = NamingBudget.demanglingNanoseconds) {
    self.budget = budget
    left = nanoseconds
  }

  /// What has been given up since the last call: a predicate whose subject is the file whose names came last.
  mutating func takeProblem() -> String? {
    defer { problem = nil }
    return problem
  }

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

  private mutating func translate(_ name: String) -> String? {
    guard name.utf8.count <= Self.maximumMangledLength else { return nil }
    if name.hasPrefix("_Z") { return RustLegacyName.demangle(name) ?? ask(name, .cxx) }
    if name.hasPrefix("_R") { return RustName.demangle(name) }
    if name.hasPrefix("_D") { return DName.demangle(name) }
    if ["$s", "$S", "$e", "_$s", "_$S", "_$e", "_T0"].contains(where: name.hasPrefix) {
      return ask(name, .swift)
    }
    return nil
  }

  /// Asks the runtimes, as long as there is time: a name may take a third of a second, and a file has many.
  private mutating func ask(_ name: String, _ mangling: DemanglerProcess.Mangling) -> String? {
    guard !hasGivenUp else { return nil }
    guard left > 0, !budget.isInterrupted else {
      hasGivenUp = true
      problem =
        left > 0
        ? "naming was ended early; its names, and those of files after it, stay as the linker has them"
        : "demangling names took too long; its names, and those of files after it, stay as the linker has them"
      return nil
    }
    let start = Clock.monotonic
    defer { left -= min(left, Clock.monotonic.nanoseconds(since: start)) }
    return runtimes.demangle(name, mangling)
  }

  private static func cut(_ name: String) -> String {
    guard name.utf8.count > maximumLength else { return name }
    return String(decoding: name.utf8.prefix(maximumLength), as: UTF8.self) + "…"
  }
}
