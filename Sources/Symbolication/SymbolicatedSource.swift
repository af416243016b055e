package import ProfileModel

/// One name of an address. An address has several where functions were inlined into each other.
package struct NamedFrame: Equatable, Sendable {
  /// The demangled function name; never empty.
  package let function: String
  /// The ELF virtual address; the address itself for kernel and JIT code.
  package let address: UInt64
  package let origin: FrameOrigin
  package let isInlined: Bool
  package let source: SourceLocation?
  /// The module, where it is another than that of the source: a kernel module.
  package let module: Module?

  package init(
    function: String, address: UInt64, origin: FrameOrigin, isInlined: Bool = false, source: SourceLocation? = nil,
    module: Module? = nil
  ) {
    self.function = function
    self.address = address
    self.origin = origin
    self.isInlined = isInlined
    self.source = source
    self.module = module
  }
}

/// The names of addresses of one source of code.
package struct SymbolicatedSource: Equatable, Sendable {
  package var module: Module
  /// Parallel to the addresses asked for; each from the innermost frame outward, with at least one.
  package var frames: [[NamedFrame]]
  /// Sentences for the user, one for each thing that cost names.
  package var warnings: [String]

  package init(module: Module, frames: [[NamedFrame]], warnings: [String] = []) {
    self.module = module
    self.frames = frames
    self.warnings = warnings
  }
}
