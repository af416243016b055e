import CLibBPF
import LinuxSystem

/// A place in a file's code that a BPF program is run at.
package struct UserProbe: Sendable {
  /// The file, by a path of this process.
  package let file: String
  /// Where the function is in the file. libbpf would look names up without a bound on what it reads.
  package let offset: UInt64
  /// Whether the program runs when the function returns, and not when it is entered.
  package let isReturn: Bool
  /// The process in which it runs, and which alone pays for it; nil for all that have the file mapped, now or later.
  package let process: Int32?

  package init(file: String, offset: UInt64, isReturn: Bool, process: Int32?) {
    self.file = file
    self.offset = offset
    self.isReturn = isReturn
    self.process = process
  }
}

/// Probes that are taken off together, before the object whose programs they run.
@safe package final class UserProbeLinks {
  fileprivate var links: [OpaquePointer] = unsafe []
  /// Takes off what `detachInBackground()` was told to.
  private var worker: Worker?

  private final class Worker {
    private var thread: WorkerThread?
    init(_ thread: consuming WorkerThread) { self.thread = consume thread }
    func join() { thread.take()?.join() }
  }

  package init() {}

  deinit {
    worker?.join()
    unsafe BPFObject.destroy([], links)
  }

  /// Takes the probes off in a thread of its own: it takes the kernel a grace period.
  package func detachInBackground() {
    let links = unsafe self.links.map { UInt(bitPattern: $0) }
    unsafe self.links = []
    do {
      worker = Worker(
        try WorkerThread { unsafe BPFObject.destroy([], links.compactMap { unsafe OpaquePointer(bitPattern: $0) }) })
    } catch {
      unsafe BPFObject.destroy([], links.compactMap { unsafe OpaquePointer(bitPattern: $0) })
    }
  }
}

extension BPFObject {
  /// Attaches a program to a function of a file. All threads of a process come by.
  ///
  /// - Parameter links: what keeps it attached; nil for the object itself.
  package mutating func attach(
    _ program: some ProgramName, to probe: UserProbe, keptBy links: UserProbeLinks? = nil
  ) throws(BPFError) {
    var options = unsafe bpf_uprobe_opts()
    unsafe options.sz = MemoryLayout<bpf_uprobe_opts>.size
    unsafe options.retprobe = probe.isReturn
    let handle = try unsafe self.program(program)
    let link = unsafe bpf_program__attach_uprobe_opts(
      handle, probe.process ?? -1, probe.file, Int(truncatingIfNeeded: probe.offset), &options)
    guard let link = unsafe link else { throw BPFError(operation: .attach(program: program.rawValue), cause: .last) }
    if let links { unsafe links.links.append(link) } else { unsafe adopt(link) }
  }

  /// Takes over probes, which are taken off with the object's own.
  package mutating func adopt(_ links: UserProbeLinks) {
    unsafe links.links.forEach { unsafe adopt($0) }
    unsafe links.links = []
  }
}
