package import CProbes
package import ELF

/// An ELF file that a process has mapped.
package struct MappedModule {
  /// What the process calls it.
  package let path: String
  package let file: ELFFile
  /// Process address minus ELF virtual address.
  package let bias: UInt64
  /// Whether it is the program that the process runs, not one of its libraries.
  package let isProgram: Bool

  package init(path: String, file: ELFFile, bias: UInt64, isProgram: Bool) {
    self.path = path
    self.file = file
    self.bias = bias
    self.isProgram = isProgram
  }
}

/// The CPython runtime of a process: what version it is, and how the frames of its threads are found.
package struct PythonRuntime {
  package let version: PythonVersion
  /// The address of `_PyRuntime`.
  package private(set) var runtimeAddress: UInt64
  package let evidence: PythonImage.Evidence
  /// Whether it is in the program that the process runs, not in one of its libraries.
  package let isInProgram: Bool
  /// To the state of each thread, whether or not it holds the lock.
  package let path: PythonPath
  /// To the state of a thread while it holds the lock, else to 0. Nil before 3.12, and if no thread held it when this
  /// was searched for: another search may find it.
  package let attachedPath: PythonPath?
  /// What the kernel side walks by.
  package var layout: swprof_python { offsets.kernel }
  private(set) var offsets: PythonOffsets
  /// What the module `_asyncio` tells.
  package private(set) var tasks: PythonTaskLayout?

  /// Where code objects and their strings have their fields: runtimes that have the same one are read alike.
  package var codeLayout: [Int] {
    let kernel = offsets.kernel
    let numbers = [kernel.code_argument_count, kernel.code_keyword_count, kernel.code_flags, kernel.code_first_line]
    return numbers.map(Int.init) + [
      offsets.minor, offsets.objectHeader, offsets.fileName, offsets.name, offsets.qualifiedName ?? -1,
      offsets.lineTable, offsets.textLength, offsets.textState, offsets.textASCII, offsets.textOther,
      offsets.bytesSize, offsets.bytesData, Int(kernel.code_size),
    ]
  }

  package var isFreeThreaded: Bool { layout.is_free_threaded != 0 }

  /// Whether the label `gil` can be told of its threads.
  package var knowsLock: Bool { layout.current_state != 0 || attachedPath != nil }

  /// Finds the runtime of a process; nil if it has none.
  ///
  /// - Parameter modules: the ELF files that it has mapped, the program first.
  package static func find(
    in memory: some TargetMemory, modules: some Sequence<MappedModule>
  ) throws(PythonRefusal) -> PythonRuntime? {
    var refusal: PythonRefusal?
    for module in modules {
      // A damaged file is one without Python.
      guard let image = try? PythonImage(module.file, path: module.path, isProgram: module.isProgram) else { continue }
      do throws(PythonRefusal) {
        var runtime = try PythonRuntime(image, bias: module.bias, in: memory)
        if runtime.lacksTasks {
          for module in modules {
            if let tasks = (try? PythonTaskLayout(module.file)) ?? nil { runtime.adopt(tasks) }
          }
        }
        return runtime
      } catch { refusal = refusal ?? error }
    }
    if let refusal { throw refusal }
    return nil
  }

  /// Reads the runtime that a mapped file has.
  package init(_ image: PythonImage, bias: UInt64, in memory: some TargetMemory) throws(PythonRefusal) {
    let address = image.runtime &+ bias
    let (version, table) = try Self.version(image, at: address, bias: bias, in: memory)
    guard version.major == 3, PythonOffsets.minors.contains(version.minor), !version.isPrerelease else {
      throw .unknownVersion(version)
    }
    let known =
      version.minor >= 13
      ? PythonOffsets(debugOffsets: table, minor: version.minor) : PythonOffsets(constantsOfMinor: version.minor)
    guard var offsets = known else { throw .implausible(version, "its table of offsets") }
    let threads = PythonThread.all(ofRuntime: address, offsets, limit: Self.sampleSize, in: memory)
    guard !threads.isEmpty else { throw .notInitialized(version) }
    if let pointer = offsets.baseFramePointer {
      guard let distance = Self.baseFrame(threads, pointer: pointer, in: memory) else {
        throw .implausible(version, "the base frame of a thread")
      }
      offsets.kernel.state_base_frame = distance
    }
    // Where no thread has a frame yet, nothing else leads to the type of strings.
    offsets.kernel.tasks.text_type = image.textType.map { $0 &+ bias } ?? 0
    let codeType = try Self.codeType(
      exported: image.codeType.map { $0 &+ bias }, threads, version, &offsets, in: memory)

    let search = PythonPathSearch(
      threads, minor: version.minor, isFreeThreaded: offsets.kernel.is_free_threaded != 0,
      threadLocalSize: image.threadLocalSize, in: memory)
    guard let path = search.persistent else { throw .noPath(version) }
    offsets.kernel.code_type = codeType
    offsets.kernel.current_state = Self.currentState[version.minor].map { address &+ $0 } ?? 0
    offsets.kernel.path = path.kernelSteps
    offsets.kernel.path_length = UInt8(path.steps.count)
    if let attached = search.attached {
      offsets.kernel.attached = attached.kernelSteps
      offsets.kernel.attached_length = UInt8(attached.steps.count)
    }
    self.version = version
    self.runtimeAddress = address
    self.evidence = image.evidence
    self.isInProgram = image.isProgram
    self.path = path
    self.attachedPath = search.attached
    self.offsets = offsets
  }

  /// Whether the asyncio tasks of its threads could be found, and are not: the module `_asyncio`, which is a library of its
  /// own in some builds, tells how. A program loads it as it imports it.
  package var lacksTasks: Bool { version.minor >= 14 && tasks == nil }

  /// Takes what the module `_asyncio` tells of tasks. The kernel side is told of it if it can be true.
  package mutating func adopt(_ tasks: PythonTaskLayout) {
    self.tasks = tasks
    offsets.adopt(tasks)
  }

  /// So many threads tell how all of them are found.
  private static let sampleSize = 256

  /// What a process that has mapped the same file at another bias has in all likelihood; nil if that depends on more.
  ///
  /// - Parameter segments: of the file.
  package func moved(from old: UInt64, to new: UInt64, segments: [ELFFile.Segment]) -> PythonRuntime? {
    let type = layout.code_type &- old
    // A longer path leads through tables of other libraries, too. A program may have its own copy of a library's type
    // (R_X86_64_COPY).
    guard path.steps.count == 1, segments.contains(where: { type &- $0.virtualAddress < $0.fileSize }) else {
      return nil
    }
    let distance = new &- old
    var moved = self
    moved.runtimeAddress = runtimeAddress &+ distance
    moved.offsets.kernel.code_type = layout.code_type &+ distance
    if layout.current_state != 0 { moved.offsets.kernel.current_state = layout.current_state &+ distance }
    let textType = layout.tasks.text_type &- old
    let isTextTypeOwn = segments.contains { textType &- $0.virtualAddress < $0.fileSize }
    moved.offsets.kernel.tasks.text_type = isTextTypeOwn ? layout.tasks.text_type &+ distance : 0
    return moved
  }

  /// All threads of all interpreters, as their lists have them now.
  package func threads(in memory: some TargetMemory) -> [PythonThread] {
    PythonThread.all(ofRuntime: runtimeAddress, offsets, in: memory)
  }

  /// Where `_PyRuntime` has the state that holds the lock (`gilstate.tstate_current`), by minor version.
  private static let currentState: [Int: UInt64] = [8: 1368, 9: 568, 10: 568, 11: 576]

  /// The version, and the beginning of `_PyRuntime` where it tells offsets.
  private static func version(
    _ image: PythonImage, at address: UInt64, bias: UInt64, in memory: some TargetMemory
  ) throws(PythonRefusal) -> (PythonVersion, table: [UInt8]) {
    guard let head = memory.bytes(at: address, count: 16) else { throw .unreadable(nil) }
    if head.starts(with: PythonImage.debugCookie) {
      let version = PythonVersion(hexadecimal: UInt32(truncatingIfNeeded: head.integer(at: 8, as: UInt64.self)))
      guard let table = memory.bytes(at: address, count: PythonOffsets.debugTableSize) else {
        throw .unreadable(version)
      }
      return (version, table)
    }
    if let place = image.versionNumber {
      guard let number: UInt32 = memory.value(at: place &+ bias) else { throw .unreadable(nil) }
      let version = PythonVersion(hexadecimal: number)
      // 3.13 and later write their cookie when they start.
      guard version.minor < 13 else { throw .notInitialized(version) }
      return (version, [])
    }
    guard let version = image.namedVersion else { throw .noVersion }
    return (version, [])
  }

  /// How far in its state the base frame of a thread is.
  private static func baseFrame(_ threads: [PythonThread], pointer: Int, in memory: some TargetMemory) -> UInt16? {
    threads.lazy.compactMap { thread in
      let frame: UInt64? = memory.value(at: thread.state &+ UInt64(pointer))
      return frame.flatMap { UInt16(exactly: $0 &- thread.state) }
    }.first { $0 > 0 }
  }

  /// Finds the type of code objects, and checks the offsets by what it tells and by the frames that are there.
  private static func codeType(
    exported: UInt64?, _ threads: [PythonThread], _ version: PythonVersion, _ offsets: inout PythonOffsets,
    in memory: some TargetMemory
  ) throws(PythonRefusal) -> UInt64 {
    let sight = PythonFirstSight(threads, offsets, in: memory)
    // A program may have its own copy of a library's type (R_X86_64_COPY): the objects tell which one is in use.
    for type in sight.types + [exported].compactMap({ $0 }) {
      guard let members = PythonMembers(ofType: type, named: "code", offsets, in: memory) else { continue }
      if let strange = offsets.adopt(members) { throw .implausible(version, "'\(strange)' of a code object") }
      guard offsets.setSizes() else { throw .implausible(version, "the size of a frame or of a code object") }
      if let textType = sight.textType(ofCodeType: type) { offsets.kernel.tasks.text_type = textType }
      return type
    }
    guard sight.frames == 0 else { throw .implausible(version, "no frame has a code object") }
    throw .notInitialized(version)
  }
}
