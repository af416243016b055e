import ArgumentParser
import Capture
import ProfileModel
import Recording

struct NetworkCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "network",
    abstract: "Record who talks to whom, how fast and how lossy, and which requests fail.",
    discussion: """
      EXAMPLES
        sudo swprof network --pid 4711
        sudo swprof network --comm nginx --uri '^/api/' --slower-than 100ms
        sudo swprof network --all --duration 10s --svg -o map.svg
        sudo swprof network --html -o page.html -- ./bench

      Counts the connections of the targets, those included that are older than the capture, and reads HTTP/1 requests on \
      them, encrypted ones where OpenSSL's library encrypts. Both ends of a connection within this host are named. \
      Requests that are slow or fail are kept one by one, the worst of each path.

      The time of a request ends with the last byte of its answer. For a client it starts with the first byte written; for \
      a server when the request arrives over TCP, so that waiting for a busy server counts, and over unix sockets and MPTCP \
      when it is first read. JSON says which, as starts_from.
      """)

  @OptionGroup(title: "Target") var target: TargetOptions

  @Option(
    help: ArgumentHelp("How long: 500ms, 10s, 10m. Default 30s; with a command, until it ends.", valueName: "time"),
    transform: OptionReading.duration)
  var duration: TimeLength?

  @Option(
    help: ArgumentHelp(
      "List and keep only requests whose path this regular expression finds. Can be repeated.", valueName: "regex"),
    transform: OptionReading.pattern)
  var uri: [TextPattern] = []

  @Option(
    help: ArgumentHelp("Requests of this length or more are slow. (default: 250ms)", valueName: "time"),
    transform: OptionReading.time)
  var slowerThan = TimeLength(nanoseconds: 250_000_000)

  @Option(
    help: ArgumentHelp(
      "What requests are kept for, the first that fits: slow, 4xx, 5xx, several as slow,5xx; none.",
      valueName: "reasons"))
  var sample = SampleReasons(reasons: RequestSample.Reason.standard)

  @Option(
    help: ArgumentHelp(
      "Keep this many bytes of the messages of kept requests, at most 4096; values that are known to be secrets are blanked.",
      valueName: "bytes"))
  var body = 0

  @Flag(
    help: """
      Keep nothing of what messages contain: neither heads nor bodies, and of paths nothing behind a parameter.
      """)
  var noContent = false

  @Option(help: ArgumentHelp("Keep this many requests for each reason and path, at most 1000.", valueName: "count"))
  var samples = 10

  @Flag(help: "Show numbers and identifiers in paths as one: /users/{id}.")
  var foldIds = false

  @Flag(help: "Measure how long accepting, sending and receiving calls take; costs a little on every system call.")
  var callTimes = false

  @OptionGroup var result: ResultOptions
  @OptionGroup var tuning: TuningOptions

  @Option(help: .hidden)
  var tableSize: UInt32 = 1 << 16

  func validate() throws {
    try result.output.requireNetworkFormat()
    if !(0...4096).contains(body) { throw ValidationError("'--body \(body)': give 0 to 4096 bytes") }
    if noContent && body > 0 { throw ValidationError("'--body' and '--no-content' exclude each other") }
    if !(0...1000).contains(samples) { throw ValidationError("'--samples \(samples)': give 0 to 1000") }
    if !(1...1 << 20).contains(tableSize) { throw ValidationError("'--table-size': give 1 to \(1 << 20)") }
  }

  var spec: TaskSpec { target.spec(.network(parameters), duration: duration) }

  private var parameters: NetworkOptions {
    NetworkOptions(
      uris: uri.map(\.text), slowerThanNanoseconds: slowerThan.nanoseconds, reasons: sample.reasons, bodyBytes: body,
      samplesPerEndpoint: samples, callTimes: callTimes, foldsIdentifiers: foldIds,
      keepsContent: !noContent)
  }

  func run() throws {
    var tuning = self.tuning.tuning
    tuning.tableCapacity = tableSize
    try CaptureOutput(result).run(spec, tuning)
  }
}

/// `slow`, `4xx`, `5xx`, with commas between them; or `none`.
struct SampleReasons: ExpressibleByArgument {
  let reasons: [RequestSample.Reason]

  init(reasons: [RequestSample.Reason]) { self.reasons = reasons }

  init?(argument: String) {
    guard let reasons = RequestSample.Reason.list(reading: argument) else { return nil }
    self.reasons = reasons
  }

  var defaultValueDescription: String { reasons.map(\.rawValue).joined(separator: ",") }
}
