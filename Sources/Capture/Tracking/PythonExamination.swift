import LinuxSystem
package import ProfileModel
import Runtimes

extension Doctor {
  /// How the Python frames of a process are read, or why they are not; nil for a process without Python.
  package static func examinePython(_ process: ProcessID) -> PythonFinding? {
    guard let modules = try? MappedModule.all(of: process) else { return nil }
    do throws(Errno) {
      return try findPython(modules, in: ProcessMemory(of: process))
    } catch {
      guard modules.contains(where: \.hasPython) else { return nil }
      return PythonFinding(
        .refused(
          reason: "the memory of the process cannot be read: \(error)",
          advice: "run as root or grant CAP_SYS_PTRACE"))
    }
  }

  private static func findPython(_ modules: [MappedModule], in memory: ProcessMemory) -> PythonFinding? {
    do throws(PythonRefusal) {
      guard let runtime = try PythonRuntime.find(in: memory, modules: modules) else { return nil }
      return PythonFinding(
        .read(
          version: runtime.version.description, build: build(runtime, modules), isFreeThreaded: runtime.isFreeThreaded,
          place: place(runtime.path), knowsLock: runtime.knowsLock))
    } catch {
      return PythonFinding(.refused(reason: error.description, advice: advice(error)))
    }
  }

  private static func build(_ runtime: PythonRuntime, _ modules: [MappedModule]) -> PythonFinding.Build {
    let program = modules.first(where: \.isProgram)?.path.lastPathComponent ?? ""
    guard program.beginsWithBytes(of: "python") else { return .embedded }
    return runtime.isInProgram ? .static : .shared
  }

  private static func place(_ path: PythonPath) -> String {
    let steps = path.steps.map { $0 < 0 ? "\($0)" : "+\($0)" }.joined(separator: ", ")
    switch path.kind {
    case .threadSpecific: return "by a slot of pthread_setspecific, thread pointer \(steps)"
    case .staticThreadLocal: return "by a thread-local variable, thread pointer \(steps)"
    case .dynamicThreadLocal: return "by a thread-local variable of a library loaded late, thread pointer \(steps)"
    }
  }

  private static func advice(_ refusal: PythonRefusal) -> String {
    switch refusal {
    case .noVersion: "the name of its program or library tells none, such as libpython3.10.so"
    case .unknownVersion: "its functions have no names; the interpreter's own frames are shown"
    case .implausible: "it may have been built with changes; report it with its version and where it is from"
    case .notInitialized: "ask again when it runs Python code"
    case .noPath: "ask again when it runs Python code; swprof knows the threads of glibc and of musl"
    case .unreadable: "it may just have ended or executed another program; ask again"
    }
  }
}

extension MappedModule {
  /// Whether the file has a Python runtime of any version.
  fileprivate var hasPython: Bool { (try? PythonImage(file, path: path, isProgram: isProgram)).flatMap { $0 } != nil }
}
