package import ELF
package import LinuxSystem
package import ProfileModel
package import Runtimes

extension MappedModule {
  /// The ELF files whose code a process has mapped, the program first; those that cannot be opened or read are left out.
  package static func all(of process: ProcessID) throws(Errno) -> [MappedModule] {
    let maps = try OpenFile.contents(of: "\(ProcessTable.directory(of: process))/maps")
    let program = SymbolicLink.destination(of: "\(ProcessTable.directory(of: process))/exe")
    var seen: Set<[UInt64]> = []
    let modules = MemoryMapping.executable(inMaps: maps).compactMap { mapping -> MappedModule? in
      guard mapping.inode != 0, seen.insert([mapping.device, mapping.inode]).inserted,
        let mapped = MappedFile.open(mapping, of: process), let source = try? ByteSource(mapped.file),
        let file = try? ELFFile(source)
      else { return nil }
      return MappedModule(mapping, file, isProgram: mapping.path == program)
    }
    return modules.filter(\.isProgram) + modules.filter { !$0.isProgram }
  }

  /// - Returns: nil for a mapping of no segment of the file.
  package init?(_ mapping: MemoryMapping, _ file: ELFFile, isProgram: Bool) {
    guard let load = file.loads.first(where: { $0.isExecutable && $0.isMapped(at: mapping.fileOffset) }) else {
      return nil
    }
    let address = load.virtualAddress &- load.fileOffset &+ mapping.fileOffset
    self.init(path: mapping.path, file: file, bias: mapping.start &- address, isProgram: isProgram)
  }
}
