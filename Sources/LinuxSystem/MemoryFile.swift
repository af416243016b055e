import Glibc

/// `memfd_create(2)`, which glibc shows to GNU programs only.
@_silgen_name("memfd_create") private func createMemoryFile(_ name: UnsafePointer<CChar>, _ flags: UInt32) -> Int32

extension OpenFile {
  /// Makes a file that has no place in the file system, for libraries that read from nothing but files.
  ///
  /// - Parameter name: what /proc/PID/fd shows.
  package static func inMemory(_ name: String) throws(Errno) -> OpenFile {
    OpenFile(adopting: try retryingOnInterrupt { unsafe createMemoryFile(name, 1) })  // MFD_CLOEXEC
  }

  /// A path by which this process can open the file again.
  package var ownPath: String { "/proc/self/fd/\(descriptor)" }

  /// Writes bytes at the place where the last ones ended.
  package func append(_ bytes: [UInt8]) throws(Errno) {
    var written = 0
    while written < bytes.count {
      written += try retryingOnInterrupt {
        unsafe bytes.withUnsafeBytes { buffer in
          unsafe write(descriptor, buffer.baseAddress?.advanced(by: written), buffer.count - written)
        }
      }
    }
  }
}
