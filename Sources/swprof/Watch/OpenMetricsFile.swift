import LinuxSystem
import ProfileModel
import Rendering

/// Writes values for the textfile collector of Prometheus's node_exporter: always a whole file.
struct OpenMetricsFile {
  let path: String

  func write(_ state: WatchState, starts: [String: Int]) throws {
    // The collector runs as another user.
    var file = try OutputFile(path, for: Caller.reaching(path), mode: 0o644)
    try file.commit(Array(OpenMetrics.render(state, starts: starts).utf8))
  }
}
