package import Capture
package import LinuxSystem
package import ProfileModel

/// Why a capture is over.
package enum CaptureEnd {
  case duration
  case targetsGone
  case commandEnded(ChildProcess.End)
  case signal(Int32)
}

/// One capture from its first record to the last: the loop that waits for records, signals, ends and the clock.
package struct CaptureRun {
  private let capture: any CaptureLifecycle
  private let armedAt: MonotonicTime
  private let signals: SignalDescriptor
  private let deadline: MonotonicTime?
  /// The processes whose end is waited for, those that have ended left out.
  private var watched: [OpenFile]

  /// Often enough for a line of progress; records that need more speed wake the loop themselves.
  private static let tickMilliseconds: Int32 = 200
  /// How soon to look again at records that were too young to be put in order.
  private static let settlingMilliseconds: Int32 = 1

  /// - Parameters:
  ///   - capture: armed.
  ///   - duration: in ns; nil for as long as something is watched.
  package init(
    _ capture: any CaptureLifecycle, armedAt: MonotonicTime, signals: SignalDescriptor,
    durationNanoseconds duration: UInt64?, watching: [ProcessID]
  ) {
    self.capture = capture
    self.armedAt = armedAt
    self.signals = signals
    deadline = duration.map { MonotonicTime(nanoseconds: armedAt.nanoseconds + $0) }
    // A process that has ended already needs no descriptor: the table of targets says so.
    watched = watching.compactMap { try? ProcessDescriptor.open($0) }
  }

  /// Waits until the capture is over.
  ///
  /// - Parameter showProgress: called a few times a second with what was recorded so far.
  package mutating func run(command: ChildProcess?, showProgress: (String) -> Void) throws -> CaptureEnd {
    capture.followRunningProcesses()
    while true {
      let descriptors = [signals.descriptor] + capture.descriptors + watched.map(\.descriptor)
      let readable = Poll.readable(descriptors, timeoutMilliseconds: timeout)
      if let signal = signals.next() { return .signal(signal) }
      try capture.drain()
      showProgress(progress)
      // The descriptor of a process that has ended stays readable: polled on, it would keep the loop spinning.
      watched.removeAll { readable.contains($0.descriptor) }
      if watched.isEmpty {
        if let end = try command?.end(waiting: false) { return .commandEnded(end) }
        if capture.hasNoTargetLeft { return .targetsGone }
      }
      if let deadline, Clock.monotonic >= deadline { return .duration }
    }
  }

  private var timeout: Int32 {
    var timeout = capture.hasPending ? Self.settlingMilliseconds : Self.tickMilliseconds
    if let deadline {
      let left = deadline.nanoseconds(since: Clock.monotonic)
      timeout = min(timeout, Int32(clamping: (left + 999_999) / 1_000_000))
    }
    return timeout
  }

  private var progress: String {
    let elapsed = Clock.monotonic.nanoseconds(since: armedAt) / 1_000_000_000
    let whole = deadline.map { " of \($0.nanoseconds(since: armedAt) / 1_000_000_000) s" } ?? " s"
    return "\(elapsed)\(whole), \(capture.progress); Ctrl-C ends the capture and keeps it"
  }
}
