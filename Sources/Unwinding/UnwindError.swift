package struct UnwindError: Error, CustomStringConvertible { package var description: String { "x" } }
package import ELF
extension UnwindTable { package init?(_ file: ELFFile) throws(UnwindError) { return nil } }
