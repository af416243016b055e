import LinuxSystem
import ProfileModel

/// How many files are open because a process, or a user, has mapped them.
///
/// A process can map more files than there are descriptors; those of others are to have names and tables too.
struct FileOpeners {
  struct Limits {
    /// Browsers and JVMs have some hundred files of code.
    var ofProcess = 4096
    /// Of all processes of a user but root.
    var ofUser = max(256, min(8192, Host.descriptorLimit / 4))
    /// The user of a process; nil where it is gone.
    var user: (ProcessID) -> UInt32? = { try? ProcessTable.userID(of: $0) }
  }

  private let limits: Limits
  private var openers: [SourceIndex: ProcessID] = [:]
  private var users: [ProcessID: UInt32?] = [:]
  private var ofProcess: [ProcessID: Int] = [:]
  private var ofUser: [UInt32: Int] = [:]

  init(_ limits: Limits = Limits()) { self.limits = limits }

  /// Whether another file may be opened for a process.
  mutating func mayOpen(_ process: ProcessID) -> Bool {
    guard ofProcess[process, default: 0] < limits.ofProcess else { return false }
    guard let user = user(of: process), user != 0 else { return true }
    return ofUser[user, default: 0] < limits.ofUser
  }

  /// Notes that the file of a source was opened for a process. A source that others have opened stays theirs.
  mutating func note(_ source: SourceIndex, _ process: ProcessID) {
    guard openers[source] == nil else { return }
    openers[source] = process
    ofProcess[process, default: 0] += 1
    if let user = user(of: process) { ofUser[user, default: 0] += 1 }
  }

  mutating func forget(_ sources: Set<SourceIndex>) {
    for source in sources {
      guard let process = openers.removeValue(forKey: source) else { continue }
      ofProcess[process, default: 1] -= 1
      if let user = user(of: process) { ofUser[user, default: 1] -= 1 }
      if ofProcess[process] == 0 { ofProcess[process] = nil }
    }
    users = users.filter { ofProcess[$0.key] != nil }
  }

  private mutating func user(of process: ProcessID) -> UInt32? {
    if let known = users[process] { return known }
    let user = limits.user(process)
    users[process] = .some(user)
    return user
  }
}
