import ArgumentParser
import LinuxSystem
import ProfileModel
import Rendering
import Storage

struct MetricsCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "metrics",
    abstract: "Show what 'swprof watch' has measured of a process.",
    discussion: """
      EXAMPLES
        swprof metrics --pid 4711
        swprof metrics --pid 4711 --since 48h --json

      Values of each second for an hour, of ten seconds for two days; the last minute follows with a delay of up to a \
      minute. Draws lines of blocks on a terminal, else prints a table; both show means of up to sixty spans of time.
      """)

  @Option(help: ArgumentHelp("The process, which may have ended.", valueName: "N")) var pid: Int32

  @Option(
    help: ArgumentHelp("From this long ago on. (default: 1h)", valueName: "time"), transform: OptionReading.duration)
  var since = TimeLength(nanoseconds: 3_600_000_000_000)

  @Flag(help: "Print a JSON object with all values.") var json = false
  @OptionGroup var store: StoreOptions

  func validate() throws {
    if pid <= 0 { throw ValidationError("'--pid \(pid)': give the number of a process") }
  }

  func run() throws {
    let process = ProcessID(rawValue: pid)
    let start = WallTime(nanoseconds: Clock.wall.nanoseconds - Int64(since.nanoseconds))
    let histories = try StoreAccess.readable(store).history(of: process, since: start)
    let report = MetricsReport(histories, of: process, since: start)
    guard !report.isEmpty || json else {
      throw Failure(
        "nothing was measured of process \(pid) since then; 'swprof status' has the processes that are watched",
        .noInput)
    }
    try Terminal.print(json ? report.json : Terminal.isOutputTerminal ? report.sparklines : report.table)
  }
}
