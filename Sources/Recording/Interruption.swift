import LinuxSystem
import ProfileModel

/// Whether a signal has come since a moment: the one that ends early what was begun then.
struct Interruption: Sendable {
  private let known = SignalDescriptor.count

  var hasCome: Bool { SignalDescriptor.count > known }

  /// Lets a signal end the program instead of a drawing that takes long: the task is stored.
  func leaveInstead(ofDrawing task: TaskID) throws(EndedBySignal) {
    let sentence = "left before the result was written; 'swprof report \(task)' shows task \(task)"
    SignalDescriptor.leaveOnSignal("swprof: \(sentence)\n")
    // One that came while the task was stored has not left.
    if hasCome, let signal = SignalDescriptor.last { throw EndedBySignal(signal: signal, sentence: sentence) }
  }
}
