import ELF

/// How to get from the thread pointer to the state of a thread: at each step, value = word at (value + step).
package struct PythonPath: Hashable, Sendable {
  package enum Kind: Hashable, Sendable {
    /// A slot of pthread_setspecific(3).
    case threadSpecific
    /// A variable at a fixed distance from the thread pointer.
    case staticThreadLocal
    /// A variable of a library that was loaded late, by the table of such blocks (DTV).
    case dynamicThreadLocal
  }

  package let kind: Kind
  package let steps: [Int32]

  /// The word that the path leads to.
  package func value(from threadPointer: UInt64, in memory: some TargetMemory) -> UInt64? {
    var value = threadPointer
    for step in steps {
      guard let next: UInt64 = memory.value(at: value &+ UInt64(bitPattern: Int64(step))) else { return nil }
      value = next
    }
    return value
  }

  /// The form in which the kernel has it.
  var kernelSteps: (Int32, Int32, Int32) {
    (steps[0], steps.count > 1 ? steps[1] : 0, steps.count > 2 ? steps[2] : 0)
  }
}

/// The search for the paths from the thread pointers of known threads to their states.
///
/// The words of a thread's own descriptor come first. Words below it are looked at only within the thread-local variables
/// of the module that has the runtime: the stack of the thread lies there too, and is full of addresses of its state.
struct PythonPathSearch {
  /// To the state of each thread, whether or not it holds the lock.
  private(set) var persistent: PythonPath?
  /// To the state of a thread while it holds the lock, else to 0; since 3.12.
  private(set) var attached: PythonPath?

  /// The states that each thread has, by its thread pointer.
  private let threads: [(pointer: UInt64, states: Set<UInt64>)]
  private let interpreterCount: Int

  private static let maximumThreads = 64
  private static let maximumModules = 64
  /// What a descriptor of glibc takes, the first 32 slots for values of threads within.
  private static let descriptorSize = 2304
  /// glibc's `struct pthread` (nptl/descr.h) has slots of 16 bytes, the value in the second word; 32 of them in place, and
  /// from there on the addresses of blocks of 32.
  private static let firstSlot = 0x318
  private static let slotSize = 16
  private static let slotsInPlace = 32
  private static let firstBlock = 0x510
  private static let blockCount = 32
  /// In the C library musl an array of values is behind a word near the beginning of the descriptor.
  private static let muslDescriptorSize = 256
  private static let muslSlots = 128
  private static let staticReach: Int64 = 1 << 20

  init(
    _ threads: [PythonThread], minor: Int, isFreeThreaded: Bool = false, threadLocalSize: Int,
    in memory: some TargetMemory
  ) {
    let grouped = Dictionary(grouping: threads.filter { $0.threadPointer != 0 }, by: \.threadPointer)
    self.threads = grouped.sorted { $0.key < $1.key }.prefix(Self.maximumThreads).map {
      ($0.key, Set($0.value.map(\.state)))
    }
    interpreterCount = Set(threads.map(\.interpreter)).count
    if minor < 15 { persistent = threadSpecificPath(in: memory) ?? behindPointerPath(in: memory) }
    guard minor >= 12, threadLocalSize > 0 else { return }
    let places = threadLocalPlaces(size: threadLocalSize, in: memory)
    if persistent == nil { persistent = persistentPath(places) }
    attached = attachedPath(places, isFreeThreaded: isFreeThreaded)
  }

  private static let word = MemoryLayout<UInt64>.size

  /// Whether so many threads have their state at a place that it is no accident: of those that come and go just now, some
  /// do not.
  private func isEnough(_ hits: Int) -> Bool { hits > 0 && hits * 2 >= threads.count }

  /// The slot in the descriptors themselves.
  private func threadSpecificPath(in memory: some TargetMemory) -> PythonPath? {
    var hits: [Int: Int] = [:]
    for (pointer, states) in threads {
      guard let descriptor = memory.bytes(at: pointer, count: Self.descriptorSize) else { continue }
      for offset in stride(from: 0, to: Self.descriptorSize, by: Self.word)
      where states.contains(descriptor.integer(at: offset)) {
        hits[offset, default: 0] += 1
      }
    }
    let slots = stride(
      from: Self.firstSlot, to: Self.firstSlot + Self.slotsInPlace * Self.slotSize, by: Self.slotSize)
    let wanted = Array(slots) + hits.keys.sorted()
    return wanted.first { isEnough(hits[$0] ?? 0) }.map {
      PythonPath(kind: .threadSpecific, steps: [Int32($0)])
    }
  }

  /// A slot in a block behind a pointer: of a key from 32 on, and of any key in musl.
  private func behindPointerPath(in memory: some TargetMemory) -> PythonPath? {
    let blocks = stride(from: Self.firstBlock, to: Self.firstBlock + Self.blockCount * Self.word, by: Self.word)
    let pointers = Array(stride(from: 0, to: Self.muslDescriptorSize, by: Self.word)) + blocks
    for pointer in pointers {
      var hits: [Int: Int] = [:]
      for (thread, states) in threads {
        guard let block: UInt64 = memory.value(at: thread &+ UInt64(pointer)), block != 0, block != thread,
          let words = memory.bytes(at: block, count: Self.muslSlots * Self.word)
        else { continue }
        for offset in stride(from: 0, to: words.count, by: Self.word)
        where states.contains(words.integer(at: offset)) {
          hits[offset, default: 0] += 1
        }
      }
      if let offset = hits.keys.sorted().first(where: { isEnough(hits[$0] ?? 0) }) {
        return PythonPath(kind: .threadSpecific, steps: [Int32(pointer), Int32(offset)])
      }
    }
    return nil
  }

  /// A place among the thread-local variables where some thread has its state.
  private struct ThreadLocalPlace {
    let path: PythonPath
    var hits: Int
    /// Threads that have there neither their state nor 0.
    var strays = 0
  }

  /// A word in a block of thread-local variables.
  private struct Variable: Hashable {
    let module: Int
    let offset: Int
  }

  /// All places in the blocks of thread-local variables (Drepper, "ELF Handling For Thread-Local Storage", section 3)
  /// where a thread has its state. Which of the blocks is the module's is not known; one of its size is read of each.
  private func threadLocalPlaces(size: Int, in memory: some TargetMemory) -> [ThreadLocalPlace] {
    var words: [Variable: [(thread: Int, value: UInt64, distance: Int64)]] = [:]
    for (index, (pointer, _)) in threads.enumerated() {
      guard let table: UInt64 = memory.value(at: pointer &+ 8),
        let blocks = memory.bytes(at: table, count: (Self.maximumModules + 1) * 16)
          ?? memory.bytes(at: table, count: 9 * 16)
      else { continue }
      for module in 1..<blocks.count / 16 {
        let block: UInt64 = blocks.integer(at: module * 16)
        guard block != 0, block != .max, let bytes = memory.bytes(at: block, count: size & ~7) else { continue }
        for offset in stride(from: 0, to: bytes.count, by: Self.word) {
          let distance = Int64(bitPattern: block &+ UInt64(offset) &- pointer)
          words[Variable(module: module, offset: offset), default: []].append(
            (index, bytes.integer(at: offset), distance))
        }
      }
    }
    return words.compactMap { variable, found in
      let hits = found.filter { threads[$0.thread].states.contains($0.value) }
      guard let first = hits.first else { return nil }
      let isStatic =
        (-Self.staticReach..<0).contains(first.distance) && found.allSatisfy { $0.distance == first.distance }
      let path =
        isStatic
        ? PythonPath(kind: .staticThreadLocal, steps: [Int32(first.distance)])
        : PythonPath(kind: .dynamicThreadLocal, steps: [8, Int32(16 * variable.module), Int32(variable.offset)])
      return ThreadLocalPlace(path: path, hits: hits.count, strays: found.count { $0.value != 0 } - hits.count)
    }
  }

  /// The place that most threads have their state in; of equal ones the first in memory, as in CPython's builds.
  private func persistentPath(_ places: [ThreadLocalPlace]) -> PythonPath? {
    places.filter { isEnough($0.hits) }
      .max { ($0.hits, $1.path.steps.last ?? 0) < ($1.hits, $0.path.steps.last ?? 0) }?.path
  }

  /// The place where as many threads have their state as can hold a lock; nil where there are several such places.
  ///
  /// Blocks of libraries loaded late are on the heap, and may be smaller than the module's: what is behind them may be the
  /// remains of anything.
  private func attachedPath(_ places: [ThreadLocalPlace], isFreeThreaded: Bool) -> PythonPath? {
    let fitting = places.filter {
      $0.strays == 0 && $0.path != persistent && (isFreeThreaded || $0.hits <= interpreterCount)
    }
    let paths = Set(fitting.map(\.path))
    let fixed = paths.filter { $0.kind == .staticThreadLocal }
    let candidates = fixed.isEmpty ? paths : fixed
    return candidates.count == 1 ? candidates.first : nil
  }
}
