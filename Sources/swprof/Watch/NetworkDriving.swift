import Capture
import LinuxSystem
import Metrics
import ProfileModel

/// A network capture in the loop of a watch.
final class DrivenNetworkCapture: DrivenCapture {
  private var capture: NetworkCapture

  init(_ capture: consuming NetworkCapture) { self.capture = capture }

  /// Loads what a task needs, whatever its processes.
  static func prepare(_ task: TaskSpec, _ parameters: NetworkOptions) throws -> PreparedNetwork {
    let request = ResolvedTask(task, ringBufferBytes: 1 << 22)
    return try PreparedNetwork.load(request, NetworkTask.options(parameters))
  }

  var armedAt: MonotonicTime { capture.armedAt }
  var firstRecordAt: MonotonicTime? { capture.firstRecordAt }
  var event: String { capture.event }
  var unwind: String { capture.unwind }
  var jitterSeed: UInt32? { nil }
  var descriptors: [Int32] { capture.descriptors }
  var hasPending: Bool { capture.hasPending }
  var hasNoTargetLeft: Bool { capture.hasNoTargetLeft }

  func drain() throws { try capture.drain() }

  func finish() throws -> CaptureOutcome { .network(try capture.finish()) }
}

/// The requests that watched processes answer, counted from the first time that a rule asks for them.
final class WatchedRequests {
  private var monitor: HTTPMonitor?
  private var isStarted = false
  private var hasFailed = false
  /// What could not be counted so far; nil where nothing is.
  private(set) var losses: [NetworkLoss: UInt64]?
  private let complain: (String) -> Void
  /// What has been complained of: each once.
  private var known: Set<String> = []
  private static let maximumSubjects = 1000

  /// - Parameter complain: told once why requests cannot be counted, and why some are not.
  init(complain: @escaping (String) -> Void) { self.complain = complain }

  /// What processes have answered; nothing where requests cannot be counted, which is no data.
  func totals(of processes: Set<ProcessID>) -> [HTTPEndpointTotal] {
    guard !hasFailed else { return [] }
    do {
      if !isStarted {
        monitor = try HTTPMonitor.start()
        isStarted = true
      }
      try monitor?.watch(processes)
      let totals = try monitor?.totals().map(HTTPEndpointTotal.init) ?? []
      losses = try monitor?.losses()
      tellLosses()
      return totals
    } catch {
      complain("requests cannot be counted, and rules about them do not hold: \(Failure(error).sentence)")
      hasFailed = true
      return []
    }
  }

  private func tellLosses() {
    for (loss, count) in losses ?? [:] {
      tell(loss.rawValue, "not all requests are counted: \(loss.explanation) (\(count) so far)")
    }
    for warning in monitor?.warnings ?? [] { tell(warning, warning) }
  }

  private func tell(_ subject: String, _ sentence: String) {
    // Some sentences name a process, and processes come and go.
    guard known.count < Self.maximumSubjects else { return }
    if known.insert(subject).inserted { complain(sentence) }
  }
}

extension HTTPEndpointTotal {
  init(_ total: HTTPMonitor.Totals) {
    self.init(
      process: total.process, path: total.path, finished: total.totals.answered,
      serverErrors: total.totals.serverErrors, clientErrors: total.totals.clientErrors, times: total.totals.durations)
  }
}
