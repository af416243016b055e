/// Why the frames of a Python runtime cannot be read.
package enum PythonRefusal: Error, Equatable, CustomStringConvertible {
  /// Nothing tells the version.
  case noVersion
  case unknownVersion(PythonVersion)
  /// A value that no interpreter of this version has.
  case implausible(PythonVersion, String)
  /// There is no interpreter, or none with a thread, yet.
  case notInitialized(PythonVersion)
  /// No thread of the interpreter was found from its thread pointer.
  case noPath(PythonVersion)
  /// Memory that every runtime of this version has could not be read.
  case unreadable(PythonVersion?)

  /// Whether another look later may end otherwise.
  package var isTemporary: Bool {
    switch self {
    case .notInitialized, .noPath, .unreadable: true
    case .noVersion, .unknownVersion, .implausible: false
    }
  }

  package var description: String {
    switch self {
    case .noVersion: "a Python runtime whose version is not known"
    case .unknownVersion(let version):
      "CPython \(version) is not known; swprof reads releases from 3.\(PythonOffsets.minors.lowerBound) to"
        + " 3.\(PythonOffsets.minors.upperBound)"
    case .implausible(let version, let what): "the structures of this CPython \(version) are not as expected: \(what)"
    case .notInitialized(let version): "CPython \(version) has no interpreter with a thread yet"
    case .noPath(let version): "no thread leads to its state of CPython \(version)"
    case .unreadable(let version):
      "the memory of " + (version.map { "CPython \($0)" } ?? "a Python runtime") + " cannot be read"
    }
  }
}
