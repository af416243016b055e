package import ProfileModel

/// What the kernel says about processes beside the samples (perf_event_open(2), "PERF_RECORD_*").
package struct SidebandRecord: Equatable, Sendable {
  package enum Event: Equatable, Sendable {
    /// An executable mapping was made.
    case mapping(MemoryMapping)
    /// A thread took a name. `isExec`: by running another program, so that all mappings are gone.
    case name(String, isExec: Bool)
    /// A process or thread was made by `parent`.
    case fork(parent: ProcessID)
    case exit
    /// The ring was full: so many records are missing before this one.
    case lost(UInt64)
  }

  package let time: MonotonicTime
  package let process: ProcessID
  package let thread: ThreadID
  package let event: Event

  package init(time: MonotonicTime, process: ProcessID, thread: ThreadID, event: Event) {
    self.time = time
    self.process = process
    self.thread = thread
    self.event = event
  }

  private enum Kind {
    static let lost: UInt32 = 2
    static let comm: UInt32 = 3
    static let exit: UInt32 = 4
    static let fork: UInt32 = 7
    static let mmap2: UInt32 = 10
  }

  /// `PERF_RECORD_MISC_COMM_EXEC`.
  private static let execFlag: UInt16 = 1 << 13
  private static let protectionExecutable: UInt32 = 4

  /// A record is shorter than its kind has to be, or its numbers cannot be.
  package struct Malformed: Error {}

  /// Decodes a record of an event with `sample_id_all` and sample type `TID | TIME`.
  ///
  /// - Returns: nil for kinds that say nothing about processes, and for a record that is malformed.
  package init?(decoding bytes: RawSpan) {
    do throws(Malformed) {
      guard let record = try Self.decode(bytes) else { return nil }
      self = record
    } catch { return nil }
  }

  /// The same, with an error for a record that is malformed.
  package static func decode(_ bytes: RawSpan) throws(Malformed) -> SidebandRecord? {
    guard bytes.byteCount >= 24 else { throw Malformed() }
    let kind = bytes.integer(at: 0, as: UInt32.self)
    let misc = bytes.integer(at: 4, as: UInt16.self)
    // The trailer is struct sample_id: u32 pid, tid; u64 time.
    let trailer = bytes.byteCount - 16
    let time = MonotonicTime(nanoseconds: bytes.integer(at: trailer + 8, as: UInt64.self))
    guard kind == Kind.lost || trailer >= 16 else { throw Malformed() }
    let process = ProcessID(rawValue: bytes.integer(at: 8, as: Int32.self))

    switch kind {
    case Kind.lost:
      // header, u64 id, u64 lost
      guard trailer >= 24 else { throw Malformed() }
      return SidebandRecord(
        time: time, process: ProcessID(rawValue: 0), thread: ThreadID(rawValue: 0),
        event: .lost(bytes.integer(at: 16, as: UInt64.self)))
    case Kind.comm:
      // header, u32 pid, tid, char comm[]
      let name = bytes.cString(from: 16, to: trailer)
      return SidebandRecord(
        time: time, process: process, thread: ThreadID(rawValue: bytes.integer(at: 12, as: Int32.self)),
        event: .name(name, isExec: misc & execFlag != 0))
    case Kind.fork, Kind.exit:
      // header, u32 pid, ppid, tid, ptid, u64 time
      guard trailer >= 32 else { throw Malformed() }
      let parent = ProcessID(rawValue: bytes.integer(at: 12, as: Int32.self))
      return SidebandRecord(
        time: MonotonicTime(nanoseconds: bytes.integer(at: 24, as: UInt64.self)), process: process,
        thread: ThreadID(rawValue: bytes.integer(at: 16, as: Int32.self)),
        event: kind == Kind.fork ? .fork(parent: parent) : .exit)
    case Kind.mmap2:
      // header, u32 pid, tid, u64 addr, len, pgoff, u32 maj, min, u64 ino, ino_generation, u32 prot, flags, filename[]
      guard trailer >= 72 else { throw Malformed() }
      guard bytes.integer(at: 64, as: UInt32.self) & protectionExecutable != 0 else { return nil }
      let start = bytes.integer(at: 16, as: UInt64.self)
      let (end, overflow) = start.addingReportingOverflow(bytes.integer(at: 24, as: UInt64.self))
      guard !overflow, start < end else { throw Malformed() }
      var path = MemoryMapping.withoutMark(bytes.cString(from: 72, to: trailer))
      if path == "//anon" { path = "" }
      let device =
        UInt64(bytes.integer(at: 40, as: UInt32.self)) << 32 | UInt64(bytes.integer(at: 44, as: UInt32.self))
      return SidebandRecord(
        time: time, process: process, thread: ThreadID(rawValue: bytes.integer(at: 12, as: Int32.self)),
        event: .mapping(
          MemoryMapping(
            start: start, end: end, fileOffset: bytes.integer(at: 32, as: UInt64.self), device: device,
            inode: bytes.integer(at: 48, as: UInt64.self), path: path)))
    default:
      return nil
    }
  }
}

extension RawSpan {
  /// An integer in the machine's byte order; traps outside the span, so check bounds first.
  func integer<Value: FixedWidthInteger & BitwiseCopyable>(at offset: Int, as type: Value.Type) -> Value {
    unsafe unsafeLoadUnaligned(fromByteOffset: offset, as: type)
  }

  /// The text up to the first zero byte; invalid UTF-8 is replaced.
  func cString(from start: Int, to end: Int) -> String {
    guard start < end else { return "" }
    return unsafe extracting(start..<end).withUnsafeBytes { bytes in
      unsafe String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
    }
  }
}
