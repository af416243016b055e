import ArgumentParser
import LinuxSystem
import ProfileModel
import Rendering
import Storage

struct StatusCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "status",
    abstract: "Say how 'swprof watch' is doing: policies, processes, what was started.",
    discussion: """
      EXAMPLES
        swprof status
        swprof status --since 48h --json

      Policies come by the number of tasks that they have started. Values are up to ten seconds old.
      """)

  @Option(
    help: ArgumentHelp("Count what was started within this time. (default: 24h)", valueName: "time"),
    transform: OptionReading.duration)
  var since = TimeLength(nanoseconds: 24 * 3_600_000_000_000)

  @Flag(help: "Print a JSON object.") var json = false
  @OptionGroup var store: StoreOptions

  /// A watch keeps its state every ten seconds; one that is so late is gone, or stuck.
  private static let longestSilence: Int64 = 35_000_000_000

  func run() throws {
    let store = try StoreAccess.readable(store)
    let start = WallTime(nanoseconds: Clock.wall.nanoseconds - Int64(since.nanoseconds))
    let kept = try store.watchState()
    let age = kept.map { Clock.wall.nanoseconds - $0.updatedAt.nanoseconds } ?? .max
    let isRunning = age < Self.longestSilence && (kept.map { ProcessTable.exists($0.state.pid) } ?? false)
    let report = StatusReport(
      state: kept, isRunning: isRunning, triggers: try store.triggers(since: start), since: start)
    try Terminal.print(json ? report.json : report.text)
  }
}
