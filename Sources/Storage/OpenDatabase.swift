import GRDB

/// A database that is closed with its last reference, while the queue of its statements stays in memory.
///
/// To free a queue, libdispatch wants a thread, and waits for one without end where none can be made: at a limit of
/// processes (setrlimit(2), pids.max), a capture hung when it had all its data. A queue takes a few hundred bytes.
final class OpenDatabase: Sendable {
  let queue: DatabaseQueue

  init(_ queue: DatabaseQueue) { self.queue = queue }

  deinit {
    // SQLite refuses while a statement runs, of which there is none without a reference.
    do { try queue.close() } catch { assertionFailure("\(error)") }
    unsafe _ = Unmanaged.passRetained(queue)
  }
}
