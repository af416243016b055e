/// Where the database lies when nobody says so for this one call.
package enum DatabaseLocation {
  /// The path of the database.
  ///
  /// The option goes before `SWPROF_DB`, and that before the default: `/var/lib/swprof/swprof.db` for root, else
  /// `swprof/swprof.db` in the state directory of the XDG Base Directory Specification. As that specification asks, a
  /// relative `XDG_STATE_HOME` is passed over; an empty variable counts as unset.
  package static func resolve(option: String?, environment: [String: String], isRoot: Bool) -> String {
    func variable(_ name: String) -> String? {
      environment[name].flatMap { $0.isEmpty ? nil : $0 }
    }
    if let path = option ?? variable("SWPROF_DB") { return path }
    if isRoot { return "/var/lib/swprof/swprof.db" }
    if let state = variable("XDG_STATE_HOME"), state.hasPrefix("/") { return state + "/swprof/swprof.db" }
    return (variable("HOME") ?? "") + "/.local/state/swprof/swprof.db"
  }
}
