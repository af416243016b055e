package import LinuxSystem

/// Why a watch cannot begin, or cannot read its policies.
package enum WatchError: Error, CustomStringConvertible {
  case unreadablePolicies(path: String, reason: String)
  case noProcessRecords(Errno)

  package var description: String {
    switch self {
    case .unreadablePolicies(let path, let reason): "cannot read policy file '\(path)': \(reason)"
    case .noProcessRecords(let cause): "cannot listen to the kernel's records of processes: \(cause)"
    }
  }
}
