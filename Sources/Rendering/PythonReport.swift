import ProfileModel

/// What `swprof doctor --pid` says of the Python of a process.
enum PythonReport {
  /// One line.
  static func text(_ finding: PythonFinding) -> String {
    switch finding.outcome {
    case .read(let version, let build, let isFreeThreaded, let place, let knowsLock):
      let kind = isFreeThreaded ? ", free-threaded" : ""
      let doubt = knowsLock || isFreeThreaded ? "" : "; who holds the GIL is not known yet"
      return "Python: CPython \(version), \(words(build))\(kind); each thread is found \(place)\(doubt)"
    case .refused(let reason, let advice): return "Python: frames are not read: \(reason); \(advice)"
    }
  }

  private static func words(_ build: PythonFinding.Build) -> String {
    switch build {
    case .static: "in the program"
    case .shared: "in a shared library"
    case .embedded: "embedded in a program"
    }
  }

  /// An object with `version`, `build` (`static`, `shared`, `embedded`), `free_threaded`, `thread_state`, `knows_gil`,
  /// `reason` and `advice`; null for a process without Python.
  static func write(_ finding: PythonFinding?, to writer: inout JSONWriter) {
    guard let finding else { return writer.null() }
    writer.object { writer in
      switch finding.outcome {
      case .read(let version, let build, let isFreeThreaded, let place, let knowsLock):
        texts(["version": version, "build": build.rawValue, "thread_state": place], to: &writer)
        writer.key("free_threaded")
        writer.bool(isFreeThreaded)
        writer.key("knows_gil")
        writer.bool(knowsLock)
      case .refused(let reason, let advice):
        texts(["reason": reason, "advice": advice], to: &writer)
        writer.key("free_threaded")
        writer.null()
        writer.key("knows_gil")
        writer.null()
      }
    }
  }

  private static func texts(_ values: [String: String], to writer: inout JSONWriter) {
    for key in ["version", "build", "thread_state", "reason", "advice"] {
      writer.key(key)
      writer.string(values[key])
    }
  }
}
