import CProbes
import ProfileModel
import Unwinding

/// What comes through the ring buffer of an off-CPU capture.
enum OffCPURecord: CaptureRecord, Equatable {
  /// A stack that was seen for the first time (`struct swprof_stack`).
  case stack(Stack)
  /// A thread that ended (`struct swprof_thread`).
  case thread(Thread)

  struct Stack: Equatable {
    let id: UInt64
    let time: MonotonicTime
    let process: ProcessID
    let processName: String
    let isKernel: Bool
    let end: StackEnd
    /// From leaf to root; those of user stacks as `UserFrames` reads them, without Python frames.
    let addresses: [UInt64]
    /// Records from leaf to root, see `PythonRecord`.
    var python: [UInt64] = []
    var gil = GILState.unknown

    /// The words of a user stack with its Python frames.
    var merged: [UInt64] { PythonMerge.merge(addresses, python) }
  }

  struct Thread: Equatable {
    let time: MonotonicTime
    let process: ProcessID
    let thread: ThreadID
    let name: String
    let processName: String
  }

  enum DecodeError: Error, Equatable {
    case truncated(actual: Int)
    case unknownRecord(UInt32)
    case unknownStackEnd(UInt8)
    /// A word that announces a frame of a runtime that is unknown, or of which words are missing.
    case malformedFrame(UInt64)
    case unknownGILState(UInt8)
  }

  var time: MonotonicTime {
    switch self {
    case .stack(let stack): stack.time
    case .thread(let thread): thread.time
    }
  }

  init(decoding bytes: [UInt8]) throws(DecodeError) {
    guard let kind: UInt32 = bytes.value(at: 0) else { throw .truncated(actual: bytes.count) }
    switch swprof_record(kind) {
    case SWPROF_RECORD_STACK: self = .stack(try Stack(decoding: bytes))
    case SWPROF_RECORD_THREAD:
      guard let record: swprof_thread = bytes.value(at: 0) else { throw .truncated(actual: bytes.count) }
      self = .thread(Thread(record))
    default: throw .unknownRecord(kind)
    }
  }
}

extension OffCPURecord.Stack {
  fileprivate init(decoding bytes: [UInt8]) throws(OffCPURecord.DecodeError) {
    let headerSize = MemoryLayout<swprof_stack>.size
    guard let record: swprof_stack = bytes.value(at: 0),
      bytes.count >= headerSize + (Int(record.frames) + Int(record.python_words)) * MemoryLayout<UInt64>.size
    else { throw .truncated(actual: bytes.count) }
    guard let end = StackEnd(rawValue: record.end) else { throw .unknownStackEnd(record.end) }
    let isKernel = Int32(record.side) == SWPROF_SIDE_KERNEL
    let addresses = bytes.addresses(at: headerSize, count: Int(record.frames))
    let python = bytes.addresses(
      at: headerSize + Int(record.frames) * MemoryLayout<UInt64>.size, count: Int(record.python_words))
    if !isKernel, let word = UserFrames.malformedWord(in: addresses) ?? PythonRecord.malformedWord(in: python) {
      throw .malformedFrame(word)
    }
    guard let gil = GILState(rawValue: record.gil) else { throw .unknownGILState(record.gil) }
    self.init(
      id: record.id, time: MonotonicTime(nanoseconds: record.time_ns),
      process: ProcessID(rawValue: Int32(bitPattern: record.tgid)), processName: text(record.process_comm),
      isKernel: isKernel, end: end, addresses: addresses, python: python, gil: gil)
  }
}

extension OffCPURecord.Thread {
  init(_ record: swprof_thread) {
    self.init(
      time: MonotonicTime(nanoseconds: record.time_ns), process: ProcessID(rawValue: Int32(bitPattern: record.tgid)),
      thread: ThreadID(rawValue: Int32(bitPattern: record.tid)), name: text(record.comm),
      processName: text(record.process_comm))
  }
}

/// A thread of a target as the capture ends (`struct swprof_open_interval`).
struct ThreadAtEnd {
  /// One wait of one thread.
  struct Wait: Hashable {
    let process: ProcessID
    let thread: ThreadID
    let since: UInt64
  }

  let thread: OffCPURecord.Thread
  /// What it is summed up by, with the times in both phases; nil where nothing is left to sum up.
  let interval: swprof_open_interval?
  /// From leaf to root; empty where it was taken before, or was not asked for.
  let kernelStack: [UInt64]

  /// The wait that is left to sum up.
  var wait: Wait? { interval.map { Wait(process: thread.process, thread: thread.thread, since: $0.since_ns) } }

  /// Reads rows as the iterator wrote them, one behind the other.
  static func decode(_ bytes: [UInt8]) throws(OffCPURecord.DecodeError) -> [ThreadAtEnd] {
    var threads: [ThreadAtEnd] = []
    var position = 0
    while position < bytes.count {
      guard let row: swprof_open_interval = bytes.value(at: position) else { throw .truncated(actual: bytes.count) }
      position += MemoryLayout<swprof_open_interval>.size
      let size = Int(row.kernel_frames) * MemoryLayout<UInt64>.size
      guard position + size <= bytes.count else { throw .truncated(actual: bytes.count) }
      threads.append(
        ThreadAtEnd(
          thread: OffCPURecord.Thread(row.thread),
          interval: row.first_wanted != 0 || row.queued_wanted != 0 ? row : nil,
          kernelStack: bytes.addresses(at: position, count: Int(row.kernel_frames))))
      position += size
    }
    return threads
  }
}
