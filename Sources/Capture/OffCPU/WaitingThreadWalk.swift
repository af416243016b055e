import CProbes
import ELF
import Glibc
import LinuxSystem
import ProfileModel
import Unwinding

/// Walks the user stacks of threads that wait, from outside: from the registers with which they entered the kernel.
struct WaitingThreadWalk {
  /// A table, or that there is none.
  private enum Table {
    case none
    case table(UnwindTable)
  }

  typealias Stack = StackWalk.Stack

  private let usesTables: Bool
  private let tables: TableCache

  /// Tables are compiled when a stack first comes through their code.
  private final class TableCache {
    private var tables: [SourceIndex: Table] = [:]
    private var segments: [SourceIndex: [ELFFile.Segment]] = [:]

    /// The segments of a file; nil for code without one.
    func segments(of source: SourceIndex, _ sources: [CodeSource]) -> [ELFFile.Segment]? {
      if let known = segments[source] { return known }
      guard let file = try? UnwindTables.file(of: sources[Int(source)]) else { return nil }
      segments[source] = file.loads
      return file.loads
    }

    /// Nil where the source has no table.
    func rule(at address: UInt64, in source: SourceIndex, of sources: [CodeSource]) -> UnwindRule? {
      switch tables[source] {
      case .table(let table): return table.rule(at: address)
      case .some(.none): return nil
      case nil:
        tables[source] = table(of: sources[Int(source)]).map(Table.table) ?? .some(.none)
        return rule(at: address, in: source, of: sources)
      }
    }

    private func table(of source: CodeSource) -> UnwindTable? {
      guard let file = try? UnwindTables.file(of: source) else { return nil }
      return try? UnwindTable(file, debugFile: UnwindTables.debugFile(of: file, source))
    }
  }

  /// - Parameter usesTables: else stacks are walked by frame pointers alone.
  init(usesTables: Bool) {
    self.usesTables = usesTables
    tables = TableCache()
  }

  /// The stack of a thread; nil where it was taken before, or was not asked for.
  ///
  /// - Parameter python: how to find the Python frames of its process; nil where there are none.
  func walk(_ row: ThreadAtEnd, python: swprof_python?, _ tracker: borrowing ProcessTracker) -> Stack? {
    guard let interval = row.interval, interval.has_registers != 0 else { return nil }
    guard let memory = try? OpenFile(ProcessTable.directory(of: row.thread.process) + "/mem") else {
      return Stack(frames: [], end: .unreadable)
    }
    let numbers = unsafe withUnsafeBytes(of: interval.registers) { unsafe Array($0.bindMemory(to: UInt64.self)) }
    switch Int32(interval.has_registers) {
    case SWPROF_REGISTERS_SEGMENT: return Stack(frames: [], end: .compat)
    case SWPROF_REGISTERS_COMPAT: return compatStack(numbers, of: row.thread.process, memory, tracker)
    default: break
    }
    let ranges = ranges(of: row.thread.process, tracker)
    let side = python.map { StackWalk.PythonSide.thread($0, threadPointer: interval.thread_pointer) } ?? .none
    return StackWalk.walk(from: .init(numbers), through: ranges, python: side) { address, size in
      address < 1 << 47 ? try? memory.read(from: Int(address), limit: size) : nil
    }
  }

  /// The stack of a thread that entered the kernel from 32-bit code.
  private func compatStack(
    _ numbers: [UInt64], of process: ProcessID, _ memory: OpenFile, _ tracker: borrowing ProcessTracker
  ) -> Stack {
    let regions = tracker.regions(of: process) ?? []
    let ranges = regions.map { StackWalk.CodeRange(addresses: $0.start..<$0.end, bias: 0, table: nil) }
    let isWide = regions.contains { $0.end > 1 << 32 }
    return StackWalk.walkCompat(from: .init(numbers), isWide: isWide, through: ranges) { address, count in
      try? memory.read(from: Int(address), limit: count)
    }
  }

  /// The stack of a sample, from the copy that was taken of it.
  ///
  /// - Parameters:
  ///   - python: the records of its Python side.
  ///   - regions: what its process had mapped.
  func walk(
    _ copy: SampleRecord.StackCopy, python: [UInt64], _ regions: [AddressSpace.Region], _ sources: [CodeSource]
  ) -> Stack {
    let ranges = ranges(regions, sources)
    return StackWalk.walk(
      from: .init(copy.registers), through: ranges, python: python.isEmpty ? .none : .records(python)
    ) { address, count in
      copy.bytes(at: address, count: count) ?? Self.code(at: address, count: count, regions, sources)
    }
  }

  /// Code of a process that may be gone, from the file that it has mapped.
  private static func code(
    at address: UInt64, count: Int, _ regions: [AddressSpace.Region], _ sources: [CodeSource]
  ) -> [UInt8]? {
    guard let region = regions.first(where: { $0.start <= address && address < $0.end }), region.source >= 0,
      case .file(let file, _) = sources[Int(region.source)], UInt64(count) <= region.end - address,
      let offset = Int(exactly: address - region.start &+ region.sourceStart),
      let bytes = try? file.read(from: offset, limit: count, chunkSize: count), bytes.count == count
    else { return nil }
    return bytes
  }

  private func ranges(of process: ProcessID, _ tracker: borrowing ProcessTracker) -> [StackWalk.CodeRange] {
    ranges(tracker.regions(of: process) ?? [], tracker.sources)
  }

  private func ranges(_ regions: [AddressSpace.Region], _ sources: [CodeSource]) -> [StackWalk.CodeRange] {
    let tables = tables
    return regions.map { region in
      let addresses = region.start..<region.end
      guard usesTables, region.source >= 0,
        let segments = tables.segments(of: region.source, sources),
        let bias = UnwindPublisher.bias(of: region, among: regions, segments: segments)
      else {
        return StackWalk.CodeRange(addresses: addresses, bias: 0, table: nil, isGenerated: region.source < 0)
      }
      return StackWalk.CodeRange(addresses: addresses, bias: bias) { address in
        tables.rule(at: address, in: region.source, of: sources)
      }
    }
  }
}

extension StackWalk.Stack {
  /// The words of the stack with its Python frames.
  var merged: [UInt64] { PythonMerge.merge(frames, python) }
}
