import Glibc

/// A Linux error number; its description is the C library's sentence for it.
package struct Errno: Error, Hashable, Sendable, CustomStringConvertible {
  package let code: Int32

  package init(code: Int32) { self.code = code }

  /// The calling thread's `errno`; read it before any other call.
  package static var last: Errno { Errno(code: errno) }

  package static let notPermitted = Errno(code: EPERM)
  package static let accessDenied = Errno(code: EACCES)
  package static let noSuchFile = Errno(code: ENOENT)
  package static let noSuchProcess = Errno(code: ESRCH)
  package static let interrupted = Errno(code: EINTR)
  package static let tryAgain = Errno(code: EAGAIN)
  package static let brokenPipe = Errno(code: EPIPE)
  package static let noSpace = Errno(code: ENOSPC)
  package static let invalid = Errno(code: EINVAL)
  package static let notSupported = Errno(code: EOPNOTSUPP)

  package var description: String {
    guard let text = unsafe strerror(code) else { return "error \(code)" }
    return unsafe String(cString: text)
  }
}

/// Calls a function that returns -1 and sets `errno`, again while a signal interrupts it.
@discardableResult
package func retryingOnInterrupt<Value: SignedInteger>(_ call: () -> Value) throws(Errno) -> Value {
  while true {
    let result = call()
    if result != -1 { return result }
    let error = Errno.last
    if error != .interrupted { throw error }
  }
}
