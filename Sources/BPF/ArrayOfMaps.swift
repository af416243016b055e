import CLibBPF
import Glibc
import LinuxSystem
import Synchronization

/// An object's array of maps, made before the object is loaded.
///
/// The kernel ends each change of such an array with a grace period, some 10 ms: a thread of its own waits for it.
@safe package final class ArrayOfMaps {
  /// A map that is put into the array.
  private final class Change {
    /// What came of it.
    final class Outcome: Sendable {
      let status = Atomic<Int32>(0)
    }

    let outcome = Outcome()
    private var thread: WorkerThread?

    init(of array: Int32, at index: UInt32, to map: Int32) {
      let carryOut: @Sendable () -> Void = { [outcome] in
        var (index, map) = (index, map)
        outcome.status.store(unsafe bpf_map_update_elem(array, &index, &map, UInt64(BPF_ANY)), ordering: .relaxed)
      }
      thread = try? WorkerThread(carryOut)
      if thread == nil { carryOut() }
    }

    func join() { thread.take()?.join() }
  }

  fileprivate let descriptor: Int32
  private let name: String
  private var pending: [Change] = []
  /// The first change that failed: what lies in its map is not found.
  private var failure: BPFError?

  fileprivate init(adopting descriptor: Int32, name: String) {
    self.descriptor = descriptor
    self.name = name
  }

  deinit {
    for change in pending { change.join() }
    close(descriptor)
  }

  /// Begins to put a map into the array; both must stay open until `wait`.
  package func put(_ map: MappedArray, at index: UInt32) {
    pending.append(Change(of: descriptor, at: index, to: map.descriptor))
  }

  /// Waits until programs find all maps that were put here.
  package func wait() throws(BPFError) {
    for change in pending {
      change.join()
      do { try check(change.outcome.status.load(ordering: .relaxed), .update(map: name)) } catch {
        failure = failure ?? error
      }
    }
    pending = []
    if let failure { throw failure }
  }
}

extension BPFObject {
  /// Puts an array of maps that other objects use too in the place of one of this object, which is still to be loaded.
  package func use(_ array: ArrayOfMaps, as name: some MapName) throws(BPFError) {
    let map = try unsafe self.map(name.rawValue)
    try check(unsafe bpf_map__reuse_fd(map, array.descriptor), .create(map: name.rawValue))
  }

  /// Makes an array of maps of this object, which is still to be loaded.
  ///
  /// - Parameter example: what the maps are like.
  package func prepareArray(ofMaps name: some MapName, like example: MappedArray) throws(BPFError) -> ArrayOfMaps {
    let name = name.rawValue
    let map = try unsafe self.map(name)
    var options = bpf_map_create_opts()
    options.sz = MemoryLayout<bpf_map_create_opts>.size
    options.inner_map_fd = UInt32(example.descriptor)
    let size = UInt32(MemoryLayout<UInt32>.size)
    let descriptor = unsafe bpf_map_create(
      BPF_MAP_TYPE_ARRAY_OF_MAPS, name, size, size, bpf_map__max_entries(map), &options)
    try check(descriptor, .create(map: name))
    let array = ArrayOfMaps(adopting: descriptor, name: name)
    try check(unsafe bpf_map__reuse_fd(map, descriptor), .create(map: name))
    return array
  }
}
