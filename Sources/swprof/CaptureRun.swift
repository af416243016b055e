import Capture
import Glibc
import LinuxSystem
import ProfileModel
import Symbolication

/// Why a capture is over.
enum CaptureEnd {
  case duration
  case targetsGone
  case commandEnded(ChildProcess.End)
  case signal(Int32)
}

/// One capture from its first record to the last: the loop that waits for records, signals, ends and the clock.
struct CaptureRun<Capture: ArmedCapture & ~Copyable>: ~Copyable {
  private var capture: Capture
  private let signals: SignalDescriptor
  private let deadline: MonotonicTime?
  /// The processes whose end is waited for, those that have ended left out.
  private var watched: [OpenFile]
  private var progress: ProgressLine

  /// Often enough for the progress line; records that need more speed wake the loop themselves.
  private static var tickMilliseconds: Int32 { 200 }
  /// How soon to look again at records that were too young to be put in order.
  private static var settlingMilliseconds: Int32 { 1 }

  init(
    _ capture: consuming Capture, signals: SignalDescriptor, duration: TimeLength?, watching: [ProcessID],
    verbosity: Verbosity
  ) {
    let armedAt = capture.armedAt
    self.capture = capture
    self.signals = signals
    self.deadline = duration.map { MonotonicTime(nanoseconds: armedAt.nanoseconds + $0.nanoseconds) }
    progress = ProgressLine(verbosity)
    // A process that has ended already needs no descriptor: the table of targets says so.
    self.watched = watching.compactMap { try? ProcessDescriptor.open($0) }
  }

  var armedAt: MonotonicTime { capture.armedAt }
  var firstRecordAt: MonotonicTime? { capture.firstRecordAt }
  var tableCost: (nanoseconds: UInt64, bytes: Int) { capture.tableCost }

  /// Waits until the capture is over.
  mutating func run(command: ChildProcess?) throws -> CaptureEnd {
    defer { progress.clear() }
    capture.followRunningProcesses()
    while true {
      let descriptors = [signals.descriptor] + capture.descriptors + watched.map(\.descriptor)
      let readable = Poll.readable(descriptors, timeoutMilliseconds: timeout)
      if let signal = signals.next() { return .signal(signal) }
      try capture.drain()
      showProgress()
      // The descriptor of a process that has ended stays readable: polled on, it would keep the loop spinning.
      watched.removeAll { readable.contains($0.descriptor) }
      if watched.isEmpty {
        if let end = try command?.end(waiting: false) { return .commandEnded(end) }
        if capture.hasNoTargetLeft { return .targetsGone }
      }
      if let deadline, Clock.monotonic >= deadline { return .duration }
    }
  }

  mutating func finish() throws -> Capture.Recording { try capture.finish() }

  mutating func detach() { capture.detach() }

  private var timeout: Int32 {
    var timeout = capture.hasPending ? Self.settlingMilliseconds : Self.tickMilliseconds
    if let deadline {
      let left = deadline.nanoseconds(since: Clock.monotonic)
      timeout = min(timeout, Int32(clamping: (left + 999_999) / 1_000_000))
    }
    return timeout
  }

  private mutating func showProgress() {
    let elapsed = Clock.monotonic.nanoseconds(since: capture.armedAt) / 1_000_000_000
    let whole = deadline.map { " of \($0.nanoseconds(since: capture.armedAt) / 1_000_000_000) s" } ?? " s"
    progress.show("\(elapsed)\(whole), \(capture.progress); Ctrl-C ends the capture and keeps it")
  }
}
