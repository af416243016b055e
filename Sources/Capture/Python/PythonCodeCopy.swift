import CProbes
import ELF
import LinuxSystem
import ProfileModel
import Runtimes

/// What the kernel side has copied of a code object when it saw it first (`struct swprof_python_code`).
struct PythonCodeCopy: TargetMemory {
  let time: MonotonicTime
  let process: ProcessID
  let code: UInt64
  let cookie: UInt32
  /// Which of the layouts that `PythonPublisher` has published its process had.
  let edition: UInt16
  private let blocks: [(start: UInt64, bytes: [UInt8])]

  struct Malformed: Error {}

  init(decoding bytes: [UInt8]) throws(Malformed) {
    guard let header: swprof_python_code = bytes.value(at: 0) else { throw Malformed() }
    time = MonotonicTime(nanoseconds: header.time_ns)
    process = ProcessID(rawValue: Int32(bitPattern: header.tgid))
    code = header.code
    cookie = header.cookie
    edition = header.edition
    func block(
      _ address: UInt64, _ field: PartialKeyPath<swprof_python_code>, _ size: Int, of limit: Int32
    ) -> (UInt64, [UInt8])? {
      guard let start = MemoryLayout<swprof_python_code>.offset(of: field), size <= limit else { return nil }
      return (address, Array(bytes[start..<start + size]))
    }
    let parts = [
      block(header.code, \.head_bytes, Int(SWPROF_PYTHON_HEAD_SIZE), of: SWPROF_PYTHON_HEAD_SIZE),
      block(header.name, \.name_bytes, Int(header.name_size), of: SWPROF_PYTHON_NAME_SIZE),
      block(header.file, \.file_bytes, Int(header.file_size), of: SWPROF_PYTHON_FILE_SIZE),
      block(header.lines, \.lines_bytes, Int(header.lines_size), of: SWPROF_PYTHON_LINES_SIZE),
    ]
    blocks = parts.compactMap(\.self)
    guard blocks.count == parts.count else { throw Malformed() }
  }

  func bytes(at address: UInt64, count: Int) -> [UInt8]? {
    for block in blocks where address >= block.start {
      let start = address - block.start
      guard start <= UInt64(block.bytes.count), count >= 0, count <= block.bytes.count - Int(start) else { continue }
      return Array(block.bytes[Int(start)..<Int(start) + count])
    }
    return nil
  }
}
