import CProbes
import ProfileModel
import Runtimes
import Testing

@testable import Capture

/// Copies of code objects as the kernel side sends them.
struct PythonCodeCopyTests {
  private func bytes(_ change: (inout swprof_python_code) -> Void = { _ in }) -> [UInt8] {
    var record = swprof_python_code()
    record.time_ns = 5
    record.code = 0x1000
    record.name = 0x2000
    record.file = 0x3000
    record.lines = 0x4000
    record.tgid = 12
    record.cookie = 7
    record.edition = 3
    (record.name_size, record.file_size, record.lines_size) = (256, 16, 0)
    record.head_bytes.0 = 1
    record.name_bytes.255 = 2
    record.file_bytes.15 = 3
    record.lines_bytes.0 = 4
    change(&record)
    return withUnsafeBytes(of: record) { Array($0) }
  }

  @Test func `a copy has the bytes that were read, at their addresses`() throws {
    let copy = try PythonCodeCopy(decoding: bytes())

    #expect(copy.time.nanoseconds == 5 && copy.process.rawValue == 12)
    #expect(copy.code == 0x1000 && copy.cookie == 7 && copy.edition == 3)
    #expect(copy.value(at: 0x1000) == UInt8(1))
    #expect(copy.value(at: 0x1000 + UInt64(SWPROF_PYTHON_HEAD_SIZE) - 1, as: UInt8.self) == 0)
    #expect(copy.value(at: 0x20FF) == UInt8(2))
    #expect(copy.value(at: 0x300F) == UInt8(3))
    // What was not read is not there.
    for address in [UInt64(0), 0xFFF, 0x1000 + UInt64(SWPROF_PYTHON_HEAD_SIZE), 0x2100, 0x3010, 0x4000, .max] {
      #expect(copy.value(at: address, as: UInt8.self) == nil)
    }
    #expect(copy.value(at: 0x20FD, as: UInt32.self) == nil)
  }

  @Test func `a record of another size, or with sizes beyond it, is malformed`() {
    for size in [0, 1, MemoryLayout<swprof_python_code>.size - 1] {
      #expect(throws: PythonCodeCopy.Malformed.self) { try PythonCodeCopy(decoding: Array(bytes().prefix(size))) }
    }
    #expect(throws: PythonCodeCopy.Malformed.self) { try PythonCodeCopy(decoding: bytes { $0.lines_size = 2049 }) }
    #expect(throws: PythonCodeCopy.Malformed.self) { try PythonCodeCopy(decoding: bytes { $0.name_size = 257 }) }
  }
}
