import LinuxSystem
import ProfileModel

/// From the names of linkers to those of people: C++, Rust, Swift and D. Other names, and what no rule reads, stay.
struct Demangler {
  private var cache: [String: String] = [:]
  private let runtimes = DemanglerProcess()
  private let budget: NamingBudget
  /// Time that runtimes may take for the names of one file, in ns.
  private let fileLimit: UInt64
  /// Time that they may still take for the file whose names come now.
  private var fileLeft: UInt64
  /// Whose file it is; nil where that is not known.
  private var owner: UInt32?
  /// Time that they have taken for the files of each owner.
  private var spent: [UInt32?: UInt64] = [:]
  /// Why names stay as the linker has them, until it is taken.
  private var problem: String?
  private var hasGivenUp = false

  /// Longer results are cut; a name of this length fills a screen.
  static let maximumLength = 4_096
  /// Longer names are not read.
  private static let maximumMangledLength = 4_096

  init(_ budget: NamingBudget = NamingBudget(), nanoseconds: UInt64 = NamingBudget.fileDemanglingNanoseconds) {
    self.budget = budget
    fileLimit = nanoseconds
    fileLeft = nanoseconds
  }

  /// Begins with the names of another file: what one user's files take is not taken from those of others.
  mutating func begin(owner: UInt32?) {
    self.owner = owner
    fileLeft = fileLimit
    hasGivenUp = false
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
    // What was given up for one file is tried for the next.
    if !hasGivenUp { cache[name] = result }
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
    let left = timeLeft
    guard left > 0, !budget.isInterrupted else {
      hasGivenUp = true
      problem =
        left > 0
        ? "naming was ended early; its names stay as the linker has them"
        : "demangling its names took too long; the others stay as the linker has them"
      return nil
    }
    let start = Clock.monotonic
    defer {
      let time = Clock.monotonic.nanoseconds(since: start)
      fileLeft -= min(fileLeft, time)
      spent[owner, default: 0] += time
    }
    return runtimes.demangle(name, mangling)
  }

  /// Root's files share nothing with those of others.
  private var timeLeft: UInt64 {
    let own = spent[owner] ?? 0
    let ownLeft = NamingBudget.demanglingNanoseconds - min(NamingBudget.demanglingNanoseconds, own)
    guard owner != 0 else { return min(fileLeft, ownLeft) }
    let all = spent.reduce(0) { $0 + ($1.key == 0 ? 0 : $1.value) }
    return min(
      fileLeft, ownLeft, NamingBudget.allDemanglingNanoseconds - min(NamingBudget.allDemanglingNanoseconds, all))
  }

  private static func cut(_ name: String) -> String {
    guard name.utf8.count > maximumLength else { return name }
    return String(decoding: name.utf8.prefix(maximumLength), as: UTF8.self) + "…"
  }
}
