import Glibc

/// A thread of this process beside the main one.
package struct WorkerThread: ~Copyable {
  private let thread: pthread_t

  private final class Work {
    let body: @Sendable () -> Void
    init(_ body: @escaping @Sendable () -> Void) { self.body = body }
  }

  /// Starts it. Signals that are blocked here are blocked there too.
  package init(_ body: @escaping @Sendable () -> Void) throws(Errno) {
    let work = unsafe Unmanaged.passRetained(Work(body)).toOpaque()
    var thread = pthread_t()
    let failure = unsafe pthread_create(
      &thread, nil,
      { context in
        guard let context = unsafe context else { return nil }
        unsafe Unmanaged<Work>.fromOpaque(context).takeRetainedValue().body()
        return nil
      }, work)
    guard failure == 0 else {
      unsafe Unmanaged<Work>.fromOpaque(work).release()
      throw Errno(code: failure)
    }
    self.thread = thread
  }

  /// Waits until it has done its work.
  package consuming func join() { _ = pthread_join(thread, nil) }
}
