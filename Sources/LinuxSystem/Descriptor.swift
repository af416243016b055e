import Glibc

/// What is done with any open descriptor.
package enum Descriptor {
  /// Writes all bytes, however many calls that takes. Waits for room where the descriptor itself does not.
  package static func write(_ bytes: [UInt8], to descriptor: Int32) throws(Errno) {
    var rest = bytes[...]
    while !rest.isEmpty {
      do {
        let count = try retryingOnInterrupt {
          unsafe rest.withUnsafeBytes { unsafe Glibc.write(descriptor, $0.baseAddress, $0.count) }
        }
        rest = rest.dropFirst(count)
      } catch Errno.tryAgain {
        // Another program has made it non-blocking, for itself and for all who share it.
        try waitForRoom(descriptor)
      }
    }
  }

  private static func waitForRoom(_ descriptor: Int32) throws(Errno) {
    var entry = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
    try retryingOnInterrupt { unsafe poll(&entry, 1, -1) }
  }
}
