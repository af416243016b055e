import ELF
package import LinuxSystem
package import ProfileModel

/// What a module's functions can be named by.
package struct NameSupply: Equatable, Sendable {
  package let module: Module
  package let names: ModuleFinding.Names
  /// The path of the separate file that the names come from.
  package let debugFile: String?

  private init(_ module: Module, _ names: ModuleFinding.Names, debugFile: String? = nil) {
    self.module = module
    self.names = names
    self.debugFile = debugFile
  }

  /// Looks at a source of code and, for a file, at its debug file.
  package init(_ source: CodeSource, debugDirectory: String = "/usr/lib/debug") {
    switch source {
    case .file(let file, let path):
      let bytes = try? ByteSource(file)
      self =
        bytes.flatMap { Self.examine($0, path: path, DebugFiles(directory: debugDirectory)) }
        ?? Self(Module(path: path), .none)
    case .vdso: self.init(Module(path: "[vdso]"), .exported)
    case .anonymous(_, let perfMap): self.init(Module(path: "[anonymous]"), perfMap?.file == nil ? .none : .perfMap)
    case .missing(let path): self.init(Module(path: path), .none)
    case .kernel: self.init(Module(path: "[kernel]"), .symbolTable)
    case .unmapped: self.init(Module(path: "[unmapped]"), .none)
    }
  }

  private static func examine(_ bytes: ByteSource, path: String, _ debugFiles: DebugFiles) -> NameSupply? {
    guard let file = try? ELFFile(bytes), let sections = try? file.sections(),
      let named = try? file.sectionsByName(sections)
    else { return nil }
    let buildID = BuildID.find(in: file, sections: sections)
    let module = Module(path: path, buildID: buildID)
    if isReadable(file, named) { return NameSupply(module, .debugInformation) }
    if let debug = debugFiles.find(for: file, named: named, buildID: buildID, path: path) {
      let isFull = (try? debug.file.sectionsByName(debug.sections)).map { isReadable(debug.file, $0) } ?? false
      return NameSupply(module, isFull ? .debugInformation : .symbolTable, debugFile: debug.path)
    }
    if sections.contains(where: { $0.type == ELFFile.SectionType.symbols && $0.size > 0 }) {
      return NameSupply(module, .symbolTable)
    }
    if named[".gnu_debugdata"] != nil { return NameSupply(module, .miniDebugInformation) }
    var meter = NamingMeter(NamingBudget(), hasTimeLimit: true)
    if GoProgram.table(of: file, sections, named, &meter) != nil { return NameSupply(module, .goFunctionTable) }
    let exports = sections.contains { $0.type == ELFFile.SectionType.dynamicSymbols && $0.size > 0 }
    return NameSupply(module, exports ? .exported : .none)
  }

  /// Whether a capture would read the debugging information of a file.
  private static func isReadable(_ file: ELFFile, _ sections: [String: ELFFile.Section]) -> Bool {
    DebugInformation.isThere(sections) && DebugInformation.obstacle(in: file) == nil
  }
}
