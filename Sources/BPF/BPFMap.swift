import CLibBPF

/// A map of a loaded object; it must not be used once the object is gone.
package struct BPFMap: Sendable {
  package let descriptor: Int32
  private let name: String

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

  /// Removes an element; one that is not there is no error.
  package func remove<Key: BitwiseCopyable>(key: Key) {
    var key = key
    _ = unsafe bpf_map_delete_elem(descriptor, &key)
  }
}
