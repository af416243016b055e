import Glibc
import Synchronization

/// Messages from one thread to another, which polls for them.
package final class Mailbox<Message: Sendable>: Sendable {
  private let messages = Mutex<[Message]>([])
  private let reading: OpenFile
  private let writing: OpenFile

  package init() throws(Errno) {
    var ends: [Int32] = [-1, -1]
    guard unsafe pipe(&ends) == 0 else { throw Errno.last }
    (reading, writing) = (OpenFile(adopting: ends[0]), OpenFile(adopting: ends[1]))
    for end in ends {
      _ = fcntl(end, F_SETFD, FD_CLOEXEC)
      _ = fcntl(end, F_SETFL, O_NONBLOCK)
    }
  }

  /// Readable while there are messages.
  package var descriptor: Int32 { reading.descriptor }

  package func send(_ message: Message) {
    messages.withLock { $0.append(message) }
    // A full pipe is readable anyway.
    var byte: UInt8 = 1
    _ = unsafe write(writing.descriptor, &byte, 1)
  }

  /// Takes all messages there are, in the order in which they were sent.
  package func takeAll() -> [Message] {
    var bytes = [UInt8](repeating: 0, count: 256)
    while unsafe read(reading.descriptor, &bytes, bytes.count) == bytes.count {}
    return messages.withLock { messages in
      defer { messages = [] }
      return messages
    }
  }
}
