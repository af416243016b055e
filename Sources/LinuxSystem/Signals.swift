import CLinux
import Glibc

/// SIGINT, SIGTERM and SIGHUP as a descriptor that becomes readable (signalfd(2)).
package struct SignalDescriptor: ~Copyable {
  package let descriptor: Int32
  /// The signal mask at the program's start, which child processes get back.
  package let originalMask: SignalMask
  private let blocked: sigset_t

  /// Blocks the signals; from here on they arrive here only.
  ///
  /// - Parameter mask: what an earlier descriptor found, whose blocks are still in force; nil for the first one.
  package init(originalMask mask: SignalMask? = nil) throws(Errno) {
    var blocked = sigset_t()
    unsafe sigemptyset(&blocked)
    for signal in [SIGINT, SIGTERM, SIGHUP] { unsafe sigaddset(&blocked, signal) }
    var original = sigset_t()
    guard unsafe sigprocmask(SIG_BLOCK, &blocked, &original) == 0 else { throw Errno.last }
    self.descriptor = try retryingOnInterrupt { unsafe signalfd(-1, &blocked, Int32(SFD_CLOEXEC | SFD_NONBLOCK)) }
    self.originalMask = mask ?? SignalMask(signals: original)
    self.blocked = blocked
  }

  deinit { close(descriptor) }

  /// The next signal that has arrived, or nil.
  package func next() -> Int32? {
    var information = signalfd_siginfo()
    let size = MemoryLayout<signalfd_siginfo>.size
    let count = unsafe read(descriptor, &information, size)
    return count == size ? Int32(information.ssi_signo) : nil
  }

  /// Gives the signals their default effect again, so that the next one ends the program at once.
  package func restoreDefaults() {
    for signal in [SIGINT, SIGTERM, SIGHUP] { _ = Glibc.signal(signal, SIG_DFL) }
    var blocked = blocked
    _ = unsafe sigprocmask(SIG_UNBLOCK, &blocked, nil)
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
