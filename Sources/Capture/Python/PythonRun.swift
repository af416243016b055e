import CProbes

/// The words of a run of Python frames, from leaf to root, with the asyncio tasks that wait for it.
struct PythonRun {
  private var words: [UInt64] = []
  /// The frames of a task that waits, as they are recorded: from root to leaf. Nil where no task has come.
  private var waiting: [UInt64]?
  private var name: [UInt64] = []

  private static let announcement = UInt64(SWPROF_FRAME_RUNTIME) + UInt64(SWPROF_RUNTIME_PYTHON.rawValue)
  private static let frameSize = Int(SWPROF_RUNTIME_FRAME_WORDS)
  private static let nameSize = Int(SWPROF_PYTHON_NAME_WORDS)

  mutating func add(code: UInt64, place: UInt64) {
    let frame = [place, code, Self.announcement]
    if waiting == nil { words += frame } else { waiting? += frame }
  }

  mutating func add(mark: Int32) {
    leaveTasks()
    words.append(UInt64(mark))
  }

  mutating func add(nameWord: UInt64) {
    if name.count < Self.nameSize { name.append(nameWord) }
  }

  /// Ends the frames of a task: those of the one that runs are there already.
  mutating func endTask(name length: UInt64) {
    turnWaiting()
    name += [UInt64](repeating: 0, count: Self.nameSize - name.count)
    words += name + [length, UInt64(SWPROF_FRAME_PYTHON_TASK)]
    name = []
    waiting = []
  }

  /// Ends all tasks with a mark.
  mutating func endTasks(_ mark: [UInt64]) {
    turnWaiting()
    words += mark
    waiting = nil
  }

  /// Ends the run, and gives its words.
  mutating func take() -> [UInt64] {
    leaveTasks()
    defer { self = PythonRun() }
    return words
  }

  private mutating func turnWaiting() {
    guard let waiting else { return }
    for end in stride(from: waiting.count, to: 0, by: -Self.frameSize) {
      words += waiting[end - Self.frameSize..<end]
    }
  }

  /// What has come behind the last task is no task that waits: a task that is begun at once runs within another one.
  private mutating func leaveTasks() {
    words += waiting ?? []
    waiting = nil
    name = []
  }
}
