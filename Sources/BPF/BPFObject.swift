import CLibBPF
import Glibc
package import LinuxSystem
import Synchronization

/// A set of BPF programs and maps: opened, configured, loaded, attached.
///
/// Everything that it attached is detached when it goes out of scope.
@safe package struct BPFObject: ~Copyable {
  private let handle: OpaquePointer
  private let name: String
  /// What libbpf reads in place of the kernel's types, when it loads the object.
  private let types: OpenFile?
  /// Of perf events.
  private var eventLinks: [OpaquePointer] = unsafe []
  /// Of tracepoints and of probes in processes, whose end takes the kernel a grace period each (10 to 100 ms).
  private var links: [OpaquePointer] = unsafe []

  private init(adopting handle: OpaquePointer, name: String, types: OpenFile?) {
    unsafe self.handle = handle
    self.name = name
    self.types = types
  }

  deinit {
    unsafe Self.destroy(eventLinks, links)
    unsafe bpf_object__close(handle)
  }

  /// Reads an object file; nothing reaches the kernel yet.
  ///
  /// - Parameter looksAtMembersOnly: whether all that programs ask of the kernel's types is where members lie, and none
  ///   is attached by a type. An excerpt of the types does then, which is ready sooner than the whole.
  package static func open(
    _ image: [UInt8], name: String, looksAtMembersOnly: Bool = false
  ) throws(BPFError) -> BPFObject {
    unsafe libbpf_set_print(nil)
    if looksAtMembersOnly, let types = try? OpenFile.inMemory("kernel-types") {
      let object = try open(image, name: name, types: types)
      // Without an excerpt, libbpf reads the whole, and says what is wrong with it.
      if (try? types.append(object.excerpt())) != nil { return object }
    }
    return try open(image, name: name, types: nil)
  }

  private static func open(_ image: [UInt8], name: String, types: OpenFile?) throws(BPFError) -> BPFObject {
    var options = unsafe bpf_object_open_opts()
    unsafe options.sz = MemoryLayout<bpf_object_open_opts>.size
    let handle = unsafe name.withCString { text in
      unsafe options.object_name = text
      // It is read when the object is loaded.
      return unsafe (types?.ownPath).withOptionalCString { path in
        unsafe options.btf_custom_path = path
        return unsafe image.withUnsafeBytes { unsafe bpf_object__open_mem($0.baseAddress, $0.count, &options) }
      }
    }
    guard let handle = unsafe handle else { throw BPFError(operation: .open(object: name), cause: .last) }
    return unsafe BPFObject(adopting: handle, name: name, types: types)
  }

  /// Of the running kernel's types, what this object asks for.
  private func excerpt() throws -> [UInt8] {
    var size: UInt32 = 0
    guard let own = unsafe btf__raw_data(bpf_object__btf(handle), &size) else { throw Errno.last }
    let object = try TypeDescription(
      decoding: FrozenBytes(unsafe Array(UnsafeRawBufferPointer(start: own, count: Int(size)))))
    let kernel = try TypeDescription(decoding: FrozenBytes(kernelFile: "/sys/kernel/btf/vmlinux"))
    return try TypeExcerpt.make(from: kernel, namedBy: object)
  }

  /// Sets the bytes of a read-only data section, before loading.
  package func setConstants(_ section: some ConstantsName, _ bytes: [UInt8]) throws(BPFError) {
    let map = try unsafe map(section.rawValue)
    try check(
      unsafe bytes.withUnsafeBytes { unsafe bpf_map__set_initial_value(map, $0.baseAddress, $0.count) },
      .update(map: section.rawValue))
  }

  /// Sets the number of entries of a map, or the bytes of a ring buffer, before loading.
  package func setCapacity(ofMap map: some MapName, _ count: UInt32) throws(BPFError) {
    try setCapacity(ofMapCalled: map.rawValue, count)
  }

  /// Sets the number of entries of a map that a user names, before loading.
  package func setCapacity(ofMapCalled name: String, _ count: UInt32) throws(BPFError) {
    try check(unsafe bpf_map__set_max_entries(map(name), count), .update(map: name))
  }

  /// Takes the maps of another, loaded object of the same file in place of its own, before loading; constants stay its own.
  package func shareMaps(of other: borrowing BPFObject) throws(BPFError) {
    var next = unsafe bpf_object__next_map(handle, nil)
    while let map = unsafe next {
      if unsafe !bpf_map__is_internal(map) {
        let name = unsafe String(cString: bpf_map__name(map))
        try check(unsafe bpf_map__reuse_fd(map, bpf_map__fd(try other.map(name))), .update(map: name))
      }
      unsafe next = bpf_object__next_map(handle, map)
    }
  }

  /// Leaves a program out of loading.
  package func leaveOut(_ program: some ProgramName) throws(BPFError) {
    try check(unsafe bpf_program__set_autoload(try self.program(program), false), .load(object: name))
  }

  /// Hands the programs to the kernel's verifier and makes the maps.
  package func load() throws(BPFError) {
    try checkLoaded(unsafe bpf_object__load(handle))
  }

  /// Names the cause that libbpf has no number of its own for.
  private func checkLoaded(_ result: Int32) throws(BPFError) {
    // libbpf tries several ways, and says what was wrong with the last.
    if result == -EINVAL, let cause = Descriptor.shortage {
      throw BPFError(operation: .load(object: name), cause: cause)
    }
    try check(result, .load(object: name))
  }

  /// Loads in a thread of its own while this one does something else.
  ///
  /// - Parameter work: is told by a function whether loading still goes on, and is waited for.
  package func load(while work: (_ isLoading: () -> Bool) -> Void) throws(BPFError) {
    /// What the thread is told, and what came of it.
    final class Loading: Sendable {
      let handle: UInt
      let status = Atomic<Int32>(0)
      let isOver = Atomic<Bool>(false)

      init(_ handle: OpaquePointer) { self.handle = UInt(bitPattern: handle) }
    }
    let loading = unsafe Loading(handle)
    guard
      let thread = try? WorkerThread({
        loading.status.store(unsafe bpf_object__load(OpaquePointer(bitPattern: loading.handle)), ordering: .relaxed)
        loading.isOver.store(true, ordering: .releasing)
      })
    else { return try load() }
    work { !loading.isOver.load(ordering: .acquiring) }
    thread.join()
    try checkLoaded(loading.status.load(ordering: .relaxed))
  }

  /// Attaches a program to the tracepoint that its section names.
  package mutating func attach(_ program: some ProgramName) throws(BPFError) {
    guard let link = unsafe bpf_program__attach(try self.program(program)) else {
      throw BPFError(operation: .attach(program: program.rawValue), cause: .last)
    }
    unsafe links.append(link)
  }

  /// Takes over the link of a probe in a process, which is destroyed with the others.
  mutating func adopt(_ link: OpaquePointer) { unsafe links.append(link) }

  /// Attaches a program to a perf event, which starts to tick at once and has to stay open.
  package mutating func attach(_ program: some ProgramName, to event: PerfEvent) throws(BPFError) {
    // The link would close the event's descriptor with itself, so it gets one of its own.
    let descriptor = fcntl(event.descriptor, F_DUPFD_CLOEXEC, 0)
    guard descriptor >= 0 else { throw BPFError(operation: .attach(program: program.rawValue), cause: .last) }
    guard let link = unsafe bpf_program__attach_perf_event(try self.program(program), descriptor) else {
      let cause = Errno.last
      close(descriptor)
      throw BPFError(operation: .attach(program: program.rawValue), cause: cause)
    }
    unsafe eventLinks.append(link)
  }

  /// Detaches what perf events call; that takes no time.
  package mutating func detachFromEvents() {
    unsafe Self.destroy(eventLinks, [])
    unsafe eventLinks = []
  }

  /// Detaches everything that is attached.
  package mutating func detach() {
    unsafe Self.destroy(eventLinks, links)
    unsafe eventLinks = []
    unsafe links = []
  }

  /// Grace periods that are waited for at the same time are the same: a thread for each of the links.
  static func destroy(_ eventLinks: [OpaquePointer], _ links: [OpaquePointer]) {
    unsafe eventLinks.forEach { _ = unsafe bpf_link__destroy($0) }
    var threads: [pthread_t] = []
    unsafe links.forEach { link in
      var thread = pthread_t()
      let status = unsafe pthread_create(
        &thread, nil,
        { link in
          if let link = unsafe link { _ = unsafe bpf_link__destroy(OpaquePointer(link)) }
          return nil
        }, UnsafeMutableRawPointer(link))
      if status == 0 { threads.append(thread) } else { _ = unsafe bpf_link__destroy(link) }
    }
    for thread in threads { pthread_join(thread, nil) }
  }

  /// A map of this object, which must outlive it.
  package func map(named name: some MapName) throws(BPFError) -> BPFMap {
    BPFMap(descriptor: unsafe bpf_map__fd(try map(name.rawValue)), name: name.rawValue)
  }

  /// What the verifier has followed of a loaded program, in instructions; nil where the kernel does not tell (5.16).
  package func verifiedInstructions(of program: some ProgramName) throws(BPFError) -> UInt32? {
    var information = bpf_prog_info()
    var size = UInt32(MemoryLayout<bpf_prog_info>.size)
    let descriptor = unsafe bpf_program__fd(try self.program(program))
    try check(
      unsafe bpf_obj_get_info_by_fd(descriptor, &information, &size), .find(name: program.rawValue, object: name))
    return information.verified_insns > 0 ? information.verified_insns : nil
  }

  /// The sum of an element over all CPUs, of a per-CPU array of `UInt64`.
  package func sum(map: some MapName, index: UInt32) throws(BPFError) -> UInt64 {
    var index = index
    let cpus = libbpf_num_possible_cpus()
    try check(cpus, .update(map: map.rawValue))
    var values = [UInt64](repeating: 0, count: Int(cpus))
    let size = values.count * MemoryLayout<UInt64>.size
    try check(
      unsafe bpf_map__lookup_elem(try self.map(map.rawValue), &index, MemoryLayout<UInt32>.size, &values, size, 0),
      .update(map: map.rawValue))
    return values.reduce(0, &+)
  }

  /// The values of a per-CPU array, an array over the CPUs for each index.
  package func perCPUValues<Value: BitwiseCopyable>(map: some MapName, count: Int) throws(BPFError) -> [[Value]] {
    let cpus = libbpf_num_possible_cpus()
    try check(cpus, .read(map: map.rawValue))
    // The kernel pads values to 8 bytes.
    precondition(MemoryLayout<Value>.stride % 8 == 0)
    let found = try unsafe self.map(map.rawValue)
    var all: [[Value]] = []
    for index in 0..<UInt32(count) {
      var index = index
      var bytes = [UInt8](repeating: 0, count: Int(cpus) * MemoryLayout<Value>.stride)
      try check(
        unsafe bpf_map__lookup_elem(found, &index, MemoryLayout<UInt32>.size, &bytes, bytes.count, 0),
        .read(map: map.rawValue))
      all.append(
        unsafe bytes.withUnsafeBytes { buffer in
          (0..<Int(cpus)).map {
            unsafe buffer.loadUnaligned(fromByteOffset: $0 * MemoryLayout<Value>.stride, as: Value.self)
          }
        })
    }
    return all
  }

  /// Runs a program of the kind that is attached to nothing.
  package func run(_ program: some ProgramName) throws(BPFError) {
    var options = unsafe bpf_test_run_opts()
    unsafe options.sz = MemoryLayout<bpf_test_run_opts>.size
    try check(
      unsafe bpf_prog_test_run_opts(bpf_program__fd(try self.program(program)), &options),
      .attach(program: program.rawValue))
  }

  /// Runs an iterator program over everything that it iterates, and returns what it writes.
  package func iterate(_ program: some ProgramName) throws(BPFError) -> [UInt8] {
    guard let link = unsafe bpf_program__attach_iter(try self.program(program), nil) else {
      throw BPFError(operation: .attach(program: program.rawValue), cause: .last)
    }
    defer { _ = unsafe bpf_link__destroy(link) }
    let descriptor = unsafe bpf_iter_create(bpf_link__fd(link))
    try check(descriptor, .attach(program: program.rawValue))
    defer { close(descriptor) }
    var bytes: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 1 << 16)
    while true {
      let count = unsafe read(descriptor, &buffer, buffer.count)
      if count < 0, Errno.last == .interrupted { continue }
      guard count >= 0 else { throw BPFError(operation: .attach(program: program.rawValue), cause: .last) }
      if count == 0 { return bytes }
      bytes += buffer[..<count]
    }
  }

  /// Whether a hash map has no element.
  package func isEmpty(map: some MapName) throws(BPFError) -> Bool {
    var next: UInt32 = 0
    return unsafe bpf_map__get_next_key(try self.map(map.rawValue), nil, &next, MemoryLayout<UInt32>.size) != 0
  }

  func map(_ map: String) throws(BPFError) -> OpaquePointer {
    guard let found = unsafe bpf_object__find_map_by_name(handle, map) else {
      throw BPFError(operation: .find(name: map, object: name), cause: .last)
    }
    return unsafe found
  }

  func program(_ program: some ProgramName) throws(BPFError) -> OpaquePointer {
    guard let found = unsafe bpf_object__find_program_by_name(handle, program.rawValue) else {
      throw BPFError(operation: .find(name: program.rawValue, object: name), cause: .last)
    }
    return unsafe found
  }
}

extension Optional<String> {
  fileprivate func withOptionalCString<Result>(_ body: (UnsafePointer<CChar>?) -> Result) -> Result {
    switch self {
    case .some(let text): unsafe text.withCString { unsafe body($0) }
    case .none: body(nil)
    }
  }
}
