import Glibc
import LinuxSystem

/// Bytes in memory that no one changes: copied, or a file of the kernel's own making.
@safe final class FrozenBytes {
  private let memory: UnsafeRawBufferPointer
  private let isMapped: Bool

  init(_ bytes: [UInt8]) {
    let copy = UnsafeMutableRawBufferPointer.allocate(byteCount: bytes.count, alignment: 8)
    unsafe copy.copyBytes(from: bytes)
    unsafe memory = UnsafeRawBufferPointer(copy)
    isMapped = false
  }

  /// Maps a file that never becomes shorter, or reads it where it cannot be mapped: the types of kernels before 6.16.
  init(kernelFile path: String) throws(Errno) {
    let file = try OpenFile(path)
    let size = Int(try file.status().st_size)
    if let start = unsafe mmap(nil, size, PROT_READ, MAP_PRIVATE, file.descriptor, 0), unsafe start != MAP_FAILED {
      unsafe memory = UnsafeRawBufferPointer(start: start, count: size)
      isMapped = true
      return
    }
    let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: size, alignment: 8)
    unsafe memory = UnsafeRawBufferPointer(buffer)
    isMapped = false
    // A page at a time is what sysfs gives.
    var position = 0
    while position < size {
      let count = try retryingOnInterrupt {
        unsafe pread(file.descriptor, buffer.baseAddress?.advanced(by: position), size - position, position)
      }
      if count == 0 { throw Errno(code: EIO) }
      position += count
    }
  }

  deinit {
    if isMapped {
      unsafe munmap(UnsafeMutableRawPointer(mutating: memory.baseAddress), memory.count)
    } else {
      unsafe memory.deallocate()
    }
  }

  var count: Int { unsafe memory.count }

  /// A number at any place that is aligned or not; nil beyond the end.
  func load<Number: FixedWidthInteger & BitwiseCopyable>(_: Number.Type, at place: Int) -> Number? {
    guard place >= 0, place <= count - MemoryLayout<Number>.size else { return nil }
    return unsafe memory.loadUnaligned(fromByteOffset: place, as: Number.self)
  }

  /// A copy of some bytes; nil beyond the end.
  subscript(range: Range<Int>) -> [UInt8]? {
    guard range.lowerBound >= 0, range.upperBound <= count else { return nil }
    return unsafe Array(memory[range])
  }

  /// The bytes from a place up to a zero byte; nil when there is none before `end`.
  func text(at start: Int, before end: Int) -> [UInt8]? {
    guard start >= 0, start < end, end <= count else { return nil }
    return unsafe memory[start..<end].firstIndex(of: 0).map { unsafe Array(memory[start..<$0]) }
  }
}
