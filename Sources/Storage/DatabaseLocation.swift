/// Where the database lies when nobody says so for this one call.
package enum DatabaseLocation {
  /// The path of the database.
  ///
  /// The option goes before `SWPROF_DB`, that before the state directory that systemd gives a service (systemd.exec(5):
  /// several are separated by colons), and that before the default: `/var/lib/swprof/swprof.db` for root, else
  /// `swprof/swprof.db` in the state directory of the XDG Base Directory Specification. As that specification asks, a
  /// relative `XDG_STATE_HOME` is passed over; an empty variable counts as unset.
  ///
  /// - Parameter callerHome: the home of the user who runs this through sudo, whose default then counts and not root's.
  package static func resolve(
    option: String?, environment: [String: String], isRoot: Bool, callerHome: String? = nil
  ) -> String {
    func variable(_ name: String) -> String? {
      environment[name].flatMap { $0.isEmpty ? nil : $0 }
    }
    if let path = option ?? variable("SWPROF_DB") { return path }
    if let state = variable("STATE_DIRECTORY")?.split(separator: ":").first, state.hasPrefix("/") {
      return state + "/swprof.db"
    }
    if isRoot, callerHome == nil { return "/var/lib/swprof/swprof.db" }
    if let state = variable("XDG_STATE_HOME"), state.hasPrefix("/") { return state + "/swprof/swprof.db" }
    return (callerHome ?? variable("HOME") ?? "") + "/.local/state/swprof/swprof.db"
  }
}
