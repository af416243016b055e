import Foundation
import Testing

/// How a command ended and what it said.
struct CommandResult {
  /// The exit code; for a signal 128 and its number, as shells have it.
  let status: Int32
  let output: String
  let errors: String

  /// The lines on standard error.
  var errorLines: [Substring] { errors.split(separator: "\n") }
}

/// A process that a test started. Its output goes to files, so that nothing blocks on a full pipe.
final class RunningCommand {
  struct DeadlinePassed: Error, CustomStringConvertible {
    let description: String
  }

  private let process = Foundation.Process()
  private let arguments: [String]
  private let outputFile: URL
  private let errorFile: URL

  /// Starts a program, looked up along PATH, in a directory that takes its output too.
  init(_ arguments: [String], directory: URL, number: Int) throws {
    self.arguments = arguments
    outputFile = directory.appending(path: "\(number).out")
    errorFile = directory.appending(path: "\(number).err")
    try Data().write(to: outputFile)
    try Data().write(to: errorFile)
    process.executableURL = URL(filePath: "/usr/bin/env")
    process.arguments = arguments
    // What a program drops where it runs, as V8 does with its logs, goes with the directory.
    process.currentDirectoryURL = directory
    process.standardInput = FileHandle.nullDevice
    process.standardOutput = try FileHandle(forWritingTo: outputFile)
    process.standardError = try FileHandle(forWritingTo: errorFile)
    try process.run()
  }

  var pid: Int32 { process.processIdentifier }
  var output: String { get throws { String(decoding: try Data(contentsOf: outputFile), as: UTF8.self) } }
  var errors: String { get throws { String(decoding: try Data(contentsOf: errorFile), as: UTF8.self) } }

  func send(_ signal: Int32) { Foundation.kill(pid, signal) }

  /// Ends the process where it still runs, and takes its status.
  func kill() {
    guard process.isRunning else { return }
    send(SIGKILL)
    process.waitUntilExit()
  }

  /// Waits for the end.
  func wait(deadlineSeconds: Double = 60) throws -> CommandResult {
    do {
      try waitUntil("the end of \(arguments.joined(separator: " "))", deadlineSeconds) { !process.isRunning }
    } catch {
      kill()
      throw error
    }
    let signal: Int32 = process.terminationReason == .uncaughtSignal ? 128 : 0
    return CommandResult(status: signal + process.terminationStatus, output: try output, errors: try errors)
  }

  /// Waits for a whole line on standard output, and returns it.
  @discardableResult
  func waitForLine(startingWith prefix: String) throws -> String {
    var line: String?
    try waitUntil("'\(prefix)' from \(arguments.joined(separator: " "))") {
      line = try output.split(separator: "\n").map(String.init).first { $0.hasPrefix(prefix) }
      return try line != nil && output.hasSuffix("\n")
    }
    return try #require(line)
  }
}

/// How many times longer than usual a test waits: `SWPROF_TEST_PATIENCE` is set where an emulated CPU runs the tests.
private let patience = ProcessInfo.processInfo.environment["SWPROF_TEST_PATIENCE"].flatMap(Double.init) ?? 1

/// Waits until a condition holds; a deadline that passes is an error, and says what was waited for.
func waitUntil(_ what: String, _ usualDeadlineSeconds: Double = 20, _ condition: () throws -> Bool) throws {
  let deadlineSeconds = usualDeadlineSeconds * patience
  let start = ContinuousClock.now
  while try !condition() {
    guard ContinuousClock.now - start < .seconds(deadlineSeconds) else {
      throw RunningCommand.DeadlinePassed(description: "waited \(deadlineSeconds) s for \(what)")
    }
    usleep(5_000)
  }
}
