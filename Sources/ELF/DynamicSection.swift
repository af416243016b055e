import LinuxSystem

/// What a file asks of the dynamic linker (elf(5), "Dynamic tags").
package struct DynamicSection {
  /// The libraries that it names, in order.
  package private(set) var needed: [String] = []
  /// Where it has its libraries looked for before anywhere else; may contain `$ORIGIN`.
  package private(set) var searchPath: [String] = []
  /// Those of the names that were looked for that it takes from elsewhere, or has for others.
  package let mentioned: Set<String>

  private enum Tag {
    static let needed: UInt64 = 1
    static let rpath: UInt64 = 15
    static let runpath: UInt64 = 29
  }

  private static let type: UInt32 = 6
  private static let maximumEntries = 4096
  private static let maximumStrings: UInt64 = 8 << 20
  /// More than any file has; others would have us look for libraries without an end.
  private static let maximumNeeded = 512
  private static let maximumPaths = 64
  private static let maximumText = 4096

  /// - Returns: nil for a file that is linked statically.
  package init?(_ file: ELFFile, lookingFor names: [String]) throws(ELFError) {
    let sections = try file.sections()
    guard let section = sections.first(where: { $0.type == Self.type }),
      sections.indices.contains(Int(section.link))
    else { return nil }
    let stringSection = sections[Int(section.link)]
    let table = try file.source.prefix(
      at: section.fileOffset, limit: min(Int(clamping: section.size), Self.maximumEntries * 2 * file.wordSize))
    let strings = try file.source.prefix(
      at: stringSection.fileOffset, limit: Int(min(stringSection.size, Self.maximumStrings)))
    mentioned = Set(names.filter { strings.contains(bytes: [0] + Array($0.utf8) + [0]) })
    for (tag, offset) in Self.entries(of: table, wordSize: file.wordSize) {
      switch tag {
      case Tag.needed: if needed.count < Self.maximumNeeded { needed.append(Self.text(strings, at: offset)) }
      case Tag.rpath, Tag.runpath:
        let paths = Self.text(strings, at: offset).split(separator: ":").map(String.init)
        searchPath += paths.prefix(Self.maximumPaths - searchPath.count)
      default: break
      }
    }
  }

  /// The tags of a dynamic table and their values, up to `DT_NULL`.
  static func entries(of table: [UInt8], wordSize: Int) -> some Sequence<(tag: UInt64, value: UInt64)> {
    stride(from: 0, through: table.count - 2 * wordSize, by: 2 * wordSize).lazy
      .map { (tag: table.word(at: $0, size: wordSize), value: table.word(at: $0 + wordSize, size: wordSize)) }
      .prefix { $0.tag != 0 }
  }

  private static func text(_ strings: [UInt8], at offset: UInt64) -> String {
    String(decoding: strings.cString(from: Int(clamping: offset)).prefix(maximumText), as: UTF8.self)
  }
}
