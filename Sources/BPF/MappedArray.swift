import CLibBPF
import Glibc
import LinuxSystem

/// An array map that lies in this process's memory as well (`BPF_F_MMAPABLE`, kernel 5.5): filled without system calls.
@safe package final class MappedArray {
  package let descriptor: Int32
  private let memory: UnsafeMutableRawBufferPointer

  /// - Parameter valueSize: bytes; a multiple of 8, as the kernel pads values to that.
  package init(name: String, valueSize: Int, count: Int) throws(BPFError) {
    var options = bpf_map_create_opts()
    options.sz = MemoryLayout<bpf_map_create_opts>.size
    options.map_flags = UInt32(BPF_F_MMAPABLE)
    let descriptor = unsafe bpf_map_create(
      BPF_MAP_TYPE_ARRAY, name, UInt32(MemoryLayout<UInt32>.size), UInt32(valueSize), UInt32(count), &options)
    try check(descriptor, .create(map: name))
    let size = (valueSize * count + Host.pageSize - 1) / Host.pageSize * Host.pageSize
    let start = unsafe mmap(nil, size, PROT_READ | PROT_WRITE, MAP_SHARED, descriptor, 0)
    guard let start = unsafe start, unsafe start != MAP_FAILED else {
      let cause = Errno.last
      close(descriptor)
      throw BPFError(operation: .create(map: name), cause: cause)
    }
    self.descriptor = descriptor
    unsafe self.memory = UnsafeMutableRawBufferPointer(start: start, count: size)
  }

  deinit {
    unsafe munmap(memory.baseAddress, memory.count)
    close(descriptor)
  }

  /// Copies bytes to an offset from the start of the first value; they must fit.
  package func write(_ bytes: UnsafeRawBufferPointer, at offset: Int) {
    precondition(unsafe offset >= 0 && bytes.count <= memory.count - offset)
    unsafe UnsafeMutableRawBufferPointer(rebasing: memory[offset...]).copyMemory(from: bytes)
  }
}
