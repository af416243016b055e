import CProbes

/// A thread of an interpreter: one `PyThreadState`. A thread has one in each interpreter that it has run in.
package struct PythonThread: Equatable {
  /// The address of its state.
  package let state: UInt64
  /// The thread pointer (fs base) of the thread, with which `threading` names it too.
  package let threadPointer: UInt64
  /// The number of the thread as its own pid namespace counts; since 3.11.
  package let nativeID: UInt64?
  package let interpreter: UInt64

  private static let maximumInterpreters = 64

  /// The threads of all interpreters, at most some number of them, at the first unreadable one cut short.
  static func all(
    ofRuntime runtime: UInt64, _ offsets: PythonOffsets, limit: Int = 4096, in memory: some TargetMemory
  ) -> [PythonThread] {
    var result: [PythonThread] = []
    // A list may lead into itself.
    var known: Set<UInt64> = []
    var interpreter: UInt64 = memory.value(at: runtime &+ UInt64(offsets.interpreters)) ?? 0
    for _ in 0..<maximumInterpreters where interpreter != 0 && known.insert(interpreter).inserted {
      var state: UInt64 = memory.value(at: interpreter &+ UInt64(offsets.threads)) ?? 0
      while state != 0, result.count < limit, known.insert(state).inserted,
        let thread = PythonThread(state, offsets, in: memory)
      {
        // A list that leads elsewhere is not one of threads, or changes at this moment.
        guard thread.interpreter == interpreter else { break }
        result.append(thread)
        state = memory.value(at: state &+ UInt64(offsets.nextState)) ?? 0
      }
      interpreter = memory.value(at: interpreter &+ UInt64(offsets.nextInterpreter)) ?? 0
    }
    return result
  }

  init(state: UInt64, threadPointer: UInt64, nativeID: UInt64?, interpreter: UInt64) {
    self.state = state
    self.threadPointer = threadPointer
    self.nativeID = nativeID
    self.interpreter = interpreter
  }

  private init?(_ state: UInt64, _ offsets: PythonOffsets, in memory: some TargetMemory) {
    guard let thread: UInt64 = memory.value(at: state &+ UInt64(offsets.kernel.state_thread)),
      let interpreter: UInt64 = memory.value(at: state &+ UInt64(offsets.kernel.state_interpreter))
    else { return nil }
    let nativeID: UInt64? = offsets.nativeThread.flatMap { memory.value(at: state &+ UInt64($0)) }
    self.init(state: state, threadPointer: thread, nativeID: nativeID, interpreter: interpreter)
  }
}
