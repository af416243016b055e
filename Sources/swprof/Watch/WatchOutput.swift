import Glibc
import LinuxSystem
import Policies
import ProfileModel
import Rendering

/// Where a watch tells what it does: lines on standard output, and the service manager.
///
/// A watch goes on where nobody reads, and waits for no reader.
struct WatchOutput {
  let isJSON: Bool
  let verbosity: Verbosity
  private let lines = LineOutput(STDOUT_FILENO)
  private let complaints = LineOutput(STDERR_FILENO)
  private let service = ServiceNotification(environment: Environment.variables)

  init(isJSON: Bool, verbosity: Verbosity) {
    self.isJSON = isJSON
    self.verbosity = verbosity
  }

  func tell(_ event: WatchEvent) {
    if verbosity == .quiet, !isJSON, [.ready, .ended, .reloaded, .stopped].contains(event.kind) { return }
    lines.send(isJSON ? event.json : event.text)
    tellNews()
  }

  func tell(_ kind: WatchEvent.Kind, _ sentence: String) {
    tell(WatchEvent(kind, sentence, time: Clock.wall))
  }

  /// Says on standard error what is wrong.
  func complain(_ sentence: String) { complaints.send("swprof: \(DisplayText.visible(sentence))\n") }

  /// Gives a slow reader what waits for it.
  func flush() {
    lines.flush()
    complaints.flush()
    tellNews()
  }

  /// Gives a slow reader a last second.
  func close() {
    lines.flush(waitingMilliseconds: 1000)
    tellNews()
    complaints.flush(waitingMilliseconds: 100)
  }

  private func tellNews() {
    for trouble in lines.takeNews() {
      switch trouble {
      case .readerGone:
        complain("nobody reads standard output any more; the watch goes on, and 'swprof tasks' has what it records")
      case .failed(let cause):
        complain("cannot write standard output: \(cause); the watch goes on, and lines wait in memory for room")
      case .linesLost(let count):
        complain("standard output was not read for long: \(count) lines were left out; 'swprof tasks' has all tasks")
      }
    }
  }

  func notifyService(_ state: String) { service?.send(state) }
}
