import LinuxSystem
import ProfileModel
import Testing

/// Records as perf_event_open(2) lays them out, with the trailer of `sample_id_all` and sample type `TID | TIME`.
struct SidebandRecordTests {
  private struct Writer {
    var bytes: [UInt8] = []

    mutating func add<Value: FixedWidthInteger>(_ value: Value) {
      withUnsafeBytes(of: value) { bytes += Array($0) }
    }

    mutating func add(text: String, padded size: Int) {
      bytes += Array(text.utf8) + [UInt8](repeating: 0, count: size - text.utf8.count)
    }
  }

  private func record(kind: UInt32, misc: UInt16 = 0, time: UInt64 = 77, _ body: (inout Writer) -> Void) -> [UInt8] {
    var writer = Writer()
    writer.add(kind)
    writer.add(misc)
    writer.add(UInt16(0))
    body(&writer)
    writer.add(UInt32(42))
    writer.add(UInt32(43))
    writer.add(time)
    return writer.bytes
  }

  private func decoded(_ bytes: [UInt8]) -> SidebandRecord? { SidebandRecord(decoding: bytes.span.bytes) }

  private func mapping(protection: UInt32 = 5, path: String = "/usr/bin/x") -> [UInt8] {
    record(kind: 10) { writer in
      writer.add(UInt32(42))
      writer.add(UInt32(43))
      writer.add(UInt64(0x1000))
      writer.add(UInt64(0x2000))
      writer.add(UInt64(0x5000))
      writer.add(UInt32(8))
      writer.add(UInt32(1))
      writer.add(UInt64(99))
      writer.add(UInt64(3))
      writer.add(protection)
      writer.add(UInt32(2))
      writer.add(text: path, padded: 16)
    }
  }

  @Test func `a new mapping tells its range, file and time`() {
    #expect(
      decoded(mapping())
        == SidebandRecord(
          time: MonotonicTime(nanoseconds: 77), process: ProcessID(rawValue: 42), thread: ThreadID(rawValue: 43),
          event: .mapping(
            MemoryMapping(
              start: 0x1000, end: 0x3000, fileOffset: 0x5000, device: 8 << 32 | 1, inode: 99, path: "/usr/bin/x"))))
  }

  @Test func `a mapping without code says nothing`() {
    #expect(decoded(mapping(protection: 3)) == nil)
  }

  @Test func `anonymous code has no path`() {
    guard case .mapping(let mapping) = decoded(mapping(path: "//anon"))?.event else {
      Issue.record("not a mapping")
      return
    }
    #expect(mapping.path.isEmpty)
  }

  @Test(arguments: [(UInt16(1 << 13), true), (0, false)])
  func `a name tells whether a program was run`(misc: UInt16, isExec: Bool) {
    let bytes = record(kind: 3, misc: misc) { writer in
      writer.add(UInt32(42))
      writer.add(UInt32(42))
      writer.add(text: "nginx", padded: 8)
    }

    #expect(decoded(bytes)?.event == .name("nginx", isExec: isExec))
  }

  @Test func `a fork tells parent and child`() {
    let bytes = record(kind: 7) { writer in
      for number in [50, 42, 50, 42] as [UInt32] { writer.add(number) }
      writer.add(UInt64(66))
    }

    #expect(
      decoded(bytes)
        == SidebandRecord(
          time: MonotonicTime(nanoseconds: 66), process: ProcessID(rawValue: 50), thread: ThreadID(rawValue: 50),
          event: .fork(parent: ProcessID(rawValue: 42))))
  }

  @Test func `records that the kernel dropped are counted`() {
    let bytes = record(kind: 2) { writer in
      writer.add(UInt64(1))
      writer.add(UInt64(7))
    }

    #expect(decoded(bytes)?.event == .lost(7))
  }

  @Test func `a record that is too short for its kind is malformed, and no other is`() throws {
    for kind in [2, 3, 4, 7, 10] as [UInt32] {
      #expect(throws: SidebandRecord.Malformed.self) {
        try SidebandRecord.decode(Array(record(kind: kind) { _ in }.prefix(23)).span.bytes)
      }
    }
    #expect(throws: SidebandRecord.Malformed.self) {
      try SidebandRecord.decode(record(kind: 7) { $0.add(UInt64(1)) }.span.bytes)
    }
    // Of another kind, or of memory that holds no code.
    #expect(try SidebandRecord.decode(record(kind: 11) { $0.add(UInt64(1)) }.span.bytes) == nil)
    #expect(try SidebandRecord.decode(mapping(protection: 1).span.bytes) == nil)
    #expect(try SidebandRecord.decode(mapping().span.bytes) != nil)
  }

  @Test func `a record cut anywhere is refused, not trapped on`() {
    for whole in [mapping(), record(kind: 7) { $0.add(UInt64(0)) }, record(kind: 3) { $0.add(UInt64(0)) }] {
      for length in 0..<min(whole.count, 24) {
        #expect(decoded(Array(whole.prefix(length))) == nil)
      }
      for length in 24..<whole.count { _ = decoded(Array(whole.prefix(length))) }
    }
  }
}
