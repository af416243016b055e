import BPF
import CProbes
import LinuxSystem
import ProfileModel

/// The array of lines in which the kernel side finds its unwind tables (`unwind_chunks`); grows by a chunk at a time.
///
/// Several objects may share one.
final class UnwindLines {
  private let table: ArrayOfMaps
  private var chunks: [MappedArray]
  private var allocator: LineAllocator

  static let lineSize = Int(SWPROF_LINE_SIZE)
  private static let chunkLines = Int(SWPROF_CHUNK_LINES)

  /// - Parameters:
  ///   - object: what the lines are for, still to be loaded.
  ///   - capacity: how many there may be, for tests; nil for all that there can be.
  init(of object: borrowing BPFObject, capacity: UInt32? = nil) throws(BPFError) {
    allocator = LineAllocator(capacity: capacity ?? UInt32(SWPROF_CHUNK_LINES * SWPROF_CHUNKS_MAX), reserved: 1)
    let first = try Self.chunk()
    table = try object.prepareArray(ofMaps: SharedMap.unwindChunks, like: first)
    table.put(first, at: 0)
    chunks = [first]
  }

  /// Lets the programs of another object, which is still to be loaded, find their tables in the same lines.
  func share(with object: borrowing BPFObject) throws(BPFError) { try object.use(table, as: SharedMap.unwindChunks) }

  private static func chunk() throws(BPFError) -> MappedArray {
    try MappedArray(name: "swprof_unwind", valueSize: lineSize, count: chunkLines)
  }

  /// Waits until the kernel side finds the lines that were written.
  func waitUntilVisible() throws(BPFError) { try table.wait() }

  /// The lines up to the last one that is in use.
  var inUse: UInt32 { allocator.end }

  /// Makes room for a number of bytes; nil when there is none left.
  func allocate(lines count: Int) throws(BPFError) -> UInt32? {
    guard let count = UInt32(exactly: count), count > 0,
      let first = allocator.allocate(count, now: Clock.monotonic.nanoseconds)
    else { return nil }
    while chunks.count * Self.chunkLines < Int(first) + Int(count) {
      let chunk = try Self.chunk()
      table.put(chunk, at: UInt32(chunks.count))
      chunks.append(chunk)
    }
    return first
  }

  func release(_ first: UInt32, lines count: Int) {
    allocator.release(first, count: UInt32(count), now: Clock.monotonic.nanoseconds)
  }

  /// Writes plain values, side by side, from the start of a line on.
  func write<Element: BitwiseCopyable>(_ elements: [Element], at line: UInt32) {
    unsafe elements.withUnsafeBytes { bytes in
      var written = 0
      while written < bytes.count {
        let position = Int(line) * Self.lineSize + written
        let chunkSize = Self.chunkLines * Self.lineSize
        let count = min(bytes.count - written, chunkSize - position % chunkSize)
        let part = unsafe UnsafeRawBufferPointer(rebasing: bytes[written..<written + count])
        unsafe chunks[position / chunkSize].write(part, at: position % chunkSize)
        written += count
      }
    }
  }

  /// Some lines, until nobody holds them.
  final class Block {
    let first: UInt32
    private let count: Int
    private let lines: UnwindLines

    /// - Returns: nil where there is no room.
    init?(_ count: Int, of lines: UnwindLines) throws(BPFError) {
      guard let first = try lines.allocate(lines: count) else { return nil }
      self.first = first
      self.count = count
      self.lines = lines
    }

    deinit { lines.release(first, lines: count) }
  }

  /// The lines that a number of bytes takes.
  static func lines(forBytes count: Int) -> Int { (count + lineSize - 1) / lineSize }
}
