import CLibBPF

/// A map of a loaded object; it must not be used once the object is gone.
package struct BPFMap: Sendable {
  package let descriptor: Int32
  let name: String

  init(descriptor: Int32, name: String) {
    self.descriptor = descriptor
    self.name = name
  }

  /// Sets an element whose key and value are plain.
  package func update<Key: BitwiseCopyable, Value: BitwiseCopyable>(key: Key, value: Value) throws(BPFError) {
    var key = key
    var value = value
    try check(unsafe bpf_map_update_elem(descriptor, &key, &value, UInt64(BPF_ANY)), .update(map: name))
  }

  /// Adds an element whose key and value are plain; one that is there already is an error.
  package func insert<Key: BitwiseCopyable, Value: BitwiseCopyable>(key: Key, value: Value) throws(BPFError) {
    var key = key
    var value = value
    try check(unsafe bpf_map_update_elem(descriptor, &key, &value, UInt64(BPF_NOEXIST)), .update(map: name))
  }

  /// Sets an element to bytes, as many as the map's values have.
  package func update<Key: BitwiseCopyable>(key: Key, bytes: [UInt8]) throws(BPFError) {
    var key = key
    try check(unsafe bpf_map_update_elem(descriptor, &key, bytes, UInt64(BPF_ANY)), .update(map: name))
  }

  /// The bytes of an element; nil where there is none.
  package func bytes<Key: BitwiseCopyable>(forKey key: Key) -> [UInt8]? {
    var key = key
    var bytes = [UInt8](repeating: 0, count: valueSize)
    return unsafe bpf_map_lookup_elem(descriptor, &key, &bytes) == 0 ? bytes : nil
  }

  /// All elements of a hash map to which nothing is added meanwhile.
  package func entries<Key: BitwiseCopyable, Value: BitwiseCopyable>(
    startingWith key: Key, _ value: Value
  ) throws(BPFError) -> [(Key, Value)] {
    var entries: [(Key, Value)] = []
    var key = key
    var next = key
    var value = value
    var status = unsafe bpf_map_get_next_key(descriptor, nil, &next)
    while status == 0 {
      key = next
      try check(unsafe bpf_map_lookup_elem(descriptor, &key, &value), .read(map: name))
      entries.append((key, value))
      status = unsafe bpf_map_get_next_key(descriptor, &key, &next)
    }
    return entries
  }

  /// An element; nil where there is none.
  ///
  /// - Parameter initial: any value, to be overwritten.
  package func value<Key: BitwiseCopyable, Value: BitwiseCopyable>(
    forKey key: Key, initial: Value
  ) -> Value? {
    var key = key
    var value = initial
    return unsafe bpf_map_lookup_elem(descriptor, &key, &value) == 0 ? value : nil
  }

  /// Calls a function with the beginning of each element of a hash map.
  ///
  /// - Parameters:
  ///   - valueSize: the bytes of the map's values, of which `Value` is the beginning.
  package func forEach<Key: BitwiseCopyable, Value: BitwiseCopyable>(
    startingWith key: Key, _ value: Value, valueSize: Int, _ body: (Key, Value) -> Void
  ) throws(BPFError) {
    var key = key
    var next = key
    var bytes = [UInt8](repeating: 0, count: max(valueSize, MemoryLayout<Value>.size))
    var status = unsafe bpf_map_get_next_key(descriptor, nil, &next)
    while status == 0 {
      key = next
      // One that was removed meanwhile is no element.
      if unsafe bpf_map_lookup_elem(descriptor, &key, &bytes) == 0 {
        body(key, unsafe bytes.withUnsafeBytes { unsafe $0.loadUnaligned(as: Value.self) })
      }
      status = unsafe bpf_map_get_next_key(descriptor, &key, &next)
    }
  }

  /// Calls a function with the beginning of each value of an array map, all of which one system call reads (kernel 5.6).
  package func forEachValue<Value: BitwiseCopyable>(of type: Value.Type, _ body: (UInt32, Value) -> Void)
    throws(BPFError)
  {
    let information = information
    let size = Int(information.value_size)
    precondition(size >= MemoryLayout<Value>.size)
    var count = information.max_entries
    var keys = [UInt32](repeating: 0, count: Int(count))
    var bytes = [UInt8](repeating: 0, count: Int(count) * size)
    var position: UInt32 = 0
    try check(
      unsafe bpf_map_lookup_batch(descriptor, nil, &position, &keys, &bytes, &count, nil), .read(map: name))
    unsafe bytes.withUnsafeBytes { bytes in
      for index in 0..<Int(count) {
        body(keys[index], unsafe bytes.loadUnaligned(fromByteOffset: index * size, as: Value.self))
      }
    }
  }

  /// The bytes of one of the map's values.
  package var valueSize: Int { Int(information.value_size) }

  private var information: bpf_map_info {
    var information = bpf_map_info()
    var size = UInt32(MemoryLayout<bpf_map_info>.size)
    guard unsafe bpf_obj_get_info_by_fd(descriptor, &information, &size) == 0 else { return bpf_map_info() }
    return information
  }

  /// Removes an element; one that is not there is no error.
  package func remove<Key: BitwiseCopyable>(key: Key) {
    var key = key
    _ = unsafe bpf_map_delete_elem(descriptor, &key)
  }
}
