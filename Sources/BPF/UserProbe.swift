import CLibBPF
import LinuxSystem

/// A place in a file's code that a BPF program is run at, in one process.
package struct UserProbe: Sendable {
  /// The file, by a path of this process.
  package let file: String
  package let function: String
  /// Whether the program runs when the function returns, and not when it is entered.
  package let isReturn: Bool
  package let process: Int32

  package init(file: String, function: String, isReturn: Bool, process: Int32) {
    self.file = file
    self.function = function
    self.isReturn = isReturn
    self.process = process
  }
}

extension BPFObject {
  /// Attaches a program to a function of a file that a process has mapped. All threads of the process come by.
  package mutating func attach(_ program: String, to probe: UserProbe) throws(BPFError) {
    var options = unsafe bpf_uprobe_opts()
    unsafe options.sz = MemoryLayout<bpf_uprobe_opts>.size
    unsafe options.retprobe = probe.isReturn
    let handle = try unsafe self.program(program)
    let link = unsafe probe.function.withCString { name in
      unsafe options.func_name = name
      return unsafe bpf_program__attach_uprobe_opts(handle, probe.process, probe.file, 0, &options)
    }
    guard let link = unsafe link else { throw BPFError(operation: .attach(program: program), cause: .last) }
    unsafe adopt(link)
  }
}
