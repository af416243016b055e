import LinuxSystem
import ProfileModel

/// What was asked to be profiled, before anything is loaded.
enum ProbeTargets {
  /// Throws where a process is none, or only a thread of one.
  static func check(_ target: TaskSpec.Target) throws(CaptureError) {
    guard case .processes(let processes) = target else { return }
    for process in processes {
      guard ProcessTable.exists(process) else { throw .noSuchProcess(process) }
      let thread = ThreadID(rawValue: process.rawValue)
      // One that has just ended is told by its own error soon enough.
      let owner = (try? ProcessTable.process(ofThread: thread)) ?? process
      if owner != process { throw .isThread(thread, of: owner) }
    }
  }
}
