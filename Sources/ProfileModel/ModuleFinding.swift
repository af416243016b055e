/// What a profile of a process can show of one of its modules.
package struct ModuleFinding: Equatable, Sendable {
  /// How stacks are walked through its code.
  package enum Unwinding: Equatable, Sendable {
    /// By a table of this many rows, which takes this many bytes in the kernel; entries of the file that make no sense
    /// are left out of it.
    case table(rows: Int, bytes: Int, damagedEntries: Int)
    /// By frame pointers, which its code may or may not have.
    case framePointers(reason: String)
    /// Not at all.
    case none(reason: String)
  }

  /// What its functions are named by, from the best to the worst.
  package enum Names: String, Sendable, CaseIterable {
    /// Debug information: also lines and inlined functions.
    case debugInformation = "debug info"
    case symbolTable = "symtab"
    /// The small symbol table that some distributions leave in stripped files.
    case miniDebugInformation = "mini symtab"
    /// The table of functions that every Go program has.
    case goFunctionTable = "Go table"
    /// What a just-in-time compiler wrote down.
    case perfMap = "perf-map"
    /// The functions that it exports.
    case exported = "dynsym only"
    case none = "none"
  }

  /// The path as the process sees it, or a bracketed name.
  package let path: String
  package let buildID: String?
  package let unwinding: Unwinding
  package let names: Names
  /// The separate file that the names come from.
  package let debugFile: String?
  /// The Debian package that has what is missing.
  package let supplier: String?

  package init(
    path: String, buildID: String?, unwinding: Unwinding, names: Names, debugFile: String?, supplier: String?
  ) {
    self.path = path
    self.buildID = buildID
    self.unwinding = unwinding
    self.names = names
    self.debugFile = debugFile
    self.supplier = supplier
  }
}
