package import LinuxSystem

/// Why an ELF file, or a part of it, cannot be used.
package enum ELFError: Error, Equatable, CustomStringConvertible {
  package enum Part: String {
    case header
    case programHeaders = "program header table"
    case sectionHeaders = "section header table"
    case sectionNames = "section name table"
    case notes
    case symbols = "symbol table"
    case symbolNames = "symbol name table"
    case relocations = "relocation table"
    case debugLink = "debug link"
    case callFrames = "unwind information"
    case debugFrames = ".debug_frame"
    case linkageStubs = "procedure linkage table"
    case miniDebugInfo = "mini debug info"
    case splitUnit = "split debugging information"
  }

  case notELF
  /// Its size is many times what it takes on the disk: what reads it would fill memory with zeros.
  case mostlyHole
  case unsupported
  case truncated(Part)
  case malformed(Part)
  case tooLarge(Part)
  /// In a way that is not known here.
  case packed(Part)
  case unreadable(Errno)

  package var description: String {
    switch self {
    case .notELF: "it is not an ELF file"
    case .mostlyHole: "it takes far less space than its size"
    case .unsupported: "it is not a little-endian ELF file of 32 or 64 bits"
    case .truncated(let part): "its \(part.rawValue) reaches past the end of the file"
    case .malformed(let part): "its \(part.rawValue) is malformed"
    case .tooLarge(let part): "its \(part.rawValue) is too large"
    case .packed(let part): "its \(part.rawValue) is compressed in a way that swprof does not read, as by zstd"
    case .unreadable(let cause): "it cannot be read: \(cause)"
    }
  }
}
