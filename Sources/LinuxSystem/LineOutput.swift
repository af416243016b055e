import Glibc
import ProfileModel

/// Lines for a reader who may be slow, gone or out of room. Writing never waits and never throws.
///
/// What cannot be written now is kept up to a limit and tried again with the next line or `flush()`.
package final class LineOutput {
  /// Why lines are not written.
  package enum Trouble: Equatable, Sendable {
    /// The other end of the pipe or socket is closed: nothing is written any more.
    case readerGone
    /// Writing failed, which may pass: a full disk.
    case failed(Errno)
    /// The reader takes nothing, and so many lines found no room in memory.
    case linesLost(Int)
  }

  private let descriptor: Int32
  private let limit: Int
  /// `poll(2)` promises room for this much: a page of a pipe, some bytes of a terminal (`WAKEUP_CHARS`, drivers/tty/n_tty.c).
  private let pieceSize: Int
  private var pending: [UInt8] = []
  private var isReaderGone = false
  private var lastFailure: Errno?
  private var linesLost = 0
  private var news: [Trouble] = []

  /// - Parameter limit: the bytes that are kept for a reader who takes nothing.
  package init(_ descriptor: Int32, limit: Int = 1 << 20) {
    self.descriptor = descriptor
    self.limit = limit
    pieceSize = isatty(descriptor) == 1 ? 128 : 4096
  }

  /// Whether lines wait for their reader.
  package var isBehind: Bool { !pending.isEmpty }

  /// Writes a line, which ends with a line feed, or keeps it.
  package func send(_ line: String) {
    guard !isReaderGone else { return }
    flush()
    guard pending.count + line.utf8.count <= limit else {
      linesLost += 1
      return
    }
    pending += Array(line.utf8)
    flush()
  }

  /// Writes what the reader takes.
  package func flush() {
    while !pending.isEmpty, !isReaderGone, isWritable {
      let count = unsafe pending.withUnsafeBytes { bytes in
        unsafe write(descriptor, bytes.baseAddress, min(pieceSize, bytes.count))
      }
      guard count > 0 else {
        note(count == 0 ? .noSpace : Errno.last)
        return
      }
      pending.removeFirst(count)
      lastFailure = nil
    }
    if pending.isEmpty, linesLost > 0 {
      news.append(.linesLost(linesLost))
      linesLost = 0
    }
  }

  /// Waits a while for a slow reader, before the program ends.
  package func flush(waitingMilliseconds limit: Int32) {
    let deadline = Clock.monotonic + UInt64(limit) * 1_000_000
    flush()
    while isBehind, !isReaderGone, lastFailure == nil {
      let left = deadline.nanoseconds(since: Clock.monotonic) / 1_000_000
      guard left > 0 else { return }
      var entry = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
      _ = unsafe poll(&entry, 1, Int32(clamping: left))
      flush()
    }
  }

  /// What has gone wrong since the last call: each kind once for as long as it lasts.
  package func takeNews() -> [Trouble] {
    defer { news = [] }
    return news
  }

  private var isWritable: Bool {
    var entry = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
    return unsafe poll(&entry, 1, 0) > 0
  }

  private func note(_ cause: Errno) {
    switch cause.code {
    case EAGAIN, EINTR: return
    case EPIPE, EBADF:
      isReaderGone = true
      pending = []
      news.append(.readerGone)
    default:
      if lastFailure != cause { news.append(.failed(cause)) }
      lastFailure = cause
    }
  }
}
