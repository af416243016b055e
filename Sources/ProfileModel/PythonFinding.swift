/// What a profile of a process can show of the Python code that it runs.
package struct PythonFinding: Equatable, Sendable {
  /// Where the interpreter is.
  package enum Build: String, Sendable {
    /// In the program.
    case `static`
    /// In a library of its own, which the program `python` loads.
    case shared
    /// In a program that does other things.
    case embedded
  }

  package enum Outcome: Equatable, Sendable {
    /// Frames are read.
    ///
    /// - `place`: how the state of a thread is found.
    /// - `knowsLock`: whether samples are told apart by the global interpreter lock.
    case read(version: String, build: Build, isFreeThreaded: Bool, place: String, knowsLock: Bool)
    /// They are not.
    case refused(reason: String, advice: String)
  }

  package let outcome: Outcome

  package init(_ outcome: Outcome) { self.outcome = outcome }
}
