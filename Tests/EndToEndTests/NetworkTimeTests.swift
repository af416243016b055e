import CommandRunning
import Foundation
import Testing

extension EndToEnd.NetworkTests {
  private func startEventLoop(_ options: [String] = []) throws -> HTTPServer {
    let command = try bench.start([try bench.compile("event_loop")] + options)
    let port = try command.waitForLine(startingWith: "ready").dropFirst("ready ".count)
    let path = options.first.flatMap { $0.hasPrefix("/") ? $0 : nil }
    return HTTPServer(command: command, place: path ?? String(port))
  }

  private func startWaitingClient(_ server: HTTPServer, _ options: [String]) throws -> RunningCommand {
    try bench.startWorkload([try bench.compile("waiting_client"), server.place] + options)
  }

  @Test(arguments: [[], ["--without-feature", "socket-tracepoints"]])
  func `a capture lasts as long as it counts, and rates are those of a client's clock`(source: [String]) throws {
    let server = try startEventLoop()
    let client = try startWaitingClient(server, ["0", "every", "5"])
    client.send(SIGUSR1)
    try client.waitForLine(startingWith: "begun")

    let result = try bench.run(bench.network(["--pid", "\(server.pid)", "--duration", "3s", "--json"] + source))

    try #require(result.status == 0, "\(result.errors)")
    let view = try NetworkView(decoding: result.output)
    let seconds = Double(try #require(try bench.latestTask().durationNanoseconds)) / 1e9
    #expect((3.0..<3.1).contains(seconds))
    let count = Double(try #require(view.endpoints.first).totals.finished)
    #expect(abs(count / seconds / 200 - 1) < 0.015, "\(count) in \(seconds) s")
  }
}
