package import Foundation

/// How a command ended and what it said.
package struct CommandResult {
  /// The exit code; for a signal 128 and its number, as shells have it.
  package let status: Int32
  package let output: String
  package let errors: String

  /// The lines on standard error.
  package var errorLines: [Substring] { errors.split(separator: "\n") }
}

/// A process that a test started. Its output goes to files, so that nothing blocks on a full pipe.
package final class RunningCommand {
  /// What was waited for did not happen.
  package struct DeadlinePassed: Error, CustomStringConvertible {
    package let description: String
  }

  private let process = Foundation.Process()
  private let arguments: [String]
  private let outputFile: URL
  private let errorFile: URL

  /// Starts a program, looked up along PATH, in a directory that takes its output too.
  package init(_ arguments: [String], directory: URL, number: Int) throws {
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
    let files = [try FileHandle(forWritingTo: outputFile), try FileHandle(forWritingTo: errorFile)]
    process.standardOutput = files[0]
    process.standardError = files[1]
    // The process has them now. Left to themselves they stay open here for long, and a test starts thousands.
    defer { for file in files { try? file.close() } }
    try process.run()
  }

  /// The number of the process.
  package var pid: Int32 { process.processIdentifier }
  /// What it has written to standard output so far.
  package var output: String { get throws { String(decoding: try Data(contentsOf: outputFile), as: UTF8.self) } }
  /// What it has written to standard error so far.
  package var errors: String { get throws { String(decoding: try Data(contentsOf: errorFile), as: UTF8.self) } }

  /// Sends it a signal.
  package func send(_ signal: Int32) { Foundation.kill(pid, signal) }

  /// Ends the process where it still runs, and takes its status.
  package func kill() {
    guard process.isRunning else { return }
    send(SIGKILL)
    process.waitUntilExit()
  }

  /// Waits for the end.
  package func wait(deadlineSeconds: Double = 60) throws -> CommandResult {
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
  package func waitForLine(startingWith prefix: String) throws -> String {
    var line: String?
    try waitUntil("'\(prefix)' from \(arguments.joined(separator: " "))") {
      line = try output.split(separator: "\n").map(String.init).first { $0.hasPrefix(prefix) }
      return try line != nil && output.hasSuffix("\n")
    }
    return line ?? ""
  }
}

/// How many times longer than usual a test waits: `SWPROF_TEST_PATIENCE` is set where an emulated CPU runs the tests.
private let patience = ProcessInfo.processInfo.environment["SWPROF_TEST_PATIENCE"].flatMap(Double.init) ?? 1

/// Waits until a condition holds; a deadline that passes is an error, and says what was waited for.
package func waitUntil(_ what: String, _ usualDeadlineSeconds: Double = 20, _ condition: () throws -> Bool) throws {
  let deadlineSeconds = usualDeadlineSeconds * patience
  let start = ContinuousClock.now
  while try !condition() {
    guard ContinuousClock.now - start < .seconds(deadlineSeconds) else {
      throw RunningCommand.DeadlinePassed(description: "waited \(deadlineSeconds) s for \(what)")
    }
    usleep(5_000)
  }
}
