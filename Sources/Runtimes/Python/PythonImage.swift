package import ELF

/// Where an ELF file has the parts of a CPython runtime; ELF virtual addresses. The same for each process that maps it.
package struct PythonImage {
  /// What led to `_PyRuntime`.
  package enum Evidence: String, Sendable {
    case exportedSymbol = "dynsym"
    case section = ".PyRuntime"
    case symbol = "symtab"
    /// The bytes with which the runtime of 3.13 and later begins.
    case cookie
  }

  package let evidence: Evidence
  /// Whether it is the program that a process runs, not one of its libraries.
  let isProgram: Bool
  let runtime: UInt64
  /// `PyCode_Type`.
  let codeType: UInt64?
  /// `PyUnicode_Type`.
  let textType: UInt64?
  /// `Py_Version`, a number of 32 bits that 3.11 and later have.
  let versionNumber: UInt64?
  /// The version that the file's name or the text in it tells.
  let namedVersion: PythonVersion?
  /// Of the file's thread-local variables, in bytes.
  let threadLocalSize: Int

  /// Looks at a file.
  ///
  /// A file without Python costs six small reads; the symbol table and all of the data are searched only in a program
  /// itself, where a Python that is linked in may be stripped of everything else.
  ///
  /// - Parameters:
  ///   - path: what the target calls the file.
  ///   - isProgram: whether it is the program that the process runs, not one of its libraries.
  /// - Returns: nil for a file without Python.
  package init?(_ file: ELFFile, path: String, isProgram: Bool) throws(ELFError) {
    guard file.isX86With64Bits else { return nil }
    self.isProgram = isProgram
    let exported = try DynamicSymbols(file)
    if let runtime = try exported?.address(of: "_PyRuntime") {
      self.runtime = runtime
      self.evidence = .exportedSymbol
    } else if let section = try Self.runtimeSection(of: file) {
      self.runtime = section
      self.evidence = .section
    } else if isProgram, let symbol = try LocalSymbols(file)?.address(of: "_PyRuntime") {
      self.runtime = symbol
      self.evidence = .symbol
    } else if isProgram, let place = try Self.cookie(in: file) {
      self.runtime = place
      self.evidence = .cookie
    } else {
      return nil
    }
    self.codeType = try exported?.address(of: "PyCode_Type")
    self.textType = try exported?.address(of: "PyUnicode_Type")
    self.versionNumber = try exported?.address(of: "Py_Version")
    if versionNumber != nil || evidence == .cookie {
      self.namedVersion = nil
    } else if let version = PythonVersion(inFileName: path) {
      self.namedVersion = version
    } else {
      self.namedVersion = try Self.versionText(in: file)
    }
    self.threadLocalSize = Int(min(file.threadLocalSize, Self.maximumThreadLocals))
  }

  private static let maximumThreadLocals: UInt64 = 4096
  /// `_Py_Debug_Cookie`, with which `_PyRuntime` begins since 3.13.
  static let debugCookie = Array("xdebugpy".utf8)

  private static func runtimeSection(of file: ELFFile) throws(ELFError) -> UInt64? {
    guard try file.mayHaveSection(named: ".PyRuntime") else { return nil }
    return try file.sectionsByName(try file.sections())[".PyRuntime"]?.virtualAddress
  }

  private static let maximumSearch: UInt64 = 8 << 20

  /// Finds the runtime in the data of a file that has lost its section headers.
  private static func cookie(in file: ELFFile) throws(ELFError) -> UInt64? {
    guard try file.sections().isEmpty else { return nil }
    return try file.address(ofWords: debugCookie, limit: maximumSearch)
  }

  /// Finds `PY_VERSION`, such as `3.9.18`, as the only text of its kind among the constants of a file.
  private static func versionText(in file: ELFFile) throws(ELFError) -> PythonVersion? {
    guard let section = try file.sectionsByName(try file.sections())[".rodata"] else { return nil }
    let bytes = try file.source.prefix(at: section.fileOffset, limit: Int(min(section.size, maximumSearch)))
    var found: PythonVersion?
    var start = 0
    for end in bytes.indices where bytes[end] == 0 {
      defer { start = end + 1 }
      guard (5...8).contains(end - start), let version = PythonVersion(text: bytes[start..<end]) else { continue }
      guard found == nil || found == version else { return nil }
      found = version
    }
    return found
  }
}
