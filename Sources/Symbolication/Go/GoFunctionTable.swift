import ELF
import ProfileModel

/// Functions, files, lines and inlined functions of a Go program, by the table that its own runtime uses.
///
/// Every number in it may be a lie.
struct GoFunctionTable {
  let header: GoTableHeader
  private var table: PagedBytes
  /// Where the code begins that entries are relative to.
  private let textStart: UInt64
  /// The data of functions, which holds the trees of inlined ones; nil where it was not found.
  private var functionData: PagedBytes?

  private static let maximumText = 4_096
  private static let maximumInlined = 256
  /// Of steps of one program-counter table: those of a function of some megabytes.
  private static let maximumSteps = 1 << 20

  /// - Parameters:
  ///   - textStart: what entries are relative to; not used by the formats with addresses.
  ///   - functionData: what the data of functions is relative to, `go:func.*`.
  init(_ header: GoTableHeader, _ table: PagedBytes, textStart: UInt64, functionData: PagedBytes?) {
    self.header = header
    self.table = table
    self.textStart = textStart
    self.functionData = functionData
  }

  private struct Function {
    let entry: UInt64
    let end: UInt64
    /// Of its description, in the table.
    let offset: UInt64
  }

  /// Where its code begins and ends; nil for a table without any that makes sense.
  mutating func codeRange() -> Range<UInt64>? {
    guard let first = address(ofEntry: 0), let end = address(ofEntry: header.functionCount), first < end else {
      return nil
    }
    return first..<end
  }

  /// What is known of an ELF virtual address; nil where no function covers it.
  mutating func place(of address: UInt64, _ meter: inout NamingMeter) -> DebugPlace? {
    guard let function = function(containing: address), meter.spend(), let name = name(of: function) else { return nil }
    var place = DebugPlace(function: name)
    var inlined: [(name: String, at: SourceLocation?)] = []
    var position = address
    while true {
      guard let index = inlineIndex(at: position, in: function, &meter), index >= 0 else { break }
      guard inlined.count < Self.maximumInlined, let call = call(index, in: function, &meter) else {
        // Its lines are those of a function that cannot be named: they say nothing about this one.
        return place
      }
      inlined.append((call.name, location(of: position, in: function, &meter)))
      position = call.site
    }
    var outer = location(of: position, in: function, &meter)
    guard meter.stop == nil else { return place }
    for level in inlined.reversed() {
      place.inlined.append(DebugPlace.Inlined(name: level.name, call: outer))
      outer = level.at
    }
    place.source = outer
    return place
  }

  // MARK: - Functions

  private mutating func function(containing address: UInt64) -> Function? {
    var low: UInt64 = 0
    var high = header.functionCount
    while low < high {
      let middle = (low + high) / 2
      guard let entry = self.address(ofEntry: middle) else { return nil }
      if entry <= address { low = middle + 1 } else { high = middle }
    }
    guard low > 0, let entry = self.address(ofEntry: low - 1), let end = self.address(ofEntry: low),
      entry <= address, address < end, let distance = descriptionOffset(ofEntry: low - 1)
    else { return nil }
    let (offset, overflow) = distance.addingReportingOverflow(descriptions)
    guard !overflow else { return nil }
    // A description begins with the entry that leads to it.
    let own =
      header.isRelative
      ? table.integer(at: offset, as: UInt32.self).map { textStart &+ UInt64($0) } : table.integer(at: offset)
    return own == entry ? Function(entry: entry, end: end, offset: offset) : nil
  }

  private mutating func address(ofEntry index: UInt64) -> UInt64? {
    let offset = header.functions + index * header.entrySize
    guard header.isRelative else { return table.integer(at: offset) }
    return table.integer(at: offset, as: UInt32.self).map { textStart &+ UInt64($0) }
  }

  private mutating func descriptionOffset(ofEntry index: UInt64) -> UInt64? {
    let offset = header.functions + index * header.entrySize
    guard header.isRelative else { return table.integer(at: offset + 8) }
    return table.integer(at: offset + 4, as: UInt32.self).map(UInt64.init)
  }

  /// What the places of descriptions are relative to.
  private var descriptions: UInt64 { header.format == .go1_2 ? 0 : header.functions }

  /// The fields of a description behind its entry, in order.
  private enum Field: UInt64 {
    case name, arguments, deferReturn, stackDepths, files, lines, tableCount, unit, firstLine
  }

  private mutating func field(_ field: Field, of function: Function) -> UInt32? {
    table.integer(at: function.offset + (header.isRelative ? 4 : 8) + field.rawValue * 4)
  }

  private mutating func name(of function: Function) -> String? {
    guard let offset = field(.name, of: function) else { return nil }
    return name(at: offset)
  }

  private mutating func name(at offset: UInt32) -> String? {
    let place = header.names + UInt64(offset)
    // Names lie one after the other, each with a zero behind it.
    guard header.format == .go1_2 || place < header.units,
      place == header.names || table.byte(at: place - 1) == 0
    else { return nil }
    return table.text(at: place, limit: Self.maximumText)
  }

  // MARK: - Files and lines

  private mutating func location(
    of address: UInt64, in function: Function, _ meter: inout NamingMeter
  ) -> SourceLocation? {
    guard let files = field(.files, of: function), let lines = field(.lines, of: function),
      let file = value(at: address, of: files, in: function, &meter), file >= 0,
      let line = value(at: address, of: lines, in: function, &meter), line > 0,
      let path = file32(UInt32(file), in: function)
    else { return nil }
    return SourceLocation(file: path, line: Int(line))
  }

  /// The path of a file by the number that a function's unit gives it.
  private mutating func file32(_ number: UInt32, in function: Function) -> String? {
    if header.format == .go1_2 {
      // The place of the table of files stands behind the functions, which end with an address.
      let end = header.functions + header.functionCount * header.entrySize + 8
      guard number > 0, let files = table.integer(at: end, as: UInt32.self),
        let count = table.integer(at: UInt64(files), as: UInt32.self), number < count,
        let offset = table.integer(at: UInt64(files) + 4 * UInt64(number), as: UInt32.self)
      else { return nil }
      return table.text(at: UInt64(offset), limit: Self.maximumText)
    }
    guard let unit = field(.unit, of: function) else { return nil }
    let place = header.units + 4 * (UInt64(unit) + UInt64(number))
    guard place < header.files, let offset = table.integer(at: place, as: UInt32.self), offset < .max else {
      return nil
    }
    let name = header.files + UInt64(offset)
    return name < header.pcTables ? table.text(at: name, limit: Self.maximumText) : nil
  }

  /// The value that a program-counter table has at an address; -1 where there is no table.
  ///
  /// Such a table is a list of pairs: how much the value changes, then for how many bytes of code it stays.
  private mutating func value(
    at address: UInt64, of offset: UInt32, in function: Function, _ meter: inout NamingMeter
  ) -> Int32? {
    guard offset > 0 else { return -1 }
    var position = header.pcTables + UInt64(offset)
    var value: Int32 = -1
    var end = function.entry
    for step in 0..<Self.maximumSteps {
      guard meter.spend(), let change = number(at: &position) else { return nil }
      if change == 0, step > 0 { return nil }
      value &+= Int32(bitPattern: change & 1 == 0 ? change >> 1 : ~(change >> 1))
      guard let length = number(at: &position) else { return nil }
      let (next, overflow) = end.addingReportingOverflow(UInt64(length) * header.quantum)
      guard !overflow else { return nil }
      end = next
      if address < end { return value }
    }
    return nil
  }

  /// A number of 7 bits a byte, the lowest first.
  private mutating func number(at position: inout UInt64) -> UInt32? {
    var value: UInt32 = 0
    for shift in stride(from: UInt32(0), to: 35, by: 7) {
      guard let byte = table.byte(at: position) else { return nil }
      position += 1
      value |= UInt32(byte & 0x7F) << shift
      if byte & 0x80 == 0 { return value }
    }
    return nil
  }

  // MARK: - Inlined functions

  /// `PCDATA_InlTreeIndex` of src/internal/abi/symtab.go.
  private static let inlineTable: UInt32 = 2
  /// `FUNCDATA_InlTree`.
  private static let inlineTree: UInt64 = 3

  /// The number of the inlined function that an address lies in; negative for none, nil where it cannot be known.
  private mutating func inlineIndex(
    at address: UInt64, in function: Function, _ meter: inout NamingMeter
  ) -> Int32? {
    guard let count = field(.tableCount, of: function) else { return nil }
    switch header.format {
    case .go1_2:
      // The table of inlined functions was the second or the third one, by the Go version.
      for table in UInt32(1)...2 where table < count {
        guard let index = entry(table, of: function, &meter, at: address) else { return nil }
        if index >= 0 { return index }
      }
      return -1
    case .go1_16, .go1_18, .go1_20:
      return Self.inlineTable < count ? entry(Self.inlineTable, of: function, &meter, at: address) : -1
    }
  }

  private mutating func entry(
    _ number: UInt32, of function: Function, _ meter: inout NamingMeter, at address: UInt64
  ) -> Int32? {
    guard let offset: UInt32 = table.integer(at: function.offset + fixedSize + 4 * UInt64(number)) else { return nil }
    return value(at: address, of: offset, in: function, &meter)
  }

  /// The size of a description before its lists of tables.
  private var fixedSize: UInt64 {
    switch header.format {
    case .go1_2: 40
    case .go1_16: 44
    case .go1_18: 40
    case .go1_20: 44
    }
  }

  /// An inlined function, and an address of the call that it stands for.
  private mutating func call(
    _ index: Int32, in function: Function, _ meter: inout NamingMeter
  ) -> (name: String, site: UInt64)? {
    guard meter.spend(), header.isRelative, let tables = field(.tableCount, of: function),
      let dataCount = table.byte(at: function.offset + fixedSize - 1), dataCount > Self.inlineTree,
      let tree: UInt32 = table.integer(
        at: function.offset + fixedSize + 4 * (UInt64(tables) + Self.inlineTree)),
      tree < .max
    else { return nil }
    // A node has a kind, a name, the distance of the call, and more; the older ones have the parent and the line before.
    let (size, nameOffset, siteOffset): (UInt64, UInt64, UInt64) =
      header.format == .go1_18 ? (20, 12, 16) : (16, 4, 8)
    let node = UInt64(tree) + UInt64(index) * size
    guard let name = functionData?.integer(at: node + nameOffset, as: UInt32.self),
      let distance = functionData?.integer(at: node + siteOffset, as: UInt32.self),
      UInt64(distance) < function.end - function.entry, let text = self.name(at: name)
    else { return nil }
    return (text, function.entry + UInt64(distance))
  }
}
