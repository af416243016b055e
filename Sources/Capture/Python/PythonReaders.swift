import LinuxSystem
import ProfileModel
import Runtimes

/// Reads code objects of Python processes, whose memory is held open.
struct PythonReaders {
  private struct Reader {
    let programStart: UInt64
    let memory: ProcessMemory
    let runtime: PythonRuntime
  }

  private var readers: [ProcessID: Reader] = [:]

  /// Of processes whose memory is held open: each takes a descriptor.
  private static let limit = 256

  /// Reads a code object.
  ///
  /// - Parameters:
  ///   - start: when the program of the process began: another one has another runtime.
  /// - Returns: nil if the process has ended, or has no runtime that is known.
  mutating func read(
    _ process: ProcessID, start: UInt64, code: UInt64, cookie: UInt32
  ) -> PythonCode.Reading? {
    guard let reader = reader(of: process, start: start) else { return nil }
    return PythonCode.read(at: code, cookie: cookie, of: reader.runtime, in: reader.memory)
  }

  private mutating func reader(of process: ProcessID, start: UInt64) -> Reader? {
    if let known = readers[process], known.programStart == start { return known }
    guard let memory = try? ProcessMemory(of: process), let modules = try? MappedModule.all(of: process),
      let runtime = try? PythonRuntime.find(in: memory, modules: modules)
    else { return nil }
    if readers.count >= Self.limit {
      readers = readers.filter { ProcessTable.exists($0.key) }
      if readers.count >= Self.limit { readers = [:] }
    }
    let reader = Reader(programStart: start, memory: memory, runtime: runtime)
    readers[process] = reader
    return reader
  }
}
