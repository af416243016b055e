import LinuxSystem
import ProfileModel
import Runtimes

/// Names and lines of the Python functions that samples have, read while their processes live.
///
/// A function is known by the process, the program that it runs, the address of its code object and a cookie. A child has
/// the memory of its parent: it begins with the names that were read before the fork.
struct PythonNames {
  private struct Program: Hashable {
    let process: ProcessID
    /// When it began, see `AddressSpace.programStart`.
    let start: UInt64
  }

  private struct Function: Hashable {
    let code: UInt64
    let cookie: UInt32

    init(code: UInt64, cookie: UInt32) {
      self.code = code
      self.cookie = cookie
    }

    init(_ frame: RuntimeFrame) {
      self.init(code: frame.object, cookie: UInt32(truncatingIfNeeded: frame.position >> 32))
    }
  }

  private struct Wanted: Hashable {
    let program: Program
    let function: Function
  }

  private struct Entry {
    /// Counts readings: a child has the entries from before its fork.
    let number: UInt64
    /// Nil for a code object that is gone.
    let code: PythonCode?
    /// Whether there is no more to be read.
    let isWhole: Bool
  }

  private struct Known {
    var entries: [Function: Entry] = [:]
    var parent: (program: Program, number: UInt64)?
  }

  private var programs: [Program: Known] = [:]
  private var waiting: Set<Wanted> = []
  private var queue: [Wanted] = []
  private var failures: [Wanted: Int] = [:]
  private var readings: UInt64 = 0
  /// Of the functions that are known.
  private var entryCount = 0
  private var bytes = 0
  private let limit: Int
  private let byteLimit: Int

  private static let maximumFailures = 3
  /// A child of a child, and so on.
  private static let maximumGenerations = 16

  /// - Parameters:
  ///   - limit: the number of functions at which those of ended programs are dropped, then all.
  ///   - byteLimit: the same for the memory of their names and lines.
  init(limit: Int = 1 << 16, byteLimit: Int = 64 << 20) {
    self.limit = limit
    self.byteLimit = byteLimit
  }

  /// How many functions are known, or waited for.
  var count: Int { entryCount + waiting.count }

  /// Whether names wait to be read.
  var hasWork: Bool { !queue.isEmpty }

  /// Asks for the name of a frame unless it is known.
  mutating func note(_ frame: RuntimeFrame) {
    guard frame.runtime == .python else { return }
    let wanted = Wanted(
      program: Program(process: frame.process, start: frame.programStart), function: Function(frame))
    guard entry(of: wanted.function, in: wanted.program)?.isWhole != true, !waiting.contains(wanted),
      failures[wanted, default: 0] < Self.maximumFailures
    else { return }
    // The next sample of it asks again.
    guard waiting.count < limit else { return }
    waiting.insert(wanted)
    queue.append(wanted)
  }

  /// Takes what was copied of a code object when it ran.
  mutating func learn(_ code: PythonCode, of process: ProcessID, start: UInt64, at address: UInt64, cookie: UInt32) {
    let wanted = Wanted(
      program: Program(process: process, start: start), function: Function(code: address, cookie: cookie))
    guard programs[wanted.program]?.entries[wanted.function]?.isWhole != true else { return }
    add(code, wanted, isWhole: code.hasLines)
  }

  /// Gives a child the names of its parent.
  mutating func inherit(_ child: ProcessID, start: UInt64, from parent: ProcessID, start parentStart: UInt64) {
    let program = Program(process: parent, start: parentStart)
    guard programs[program] != nil else { return }
    programs[Program(process: child, start: start), default: Known()].parent = (program, readings)
  }

  /// Reads what waits, in the order in which it was asked for.
  ///
  /// - Parameters:
  ///   - isTimeLeft: asked before each reading.
  ///   - read: reads a code object by its process, the start of its program, its address and its cookie; nil for a
  ///     process that cannot be read any more.
  mutating func read(
    while isTimeLeft: () -> Bool, _ read: (ProcessID, UInt64, UInt64, UInt32) -> PythonCode.Reading?
  ) {
    var done = 0
    while done < queue.count, isTimeLeft() {
      let wanted = queue[done]
      done += 1
      waiting.remove(wanted)
      let known = entry(of: wanted.function, in: wanted.program)
      guard known?.isWhole != true else { continue }
      switch read(wanted.program.process, wanted.program.start, wanted.function.code, wanted.function.cookie) {
      case .code(let code): add(code, wanted, isWhole: true)
      // What was copied of it stays.
      case .gone: add(known?.code, wanted, isWhole: true)
      case .unreadable:
        if failures.count >= limit { failures = [:] }
        failures[wanted, default: 0] += 1
      case nil: break
      }
    }
    queue.removeFirst(done)
  }

  private mutating func add(_ code: PythonCode?, _ wanted: Wanted, isWhole: Bool) {
    let size = code?.sizeBytes ?? 0
    if bytes + size > byteLimit || entryCount >= limit { makeRoom() }
    readings += 1
    failures[wanted] = nil
    let entry = Entry(number: readings, code: code, isWhole: isWhole)
    let former = programs[wanted.program, default: Known()].entries.updateValue(entry, forKey: wanted.function)
    if former == nil { entryCount += 1 }
    bytes += size - (former?.code?.sizeBytes ?? 0)
  }

  /// What a frame is called; nil where that was not read.
  func name(of frame: RuntimeFrame) -> RuntimeName? {
    let program = Program(process: frame.process, start: frame.programStart)
    guard frame.runtime == .python, let entry = entry(of: Function(frame), in: program) else { return nil }
    guard let code = entry.code else { return .gone }
    return .function(
      name: code.qualifiedName, file: code.fileName,
      line: code.line(atUnit: UInt32(truncatingIfNeeded: frame.position)))
  }

  /// What frames are called, of those that have been read.
  func names(of frames: [RuntimeFrame]) -> [RuntimeFrame: RuntimeName] {
    var names: [RuntimeFrame: RuntimeName] = [:]
    for frame in frames { names[frame] = name(of: frame) }
    return names
  }

  private func entry(of function: Function, in program: Program) -> Entry? {
    var program = program
    var limit = UInt64.max
    for _ in 0..<Self.maximumGenerations {
      guard let known = programs[program] else { return nil }
      if let entry = known.entries[function], entry.number <= limit { return entry }
      guard let parent = known.parent else { return nil }
      (program, limit) = (parent.program, min(limit, parent.number))
    }
    return nil
  }

  /// Drops what was read of processes that have ended; where that is too little, everything: what still runs is sampled
  /// and read again.
  private mutating func makeRoom() {
    let parents = Set(programs.values.compactMap { $0.parent?.program })
    programs = programs.filter { parents.contains($0.key) || ProcessTable.exists($0.key.process) }
    failures = [:]
    let entries = programs.values.flatMap(\.entries.values)
    (entryCount, bytes) = (entries.count, entries.reduce(0) { $0 + ($1.code?.sizeBytes ?? 0) })
    guard entryCount > limit - limit / 8 || bytes > byteLimit / 2 else { return }
    programs = [:]
    (entryCount, bytes) = (0, 0)
  }
}
