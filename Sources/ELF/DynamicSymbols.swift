/// Looks up symbols that a 64-bit file exports, as the dynamic linker does: by the hash table of `DT_GNU_HASH`.
///
/// A lookup of a symbol that a file does not have costs four small reads. Files without such a table have no symbols here.
package struct DynamicSymbols {
  private let file: ELFFile
  /// ELF virtual addresses of the tables.
  private let symbols: UInt64
  private let names: UInt64
  private let hashes: UInt64
  private let bucketCount: UInt32
  private let firstSymbol: UInt32
  private let filterCount: UInt32
  private let filterShift: UInt32

  private enum Tag {
    static let names: UInt64 = 5
    static let symbols: UInt64 = 6
    static let hashes: UInt64 = 0x6FFF_FEF5
  }

  private static let maximumEntries = 512
  private static let headerSize = 16
  private static let symbolSize = 24
  /// The symbols of a bucket that are compared; honest buckets have a few.
  private static let maximumChain = 256

  /// - Returns: nil for a file without a table of hashes.
  package init?(_ file: ELFFile) throws(ELFError) {
    guard file.isX86With64Bits, let dynamic = file.dynamic else { return nil }
    let table = try file.source.prefix(
      at: dynamic.fileOffset, limit: min(Int(clamping: dynamic.fileSize), Self.maximumEntries * 16))
    var places: [UInt64: UInt64] = [:]
    for (tag, place) in DynamicSection.entries(of: table, wordSize: file.wordSize) {
      if [Tag.names, Tag.symbols, Tag.hashes].contains(tag) { places[tag] = place }
    }
    guard let hashes = places[Tag.hashes], let symbols = places[Tag.symbols], let names = places[Tag.names] else {
      return nil
    }
    let header = try Self.read(file, at: hashes, count: Self.headerSize)
    guard header.count == Self.headerSize else { throw ELFError.truncated(.symbols) }
    self.file = file
    self.symbols = symbols
    self.names = names
    self.hashes = hashes
    self.bucketCount = header.integer(at: 0)
    self.firstSymbol = header.integer(at: 4)
    self.filterCount = header.integer(at: 8)
    self.filterShift = header.integer(at: 12)
    guard bucketCount > 0, filterCount > 0 else { return nil }
  }

  /// The ELF virtual address of a symbol that the file defines.
  package func address(of name: String) throws(ELFError) -> UInt64? {
    let hash = name.utf8.reduce(5381 as UInt32) { $0 &* 33 &+ UInt32($1) }
    let filter = hashes &+ UInt64(Self.headerSize)
    let word = try Self.read(file, at: filter &+ UInt64(hash / 64 % filterCount) * 8, count: 8)
    guard word.count == 8 else { throw ELFError.truncated(.symbols) }
    let second = filterShift < 32 ? hash >> filterShift : 0
    let wanted: UInt64 = 1 << UInt64(hash % 64) | 1 << UInt64(second % 64)
    guard word.integer(at: 0, as: UInt64.self) & wanted == wanted else { return nil }

    let buckets = filter &+ UInt64(filterCount) * 8
    let bucket = try Self.read(file, at: buckets &+ UInt64(hash % bucketCount) * 4, count: 4)
    guard bucket.count == 4 else { throw ELFError.truncated(.symbols) }
    let first: UInt32 = bucket.integer(at: 0)
    guard first >= firstSymbol else { return nil }
    let place = buckets &+ UInt64(bucketCount) * 4 &+ UInt64(first - firstSymbol) * 4
    let chain = try Self.read(file, at: place, count: Self.maximumChain * 4)
    for index in 0..<chain.count / 4 {
      let entry: UInt32 = chain.integer(at: index * 4)
      if entry | 1 == hash | 1, let address = try address(of: name, symbol: UInt64(first) + UInt64(index)) {
        return address
      }
      if entry & 1 == 1 { return nil }
    }
    return nil
  }

  private func address(of name: String, symbol index: UInt64) throws(ELFError) -> UInt64? {
    let symbol = try Self.read(file, at: symbols &+ index * UInt64(Self.symbolSize), count: Self.symbolSize)
    guard symbol.count == Self.symbolSize else { throw ELFError.truncated(.symbols) }
    let isDefined = symbol.integer(at: 6, as: UInt16.self) != 0
    let wanted = Array(name.utf8) + [0]
    let found = try Self.read(file, at: names &+ UInt64(symbol.integer(at: 0, as: UInt32.self)), count: wanted.count)
    return isDefined && found == wanted ? symbol.integer(at: 8) : nil
  }

  private static func read(_ file: ELFFile, at address: UInt64, count: Int) throws(ELFError) -> [UInt8] {
    guard let range = file.fileRange(from: address) else { return [] }
    return try file.source.prefix(at: range.offset, limit: min(count, Int(clamping: range.size)))
  }
}
