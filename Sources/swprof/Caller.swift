import LinuxSystem

/// The user behind sudo(8), to whom databases and outputs belong.
enum Caller {
  static let current: InvokingUser? = found.user?.withGroups()

  /// The caller if a path is one that they could write: the others are used as root.
  static func reaching(_ path: String) -> InvokingUser? {
    guard let current, current.canWrite(path) else { return nil }
    return current
  }

  /// Why what the environment says of a caller was passed over; nil in the usual case.
  static var warning: String? { found.warning }

  /// Never changes while the program runs: neither does its environment.
  private static let found = InvokingUser.find(
    environment: Environment.variables, isRoot: Host.isRoot,
    passwd: (try? OpenFile.text(of: "/etc/passwd", limit: 4 << 20)) ?? "")
}
