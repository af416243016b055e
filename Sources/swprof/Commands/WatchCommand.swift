import ArgumentParser
import Capture
import LinuxSystem
import ProfileModel
import Recording
import Storage
import Watching

struct WatchCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "watch",
    abstract: "Watch processes, and profile them when a rule holds.",
    discussion: """
      EXAMPLES
        swprof policy check policies.yaml
        sudo swprof watch --policy policies.yaml
        sudo swprof watch --policy policies.yaml --json | jq -r .message

      Prints a line for each task that a policy starts; 'swprof tasks' has them, with the values that were the reason. \
      The policy file is read again when it changes and on SIGHUP: running tasks go on, windows of unchanged rules keep \
      their values, and a file with errors leaves the old policies in place. SIGTERM and Ctrl-C end running tasks and keep \
      them.
      """)

  @Option(help: ArgumentHelp("The policies.", valueName: "file"), completion: .file())
  var policy: String

  @Flag(help: "Print a JSON object a line.")
  var json = false

  @Option(
    help: ArgumentHelp(
      "Keep values in this file, for the textfile collector of node_exporter.", valueName: "file"), completion: .file())
  var openmetrics: String?

  @OptionGroup var store: StoreOptions
  @OptionGroup var manners: VerbosityOptions

  func run() throws {
    manners.verbosity.noteCaller()
    let source = PolicySource(path: policy)
    // Wrong policies are told before a database is made.
    _ = try PolicyCommand.read(source)
    let store = try StoreAccess.writable(store)
    try Privileges.check()
    Host.raiseDescriptorLimit()
    let signals = try SignalDescriptor(hangup: .message)
    let output = WatchOutput(isJSON: json, verbosity: manners.verbosity)
    let reporter = WatchReporter(output, metricsFile: openmetrics)
    let requests = WatchedRequests { output.complain($0) }
    var session = try WatchSession(
      source: source, sink: StoreSink(store), signals: signals, requests: requests
    ) { reporter.report($0) }
    session.run()
  }
}
