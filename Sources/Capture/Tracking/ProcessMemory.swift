package import LinuxSystem
package import ProfileModel
import Runtimes

/// The memory of a live process, held open: once the process is gone, or executes another program, nothing can be read.
package struct ProcessMemory: TargetMemory {
  private let file: OpenFile

  package init(of process: ProcessID) throws(Errno) {
    file = try OpenFile("\(ProcessTable.directory(of: process))/mem")
  }

  package func bytes(at address: UInt64, count: Int) -> [UInt8]? {
    guard let offset = Int(exactly: address), count > 0 else { return count == 0 ? [] : nil }
    guard let bytes = try? file.read(from: offset, limit: count, chunkSize: count), bytes.count == count else {
      return nil
    }
    return bytes
  }
}
