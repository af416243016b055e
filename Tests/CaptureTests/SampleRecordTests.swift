import CProbes
import ProfileModel
import Testing
import Unwinding

@testable import Capture

struct SampleRecordTests {
  private func bytes(user: [UInt64], kernel: [UInt64], userEnd: UInt8 = 1, copy: [UInt64] = []) -> [UInt8] {
    var header = swprof_sample()
    header.time_ns = 5
    header.tgid = 10
    header.tid = 11
    header.user_frames = UInt16(user.count)
    header.kernel_frames = UInt16(kernel.count)
    header.user_end = userEnd
    header.stack_words = UInt16(max(0, copy.count - Int(SWPROF_COPY_REGISTERS)))
    header.comm.0 = 0x61
    header.process_comm.0 = 0x62
    return withUnsafeBytes(of: header) { Array($0) }
      + (user + kernel + copy).flatMap { address in
        withUnsafeBytes(of: address) { Array($0) }
      }
  }

  @Test func `a record gives back both stacks, the names and the ids`() throws {
    let sample = try SampleRecord(decoding: bytes(user: [1, 2, 3], kernel: [8, 9]))

    #expect(sample.userStack == [1, 2, 3])
    #expect(sample.kernelStack == [8, 9])
    #expect(sample.threadName == "a")
    #expect(sample.processName == "b")
    #expect(sample.process.rawValue == 10)
    #expect(sample.thread.rawValue == 11)
    #expect(sample.userEnd == .complete)
  }

  @Test func `a record cut anywhere is an error that tells the sizes`() {
    let whole = bytes(user: [1, 2], kernel: [3])
    for length in 0..<whole.count {
      #expect(throws: SampleRecord.DecodeError.self) { try SampleRecord(decoding: Array(whole.prefix(length))) }
    }
    #expect(throws: SampleRecord.DecodeError.truncated(expected: 88, actual: 80)) {
      try SampleRecord(decoding: Array(whole.prefix(80)))
    }
  }

  @Test func `a copy of the stack gives its registers by their DWARF numbers, and its words by their addresses`() throws
  {
    var registers = (0..<UInt64(SWPROF_COPY_REGISTERS)).map { 0x100 + $0 }
    registers[StackWalk.Registers.stackPointer] = 0x7000
    let whole = bytes(user: [1], kernel: [2], userEnd: 8, copy: registers + [77, 88])
    let copy = try #require(try SampleRecord(decoding: whole).stackCopy)

    #expect(copy.registers == registers)
    #expect(copy.bytes(at: 0x7000, count: 8) == [77, 0, 0, 0, 0, 0, 0, 0])
    #expect(copy.bytes(at: 0x7007, count: 2) == [0, 88])
    for place: UInt64 in [0x6FF8, 0x700C, 0x7010, 0, .max] { #expect(copy.bytes(at: place, count: 8) == nil) }
    for length in 0..<whole.count {
      #expect(throws: SampleRecord.DecodeError.self) { try SampleRecord(decoding: Array(whole.prefix(length))) }
    }
    #expect(try SampleRecord(decoding: bytes(user: [1], kernel: [])).stackCopy == nil)
  }

  @Test func `an end that this version does not know is an error`() {
    #expect(throws: SampleRecord.DecodeError.unknownStackEnd(99)) {
      try SampleRecord(decoding: bytes(user: [1], kernel: [], userEnd: 99))
    }
  }
}
