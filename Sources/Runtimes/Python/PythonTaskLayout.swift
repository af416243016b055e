import CProbes
package import ELF

/// Where the tasks of asyncio have their fields, as a section of the file that has the module `_asyncio` tells; since 3.14.
package struct PythonTaskLayout: Equatable, Sendable {
  /// In the state of a thread: the task that it runs.
  let runningTask: UInt64
  let name: UInt64
  let awaitedBy: UInt64
  let isTask: UInt64
  let isAwaitedBySet: UInt64
  let coroutine: UInt64

  private static let section = ".AsyncioDebug"
  private static let wordCount = 13

  /// Looks for the section in a file; nil for a file without it, which costs two small reads.
  package init?(_ file: ELFFile) throws(ELFError) {
    guard try file.mayHaveSection(named: Self.section),
      let section = try file.sectionsByName(try file.sections())[Self.section]
    else { return nil }
    let bytes = try file.source.prefix(at: section.fileOffset, limit: 8 * Self.wordCount)
    guard bytes.count == 8 * Self.wordCount, section.size >= UInt64(bytes.count) else { return nil }
    self.init(bytes)
  }

  /// - Parameter bytes: `Py_AsyncioModuleDebugOffsets` (CPython, Modules/_asynciomodule.c): seven words of a task, two of
  ///   an interpreter and four of a thread. Each first one is a size.
  init(_ bytes: [UInt8]) {
    func word(_ index: Int) -> UInt64 { bytes.integer(at: 8 * index) }
    (name, awaitedBy, isTask, isAwaitedBySet, coroutine) = (word(1), word(2), word(3), word(4), word(5))
    runningTask = word(11)
  }
}

extension PythonOffsets {
  private static let maximumStateSize: UInt64 = 4096
  /// What the kernel side has room for.
  private static let maximumObjectSize = 256

  /// Takes what is known of tasks, with all that is read of them. What cannot be true is not taken.
  mutating func adopt(_ layout: PythonTaskLayout) {
    let fields = [layout.name, layout.awaitedBy, layout.isTask, layout.isAwaitedBySet, layout.coroutine]
    guard minor >= 14, (1..<Self.maximumStateSize).contains(layout.runningTask),
      fields.allSatisfy({ (1..<UInt64(Self.maximumObjectSize)).contains($0) })
    else { return }
    var tasks = kernel.tasks
    let ofFrame = [tasks.stack_pointer, kernel.frame_code, kernel.frame_position].map(Int.init)
    let taskSize = (Int(fields.max() ?? 0) + 15) & ~7
    let coroutineSize = (max(Int(tasks.frame) + (ofFrame.max() ?? 0) + 8, Int(tasks.frame_state) + 1) + 7) & ~7
    guard max(taskSize, coroutineSize, textOther) <= Self.maximumObjectSize,
      tasks.set_count < Self.maximumObjectSize
    else { return }
    tasks.name = UInt16(layout.name)
    tasks.awaited_by = UInt16(layout.awaitedBy)
    tasks.is_task = UInt16(layout.isTask)
    tasks.is_set = UInt16(layout.isAwaitedBySet)
    tasks.coroutine = UInt16(layout.coroutine)
    tasks.task_size = UInt16(taskSize)
    tasks.coroutine_size = UInt16(coroutineSize)
    kernel.tasks = tasks
    kernel.state_task = UInt16(layout.runningTask)
  }
}
