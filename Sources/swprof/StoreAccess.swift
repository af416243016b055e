import Glibc
import LinuxSystem
import Storage

/// The process's environment, read once by the commands.
enum Environment {
  static var variables: [String: String] {
    var entry = unsafe environ
    var variables: [String: String] = [:]
    while let text = unsafe entry.pointee {
      let pair = unsafe String(cString: text).split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
      if pair.count == 2 { variables[String(pair[0])] = String(pair[1]) }
      unsafe entry += 1
    }
    return variables
  }
}

/// Opens the database that the options and the environment name, with the rights of the caller of sudo where these reach:
/// so they can read it later.
enum StoreAccess {
  static func path(_ options: StoreOptions) -> String {
    DatabaseLocation.resolve(
      option: options.db, environment: Environment.variables, isRoot: Host.isRoot, callerHome: Caller.current?.home)
  }

  static func writable(_ options: StoreOptions) throws -> TaskStore {
    let path = path(options)
    return try TaskStore.open(path: path, as: Caller.reaching(path))
  }

  /// For commands that change what is there but have no reason to make a database.
  static func existing(_ options: StoreOptions) throws -> TaskStore {
    _ = try readable(options)
    return try writable(options)
  }

  static func readable(_ options: StoreOptions) throws -> TaskStore {
    let path = path(options)
    return try TaskStore.openReadOnly(path: path, as: Caller.reaching(path))
  }
}
