import CLinux
import Glibc

/// SIGINT, SIGTERM and SIGHUP as a descriptor that becomes readable.
///
/// The first signal asks for an early end. A second one ends the process at once, with 128 and its number, whatever the
/// process is doing: the handler does that.
package struct SignalDescriptor: Sendable {
  /// What SIGHUP does.
  package enum Hangup: Sendable {
    /// As the other signals.
    case end
    /// It arrives each time, and ends nothing.
    case message
  }

  package let descriptor: Int32
  /// The signal mask at the program's start, which child processes get back.
  package let originalMask: SignalMask

  /// Catches the signals; there is one handler for the whole process, however many descriptors are made.
  ///
  /// - Parameter mask: what an earlier descriptor found; nil for the first one.
  package init(hangup: Hangup = .end, originalMask mask: SignalMask? = nil) throws(Errno) {
    var original = sigset_t()
    guard unsafe sigprocmask(SIG_BLOCK, nil, &original) == 0 else { throw Errno.last }
    descriptor = try retryingOnInterrupt { swprof_catch_signals(hangup == .message ? 1 : 0) }
    originalMask = mask ?? SignalMask(signals: original)
  }

  /// The next signal that has arrived, or nil.
  package func next() -> Int32? {
    var byte: UInt8 = 0
    return unsafe read(descriptor, &byte, 1) == 1 ? Int32(byte) : nil
  }

  /// How many signals have asked for an end: 0 or 1, as the second one ends the process.
  package static var count: Int { Int(swprof_signal_count()) }

  /// The signal that has asked for an end; nil where none has.
  package static var last: Int32? {
    let signal = swprof_last_signal()
    return signal > 0 ? signal : nil
  }

  /// From here on the first signal ends the process at once too.
  ///
  /// - Parameter message: what is then said on standard error, with a line feed.
  package static func leaveOnSignal(_ message: String) { unsafe swprof_leave_on_signal(message) }

  /// Undoes that.
  package static func stayOnSignal() { swprof_stay_on_signal() }

  /// A file in a directory that is to be removed where a signal ends the process; nil for none.
  package static func notePartialFile(_ file: (directory: Int32, name: String)?) {
    guard let file else { return swprof_forget_partial_file() }
    unsafe swprof_note_partial_file(file.directory, file.name)
  }
}

/// A set of blocked signals.
package struct SignalMask: Sendable {
  let signals: sigset_t
}

/// Waits for descriptors to become readable.
package enum Poll {
  /// - Returns: the descriptors that are readable (or closed), empty after the time is over or a signal came.
  package static func readable(_ descriptors: [Int32], timeoutMilliseconds: Int32) -> Set<Int32> {
    var entries = descriptors.map { pollfd(fd: $0, events: Int16(POLLIN), revents: 0) }
    let count = unsafe poll(&entries, nfds_t(entries.count), timeoutMilliseconds)
    guard count > 0 else { return [] }
    return Set(entries.filter { $0.revents != 0 }.map(\.fd))
  }
}
