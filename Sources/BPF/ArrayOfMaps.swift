import CLibBPF
import Glibc

/// An object's array of maps, made before the object is loaded, with a first map in it.
///
/// The kernel ends a change of such an array with a grace period, some 10 ms that a thread waits for meanwhile.
@safe package final class ArrayOfMaps {
  /// What the thread is told, and what came of it.
  private struct Update {
    let descriptor: Int32
    var value: Int32
    var status: Int32 = 0
  }

  private let update: UnsafeMutablePointer<Update>
  private let name: String
  private var thread: pthread_t?

  fileprivate init(adopting descriptor: Int32, name: String, first: MappedArray) {
    self.name = name
    unsafe update = .allocate(capacity: 1)
    unsafe update.initialize(to: Update(descriptor: descriptor, value: first.descriptor))
  }

  deinit {
    join()
    unsafe close(update.pointee.descriptor)
    unsafe update.deallocate()
  }

  fileprivate var descriptor: Int32 { unsafe update.pointee.descriptor }

  fileprivate func begin() {
    let argument = unsafe UnsafeMutableRawPointer(update)
    var thread = pthread_t()
    let status = unsafe pthread_create(
      &thread, nil,
      { argument in
        if let update = unsafe argument?.assumingMemoryBound(to: Update.self) { unsafe ArrayOfMaps.carryOut(update) }
        return nil
      }, argument)
    if status == 0 { self.thread = thread } else { unsafe Self.carryOut(update) }
  }

  private static func carryOut(_ update: UnsafeMutablePointer<Update>) {
    var index: UInt32 = 0
    unsafe update.pointee.status = bpf_map_update_elem(
      update.pointee.descriptor, &index, &update.pointee.value, UInt64(BPF_ANY))
  }

  /// Waits until programs find the first map.
  package func wait() throws(BPFError) {
    join()
    try check(unsafe update.pointee.status, .update(map: name))
  }

  private func join() {
    guard let thread else { return }
    pthread_join(thread, nil)
    self.thread = nil
  }
}

extension BPFObject {
  /// Makes an array of maps of this object, which is still to be loaded, and begins to put a first map into it.
  package func prepareArray(ofMaps name: String, first: MappedArray) throws(BPFError) -> ArrayOfMaps {
    let map = try unsafe self.map(name)
    var options = bpf_map_create_opts()
    options.sz = MemoryLayout<bpf_map_create_opts>.size
    options.inner_map_fd = UInt32(first.descriptor)
    let size = UInt32(MemoryLayout<UInt32>.size)
    let descriptor = unsafe bpf_map_create(
      BPF_MAP_TYPE_ARRAY_OF_MAPS, name, size, size, bpf_map__max_entries(map), &options)
    try check(descriptor, .create(map: name))
    let array = ArrayOfMaps(adopting: descriptor, name: name, first: first)
    try check(unsafe bpf_map__reuse_fd(map, array.descriptor), .create(map: name))
    array.begin()
    return array
  }
}
