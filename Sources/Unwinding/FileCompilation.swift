package import ELF

/// The compilation of all that a file says of its stacks to one `UnwindTable`, piece by piece.
///
/// In this order: `.eh_frame`, which is what runs; `.debug_frame`, for code that was compiled without the former; the
/// code of the procedure linkage table, for linkers that describe it in neither. Each fills what those before it leave
/// open.
package struct FileCompilation {
  private enum Stage {
    case callFrames(UnwindCompilation)
    case debugFrames(UnwindCompilation)
    case merging(UnwindTableMerge, next: Next)
    case done
  }

  private enum Next {
    case stubs
    case end
  }

  private let file: ELFFile
  private let debugFile: ELFFile?
  private let code: [ELFFile.Segment]
  private var stage = Stage.done
  private var result: UnwindTable?
  /// What could not be read: sentences without a subject, which is the file.
  package private(set) var problems: [String] = []
  /// Whether the file describes any function; else there is a table of stubs at most.
  package private(set) var hasCallFrames = false

  private static let maximumSectionSize = 256 << 20
  /// Unpacked. Debugging information is read and unpacked at once, while a capture waits.
  private static let maximumDebugSize = 64 << 20
  /// A row of a merge takes less time than an entry.
  private static let rowsPerEntry = 50

  /// Reads `.eh_frame`; nil for other machines than x86-64. Code for the x32 ABI is code for that.
  ///
  /// - Parameter debugFile: the separate debug file, where there is one.
  package init?(_ file: ELFFile, debugFile: ELFFile? = nil) throws(UnwindError) {
    guard file.machine == ELFFile.Machine.x86 else { return nil }
    self.file = file
    self.debugFile = debugFile
    code = file.loads.filter(\.isExecutable)
    do throws(ELFError) {
      if let place = try file.callFrameSection() {
        let bytes = try file.source.bytes(
          at: place.offset, count: place.size, of: .callFrames, limit: Self.maximumSectionSize)
        let section = CallFrameSection(
          unread: bytes, address: place.address, endsAtZero: place.isOpenEnded, addressSize: UInt8(file.wordSize))
        stage = .callFrames(UnwindCompilation(section, code: code, countsStrays: true))
        return
      }
    } catch {
      throw .file(error)
    }
    try beginDebugFrames()
  }

  /// Goes on for about a number of the file's entries.
  ///
  /// - Returns: whether there is more to do.
  package mutating func advance(entries count: Int) throws(UnwindError) -> Bool {
    switch stage {
    case .callFrames(var compilation):
      stage = .done
      if try compilation.advance(entries: count) {
        stage = .callFrames(compilation)
      } else {
        take(compilation.table())
        try beginDebugFrames()
      }
    case .debugFrames(var compilation):
      stage = .done
      if try compilation.advance(entries: count) {
        stage = .debugFrames(compilation)
      } else {
        let table = compilation.table()
        hasCallFrames = hasCallFrames || table != nil
        try fill(from: table, then: .stubs)
      }
    case .merging(var merge, let next):
      stage = .done
      if try merge.advance(rows: count * Self.rowsPerEntry) {
        stage = .merging(merge, next: next)
      } else {
        result = merge.table()
        if next == .stubs { try beginStubs() }
      }
    case .done: break
    }
    if case .done = stage { return false }
    return true
  }

  /// The table, once there is nothing more to do; nil where the file says nothing that makes sense.
  package consuming func table() -> UnwindTable? { result }

  private mutating func take(_ table: UnwindTable?) {
    result = table
    hasCallFrames = table != nil
  }

  private mutating func beginDebugFrames() throws(UnwindError) {
    do throws(ELFError) {
      var bytes = try file.debugFrames(limit: Self.maximumDebugSize)
      if bytes == nil { bytes = try debugFile?.debugFrames(limit: Self.maximumDebugSize) }
      if let bytes {
        let section = CallFrameSection(
          unread: bytes, address: 0, endsAtZero: false, form: .debug, addressSize: UInt8(file.wordSize))
        stage = .debugFrames(UnwindCompilation(section, code: code, countsStrays: false))
        return
      }
    } catch {
      problems.append("\(error); code that it has no other unwind information for is walked by frame pointers")
    }
    try beginStubs()
  }

  private mutating func beginStubs() throws(UnwindError) { try fill(from: stubs(), then: .end) }

  private mutating func fill(from filler: UnwindTable?, then next: Next) throws(UnwindError) {
    if let filler, let trusted = result {
      stage = .merging(try UnwindTableMerge(trusted, filledBy: filler), next: next)
      return
    }
    result = result ?? filler
    if next == .stubs { try beginStubs() }
  }

  /// The table of the stubs that no other table describes.
  private mutating func stubs() throws(UnwindError) -> UnwindTable? {
    var rows: [LinkageStubs.Row] = []
    do throws(ELFError) {
      let named = try file.sectionsByName(try file.sections())
      let sections = LinkageStubs.sectionNames.compactMap { named[$0] }.sorted { $0.virtualAddress < $1.virtualAddress }
      for section in sections where section.virtualAddress >= rows.last?.address ?? 0 {
        let added = try LinkageStubs(section, of: file)?.rows ?? []
        if added.contains(where: { $0.depth != nil && result?.rule(at: $0.address) ?? .gap == .gap }) { rows += added }
      }
    } catch {
      problems.append("\(error); stubs that call other libraries are walked by frame pointers")
      return nil
    }
    guard let first = rows.first, let last = rows.last else { return nil }
    guard (last.address - first.address) / UnwindTable.pageSize < UnwindCompilation.maximumPages else {
      throw .codeTooWide
    }
    var builder = UnwindTableBuilder(from: first.address)
    for row in rows {
      let rule = row.depth.map { builder.number(of: UnwindRule(frameAddress: .stackPointer(offset: $0))) }
      builder.add(rule ?? UnwindTableBuilder.gap, at: row.address)
    }
    return builder.table(damagedEntries: 0)
  }
}

extension UnwindTable {
  /// Compiles all that a file and its debug file say; nil where they say nothing, and for other machines than x86-64.
  package init?(_ file: ELFFile, debugFile: ELFFile? = nil) throws(UnwindError) {
    guard var compilation = try FileCompilation(file, debugFile: debugFile) else { return nil }
    while try compilation.advance(entries: .max >> 8) {}
    guard let table = compilation.table() else { return nil }
    self = table
  }
}
