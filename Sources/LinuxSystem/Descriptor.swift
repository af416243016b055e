import Glibc

/// What is done with any open descriptor.
package enum Descriptor {
  /// Writes all bytes, however many calls that takes.
  package static func write(_ bytes: [UInt8], to descriptor: Int32) throws(Errno) {
    var rest = bytes[...]
    while !rest.isEmpty {
      let count = try retryingOnInterrupt {
        unsafe rest.withUnsafeBytes { unsafe Glibc.write(descriptor, $0.baseAddress, $0.count) }
      }
      rest = rest.dropFirst(count)
    }
  }
}
