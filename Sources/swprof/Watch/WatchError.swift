import LinuxSystem

/// Why a watch cannot begin, or cannot read its policies.
enum WatchError: Error, CustomStringConvertible {
  case unreadablePolicies(path: String, reason: String)
  case noProcessRecords(Errno)

  var description: String {
    switch self {
    case .unreadablePolicies(let path, let reason): "cannot read policy file '\(path)': \(reason)"
    case .noProcessRecords(let cause): "cannot listen to the kernel's records of processes: \(cause)"
    }
  }
}
