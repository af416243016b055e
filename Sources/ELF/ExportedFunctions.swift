/// Where the functions of a library are in its file. Nothing that the file says makes this take long.
package enum ExportedFunctions {
  /// The offsets of functions in a file, in the order of their names; nil for one that it has not.
  package static func places(of names: [String], in source: ByteSource) throws(ELFError) -> [UInt64?] {
    let file = try ELFFile(source)
    let exported = try DynamicSymbols(file)
    var others: [LocalSymbols]?
    var places: [UInt64?] = []
    for name in names {
      var address = try exported?.address(of: name)
      if address == nil {
        // A library without the newer table of hashes, or one whose functions are not exported.
        var tables = others ?? []
        for type in [ELFFile.SectionType.dynamicSymbols, ELFFile.SectionType.symbols] where others == nil {
          if let table = try LocalSymbols(file, type: type) { tables.append(table) }
        }
        others = tables
        for table in tables where address == nil { address = try table.address(of: name) }
      }
      places.append(address.flatMap { file.fileRange(from: $0)?.offset })
    }
    return places
  }
}
