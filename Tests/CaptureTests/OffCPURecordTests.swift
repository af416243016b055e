import CProbes
import ProfileModel
import Testing
import Unwinding

@testable import Capture

struct OffCPURecordTests {
  private func bytes<Value>(_ value: Value) -> [UInt8] { withUnsafeBytes(of: value) { Array($0) } }

  private func stack(_ addresses: [UInt64], side: Int32 = SWPROF_SIDE_USER, end: UInt8 = 1) -> [UInt8] {
    var record = swprof_stack()
    record.record = SWPROF_RECORD_STACK.rawValue
    record.tgid = 10
    record.id = 77
    record.time_ns = 5
    record.frames = UInt16(addresses.count)
    record.end = end
    record.side = UInt8(side)
    record.process_comm.0 = 0x62
    return bytes(record) + addresses.flatMap { bytes($0) }
  }

  @Test func `a stack gives back its number, its side and its addresses`() throws {
    guard case .stack(let found) = try OffCPURecord(decoding: stack([1, 2, 3])) else {
      Issue.record("no stack")
      return
    }
    #expect(found.id == 77)
    #expect(found.addresses == [1, 2, 3])
    #expect(found.process.rawValue == 10)
    #expect(found.processName == "b")
    #expect(!found.isKernel)
    #expect(found.end == .complete)
  }

  @Test func `a thread gives back its names`() throws {
    var record = swprof_thread()
    record.record = SWPROF_RECORD_THREAD.rawValue
    record.tgid = 10
    record.tid = 11
    record.comm.0 = 0x61
    guard case .thread(let found) = try OffCPURecord(decoding: bytes(record)) else {
      Issue.record("no thread")
      return
    }
    #expect(found.thread.rawValue == 11)
    #expect(found.name == "a")
  }

  @Test func `a record cut anywhere, of another kind or with another end is an error`() {
    let whole = stack([1, 2])
    for length in 0..<whole.count {
      #expect(throws: OffCPURecord.DecodeError.self) { try OffCPURecord(decoding: Array(whole.prefix(length))) }
    }
    #expect(throws: OffCPURecord.DecodeError.unknownRecord(9)) { try OffCPURecord(decoding: [9, 0, 0, 0]) }
    #expect(throws: OffCPURecord.DecodeError.unknownStackEnd(99)) { try OffCPURecord(decoding: stack([1], end: 99)) }
  }

  private func row(first: UInt8 = 1, kernel: [UInt64] = []) -> [UInt8] {
    var row = swprof_open_interval()
    row.thread.tgid = 10
    row.thread.tid = 11
    row.since_ns = 3
    row.first_ns = 40
    row.first_wanted = first
    row.kernel_frames = UInt16(kernel.count)
    return bytes(row) + kernel.flatMap { bytes($0) }
  }

  @Test func `the rows of an iterator are read one behind the other`() throws {
    let rows = try ThreadAtEnd.decode(row(kernel: [7, 8]) + row(first: 0) + row())
    #expect(rows.map(\.kernelStack) == [[7, 8], [], []])
    #expect(rows.map { $0.wait != nil } == [true, false, true])
    #expect(rows[0].wait == rows[2].wait)
  }

  @Test func `a row cut short is an error`() {
    let whole = row(kernel: [7, 8])
    for length in 1..<whole.count {
      #expect(throws: OffCPURecord.DecodeError.self) { try ThreadAtEnd.decode(Array(whole.prefix(length))) }
    }
  }
}
