import CLinux
import Glibc

/// The demanglers of the C++ and Swift runtimes, at work in a child process.
///
/// Symbol names come from other users' files, and a name of 200 bytes can be made that takes these demanglers hours and
/// gigabytes. A child can be given a bound of both, and be ended.
package final class DemanglerProcess {
  package enum Mangling: Sendable {
    case cxx
    case swift
  }

  private struct Worker {
    let process: pid_t
    let channel: Int32
  }

  private var worker: Worker?

  /// Honest names take microseconds; the rest of this is for a machine in trouble.
  private static let timeoutMilliseconds: Int32 = 300
  private static let maximumLength = 4_096

  package init() {}

  deinit { stop() }

  /// The readable form of a name, cut to 4 KB; nil when it has none, or none within the bounds.
  package func demangle(_ name: String, _ mangling: Mangling) -> String? {
    guard let worker = running() else { return nil }
    let name = Array(name.utf8.map { CChar(bitPattern: $0) })
    var length = 0
    let reply = unsafe [UInt8](unsafeUninitializedCapacity: Self.maximumLength) { buffer, count in
      length = unsafe buffer.withMemoryRebound(to: CChar.self) { reply in
        unsafe swprof_demangler_ask(
          worker.channel, mangling == .cxx ? SWPROF_MANGLING_CXX : SWPROF_MANGLING_SWIFT, name, name.count,
          reply.baseAddress, reply.count, Self.timeoutMilliseconds)
      }
      count = max(0, length)
    }
    // A worker that did not answer is not asked again.
    if length < 0 { stop() }
    return length > 0 ? String(decoding: reply, as: UTF8.self) : nil
  }

  private func running() -> Worker? {
    if let worker { return worker }
    var channel: Int32 = -1
    let process = unsafe swprof_demangler_start(&channel)
    guard process > 0 else { return nil }
    worker = Worker(process: process, channel: channel)
    return worker
  }

  private func stop() {
    guard let worker else { return }
    close(worker.channel)
    kill(worker.process, SIGKILL)
    _ = waitpid(worker.process, nil, 0)
    self.worker = nil
  }
}
