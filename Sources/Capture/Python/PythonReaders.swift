import LinuxSystem
import ProfileModel
import Runtimes

/// Reads code objects of Python processes, whose memory is held open.
struct PythonReaders {
  private struct Reader {
    let programStart: UInt64
    let memory: ProcessMemory
  }

  private var readers: [ProcessID: Reader] = [:]

  /// Of processes whose memory is held open: each takes a descriptor.
  private static let limit = 256

  /// Reads a code object.
  ///
  /// - Parameters:
  ///   - start: when the program of the process began: another one has other memory.
  ///   - runtime: of that program.
  /// - Returns: nil if the process has ended.
  mutating func read(
    _ process: ProcessID, start: UInt64, code: UInt64, cookie: UInt32, of runtime: PythonRuntime
  ) -> PythonCode.Reading? {
    guard let memory = memory(of: process, start: start) else { return nil }
    return PythonCode.read(at: code, cookie: cookie, of: runtime, in: memory)
  }

  private mutating func memory(of process: ProcessID, start: UInt64) -> ProcessMemory? {
    if let known = readers[process], known.programStart == start { return known.memory }
    guard let memory = try? ProcessMemory(of: process) else { return nil }
    if readers.count >= Self.limit {
      readers = readers.filter { ProcessTable.exists($0.key) }
      if readers.count >= Self.limit { readers = [:] }
    }
    readers[process] = Reader(programStart: start, memory: memory)
    return memory
  }
}
