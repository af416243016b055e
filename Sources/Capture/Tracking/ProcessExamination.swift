import ELF
package import LinuxSystem
package import ProfileModel
import Unwinding

extension Doctor {
  /// How the stacks of a process are walked through each of its modules, in the order of their addresses.
  package static func examine(
    _ process: ProcessID, openPerfMap: @escaping (ProcessID) -> ProcessTracker.PerfMapOpening
  ) throws(CaptureError) -> [(source: CodeSource, unwinding: ModuleFinding.Unwinding)] {
    guard ProcessTable.exists(process) else { throw .noSuchProcess(process) }
    var tracker = ProcessTracker(
      scope: .listed, includesChildren: false, processName: nil, openPerfMap: openPerfMap)
    tracker.follow(process)
    guard let regions = tracker.regions(of: process) else {
      throw .system(operation: "cannot read the mappings of process \(process)", .accessDenied)
    }
    var seen: Set<SourceIndex> = []
    return regions.compactMap { region in
      let source = tracker.locate(region.start, in: process).source
      guard seen.insert(source).inserted else { return nil }
      return (tracker.sources[Int(source)], unwinding(through: tracker.sources[Int(source)]))
    }
  }

  private static func unwinding(through source: CodeSource) -> ModuleFinding.Unwinding {
    do {
      let file: ELFFile
      switch source {
      case .file(let open, _): file = try ELFFile(ByteSource(open))
      case .vdso: file = try ELFFile(.memory(VDSO.image ?? []))
      case .anonymous: return .framePointers(reason: "code without a file")
      case .missing: return .none(reason: "the file cannot be opened")
      case .kernel, .unmapped: return .none(reason: "no code of the process")
      }
      guard var compilation = try FileCompilation(file, debugFile: UnwindTables.debugFile(of: file, source)) else {
        return .framePointers(reason: file.machine == ELFFile.Machine.i386 ? "32-bit code" : "no x86-64 code")
      }
      while try compilation.advance(entries: .max >> 8) {}
      guard compilation.hasCallFrames, let table = compilation.table() else {
        return .framePointers(reason: "no .eh_frame and no .debug_frame")
      }
      return .table(
        rows: table.rows.count, bytes: table.storedLines * UnwindLines.lineSize, damagedEntries: table.damagedEntries)
    } catch {
      return .framePointers(reason: "\(error)")
    }
  }
}
