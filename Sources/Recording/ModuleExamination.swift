import Capture
import Glibc
import LinuxSystem
package import ProfileModel
import Symbolication

/// Looks at the modules of a process as a capture would.
package enum ModuleExamination {
  package static func modules(of process: ProcessID) throws -> [ModuleFinding] {
    let modules = try Doctor.examine(process, openPerfMap: PerfMapSearch.open).map { source, unwinding in
      (source: source, unwinding: unwinding, supply: NameSupply(source))
    }
    let wanting = modules.filter { $0.supply.names != .debugInformation && isOfThisHost($0.source) }
    let owners = DebianPackage().owners(of: wanting.map(\.supply.module.path))
    return modules.map { source, unwinding, supply in
      let owner = isOfThisHost(source) ? owners[supply.module.path] : nil
      return ModuleFinding(
        path: supply.module.path, buildID: supply.module.buildID, unwinding: unwinding, names: supply.names,
        debugFile: supply.debugFile, supplier: owner.map(DebianPackage.debugPackage))
    }
  }

  /// Whether a file is the one that this host has under its path: another root directory has packages of its own.
  private static func isOfThisHost(_ source: CodeSource) -> Bool {
    var host = stat()
    guard case .file(let file, let path) = source, let own = try? file.status(), unsafe stat(path, &host) == 0 else {
      return false
    }
    return own.st_dev == host.st_dev && own.st_ino == host.st_ino
  }
}
