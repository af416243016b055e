/// The suffixes that compilers give to the parts and variants of a function: `.cold`, `.part.0`, `.isra.0`,
/// `.constprop.0`, `.llvm.1234`, `.lto_priv.0`, alone or one after another.
///
/// They stand outside the mangling. To the reader all of them are the function that they were made of.
enum FunctionClone {
  /// Those that always have a number, so that a function of another language that bears such a name keeps it.
  private static let numbered: Set<Substring> = ["cold", "part", "isra", "constprop", "llvm", "lto_priv"]

  /// The name of the function that a symbol is a part or a variant of; the symbol's own for any other.
  static func original(of symbol: String) -> String {
    var rest = symbol[...]
    while let dot = rest.lastIndex(of: "."), dot > rest.startIndex {
      let suffix = rest[rest.index(after: dot)...]
      if suffix == "cold" {
        rest = rest[..<dot]
      } else if !suffix.isEmpty, suffix.utf8.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }),
        let word = rest[..<dot].lastIndex(of: "."), word > rest.startIndex,
        numbered.contains(rest[rest.index(after: word)..<dot])
      {
        rest = rest[..<word]
      } else {
        break
      }
    }
    return String(rest)
  }
}
