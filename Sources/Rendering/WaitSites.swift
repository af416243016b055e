package import ProfileModel

/// What threads wait in, and where in their own code: the stacks of an off-CPU profile, put together by both.
package struct WaitSites: Sendable {
  package struct Site: Equatable, Sendable {
    /// The innermost interpreted function with its line, else the innermost function that is not the C library's.
    package let function: String
    /// The system call, `page fault`, or what else stands for the wait.
    package let waitsIn: String
    package fileprivate(set) var weight = Weight.zero
    /// The longest single wait in ns; nil where that is not known.
    package fileprivate(set) var longest: UInt64?
  }

  private struct Key: Hashable {
    let function: String
    let waitsIn: String
    let isIdle: Bool
  }

  /// The time of all sites in ns.
  package let total: UInt64
  private var busySites: [Site] = []
  private var idleSites: [Site] = []

  /// - Parameter elapsedNanoseconds: the length of the capture; a stack whose mean wait is a tenth of it looks idle.
  package init(_ profile: Profile, elapsedNanoseconds: UInt64?) {
    total = profile.total.nanoseconds
    var byStack: [Int32: Weight] = [:]
    var longest: [Int32: UInt64] = [:]
    for value in profile.values {
      byStack[value.stack, default: .zero] += value.weight
      if let extremes = value.extremes { longest[value.stack] = max(longest[value.stack] ?? 0, extremes.upperBound) }
    }
    var sites: [Key: Site] = [:]
    for (stack, weight) in byStack {
      let place = Self.place(of: stack, in: profile)
      let idleMean = elapsedNanoseconds.map { $0 / 10 } ?? .max
      let isIdle = weight.nanoseconds / max(1, weight.count) >= max(idleMean, 1)
      let key = Key(function: place.function, waitsIn: place.waitsIn, isIdle: isIdle)
      var site = sites[key] ?? Site(function: place.function, waitsIn: place.waitsIn)
      site.weight += weight
      if let length = longest[stack] { site.longest = max(site.longest ?? 0, length) }
      sites[key] = site
    }
    for (key, site) in sites {
      if key.isIdle { idleSites.append(site) } else { busySites.append(site) }
    }
  }

  /// All sites, in no order.
  var all: [Site] { busySites + idleSites }

  /// The sites with the largest weight that do not look idle, the largest first.
  package func busy(by measure: KeyPath<Weight, UInt64>, limit: Int) -> [Site] {
    Self.ranked(busySites, by: measure, limit: limit)
  }

  /// The sites that look idle, the longest first.
  package func idle(limit: Int) -> [Site] { Self.ranked(idleSites, by: \.nanoseconds, limit: limit) }

  private static func ranked(_ sites: [Site], by measure: KeyPath<Weight, UInt64>, limit: Int) -> [Site] {
    let sorted = sites.sorted { left, right in
      let (leftWeight, rightWeight) = (left.weight[keyPath: measure], right.weight[keyPath: measure])
      if leftWeight != rightWeight { return leftWeight > rightWeight }
      return (left.function, left.waitsIn) < (right.function, right.waitsIn)
    }
    return Array(sorted.prefix(limit))
  }

  private static func place(of stack: Int32, in profile: Profile) -> (function: String, waitsIn: String) {
    let path = profile.stacks.path(to: stack).map { profile.frames[$0] }
    let end = path.firstIndex { $0.isPhase } ?? path.endIndex
    let own = path[..<end]
    let phase = end < path.endIndex ? path[end].function : ""
    let kernel = own.filter { $0.origin == .kernel }
    let user = own.filter { $0.origin.isNamedUserCode || $0.origin == .unresolved }
    let function =
      user.last(where: \.origin.isInterpreted)
      ?? user.last { !isSystemLibrary(profile.moduleName(of: $0) ?? "") } ?? user.last
      ?? kernel.first { !threadStarts.contains($0.function) } ?? own.last
    let name = function.map { $0.name(withLine: $0.origin.isInterpreted) + $0.annotation } ?? phase
    let call = kernel.lazy.compactMap { systemCall($0.function) }.first
    let waitsIn = call ?? (kernel.last ?? user.last).map { $0.function } ?? ""
    return (name, phase.hasPrefix("[blocked") ? waitsIn : phase)
  }

  /// Where the stacks of all kernel threads begin.
  private static let threadStarts: Set<String> = ["ret_from_fork_asm", "ret_from_fork", "kthread"]

  /// `futex` of `__x64_sys_futex`.
  private static func systemCall(_ function: String) -> String? {
    if ["asm_exc_page_fault", "exc_page_fault"].contains(function) { return "page fault" }
    for prefix in ["__x64_sys_", "__ia32_sys_", "__ia32_compat_sys_", "__se_sys_", "__do_sys_"]
    where function.hasPrefix(prefix) {
      return String(function.dropFirst(prefix.count))
    }
    return nil
  }

  /// What every program waits through, and what says nothing of it.
  private static func isSystemLibrary(_ module: Substring) -> Bool {
    ["libc.so", "libc-", "libpthread", "ld-linux", "ld-musl", "libc.musl", "[vdso]"].contains { module.hasPrefix($0) }
  }
}
