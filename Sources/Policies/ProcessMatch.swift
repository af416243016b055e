package import ProfileModel

/// What is known of a process that a policy may match.
package struct WatchedProcess: Hashable, Sendable {
  package var key: ProcessKey
  package var name: String
  /// The program's path; empty where it cannot be read, and for kernel threads.
  package var executable: String
  /// The arguments with spaces between them.
  package var commandLine: String
  /// The path of its control group.
  package var cgroup: String
  package var userID: UInt32
  package var userName: String?

  package init(
    key: ProcessKey, name: String, executable: String = "", commandLine: String = "", cgroup: String = "",
    userID: UInt32 = 0, userName: String? = nil
  ) {
    self.key = key
    self.name = name
    self.executable = executable
    self.commandLine = commandLine
    self.cgroup = cgroup
    self.userID = userID
    self.userName = userName
  }
}

/// Which processes a policy watches: all that is given must hold, one entry of a list is enough.
package struct ProcessMatch: Equatable, Sendable {
  package var names: [Glob] = []
  package var executables: [Glob] = []
  package var commandLines: [TextPattern] = []
  /// Control groups by path, with those beneath them.
  package var cgroups: [Glob] = []
  /// Names, or numbers.
  package var users: [String] = []

  package init() {}

  package func includes(_ process: WatchedProcess) -> Bool {
    holds(names) { $0.fits(process.name) } && holds(executables) { $0.fits(process.executable) }
      && holds(users) { $0 == process.userName || $0 == "\(process.userID)" }
      && holds(cgroups) { glob in Self.parents(of: process.cgroup).contains { glob.fits($0) } }
      && holds(commandLines) { $0.finds(process.commandLine) }
  }

  private func holds<Entry>(_ entries: [Entry], _ test: (Entry) -> Bool) -> Bool {
    entries.isEmpty || entries.contains(where: test)
  }

  /// A control group and all above it: `/a/b`, `/a`, `/`.
  private static func parents(of cgroup: String) -> [String] {
    var paths = [cgroup]
    while let slash = paths[paths.count - 1].utf8.lastIndex(of: UInt8(ascii: "/")), paths[paths.count - 1] != "/" {
      let parent = String(paths[paths.count - 1][..<slash])
      paths.append(parent.isEmpty ? "/" : parent)
    }
    return paths
  }
}
