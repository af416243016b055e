import Glibc

/// What a command finds as if its caller had started it: environment and limit of open descriptors. This process changes
/// both for itself.
package struct CommandSurroundings: Sendable {
  /// `NAME=value` each.
  let environment: [String]
  let descriptorLimit: rlimit

  /// Those of this process now: to be asked before anything is changed.
  package static var current: CommandSurroundings {
    var environment: [String] = []
    var entry = unsafe environ
    while let text = unsafe entry.pointee {
      environment.append(unsafe String(cString: text))
      unsafe entry += 1
    }
    var limit = rlimit()
    _ = unsafe getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
    return CommandSurroundings(environment: environment, descriptorLimit: limit)
  }
}
