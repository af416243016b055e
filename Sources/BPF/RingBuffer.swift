import CLibBPF
import Glibc
import LinuxSystem

/// The reading end of a BPF ring buffer map.
@safe package struct RingBuffer: ~Copyable {
  /// What the C callback reaches through its context pointer while records are consumed.
  private final class Consumer {
    var records: [[UInt8]] = []
  }

  private let handle: OpaquePointer
  private let consumer: Consumer
  private let name: String

  /// - Parameter map: a ring buffer map, which must outlive this reader.
  package init(_ map: BPFMap) throws(BPFError) {
    let consumer = Consumer()
    let context = unsafe Unmanaged.passUnretained(consumer).toOpaque()
    let handle = unsafe ring_buffer__new(
      map.descriptor,
      { context, data, size in
        guard let context = unsafe context, let data = unsafe data else { return 0 }
        let consumer = unsafe Unmanaged<Consumer>.fromOpaque(context).takeUnretainedValue()
        unsafe consumer.records.append([UInt8](UnsafeRawBufferPointer(start: data, count: Int(size))))
        return 0
      }, context, nil)
    guard let handle = unsafe handle else {
      throw BPFError(operation: .ringBuffer(map: map.name), cause: .last)
    }
    unsafe self.handle = handle
    self.consumer = consumer
    name = map.name
  }

  deinit { unsafe ring_buffer__free(handle) }

  /// Readable when the kernel side asked for a wake-up.
  package var descriptor: Int32 { unsafe ring_buffer__epoll_fd(handle) }

  /// Takes all records that are there, as copies.
  package func drain() throws(BPFError) -> [[UInt8]] {
    let result = unsafe ring_buffer__consume(handle)
    try check(result, .ringBuffer(map: name))
    defer { consumer.records.removeAll(keepingCapacity: true) }
    return consumer.records
  }
}
