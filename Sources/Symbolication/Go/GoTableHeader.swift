import ELF

/// The header of the table by which a Go program names its own functions, `.gopclntab`.
///
/// The layouts are those of the Go runtime (`pcHeader` in src/runtime/symtab.go) and of debug/gosym.
struct GoTableHeader: Equatable {
  /// The Go version that brought a layout.
  enum Format: Equatable {
    case go1_2
    case go1_16
    case go1_18
    case go1_20
  }

  let format: Format
  /// The bytes that all instructions are a multiple of.
  let quantum: UInt64
  let functionCount: UInt64
  /// What the entries of functions are relative to; 0 where the file does not say it.
  let textStart: UInt64
  /// Offsets in the table.
  let names: UInt64
  let units: UInt64
  let files: UInt64
  let pcTables: UInt64
  let functions: UInt64

  /// The largest header.
  static let size = 72
  /// Where `textStart` stands, in the formats that have it.
  static let textStartOffset: UInt64 = 24
  /// The largest programs known have a million functions.
  private static let maximumFunctions: UInt64 = 1 << 26
  private static let pointerSize: UInt8 = 8

  private static let formats: [UInt32: Format] = [
    0xFFFF_FFFB: .go1_2, 0xFFFF_FFFA: .go1_16, 0xFFFF_FFF0: .go1_18, 0xFFFF_FFF1: .go1_20,
  ]

  /// Whether a table may begin with a word.
  static func isMagic(_ word: UInt64) -> Bool {
    word >> 56 == UInt64(pointerSize) && [1, 2, 4].contains(word >> 48 & 0xFF) && word >> 32 & 0xFFFF == 0
      && formats[UInt32(truncatingIfNeeded: word)] != nil
  }

  /// - Parameters:
  ///   - bytes: the begin of the table.
  ///   - tableSize: an upper bound.
  /// - Returns: nil for what is no table of a 64-bit program.
  init?(_ bytes: [UInt8], tableSize: UInt64) {
    guard bytes.count == Self.size, Self.isMagic(bytes.integer(at: 0)),
      let format = Self.formats[bytes.integer(at: 0)]
    else { return nil }
    self.format = format
    quantum = UInt64(bytes[6])
    func word(_ index: Int) -> UInt64 { bytes.integer(at: 8 + 8 * index) }
    functionCount = word(0)
    switch format {
    case .go1_2:
      textStart = 0
      (names, units, pcTables) = (0, 0, 0)
      functions = 16
      // The table of files follows the functions, and its place the end of the last one.
      files = 0
    case .go1_16:
      textStart = 0
      (names, units, files, pcTables, functions) = (word(2), word(3), word(4), word(5), word(6))
    case .go1_18, .go1_20:
      textStart = word(2)
      (names, units, files, pcTables, functions) = (word(3), word(4), word(5), word(6), word(7))
    }
    guard functionCount > 0, functionCount <= Self.maximumFunctions, functions < tableSize,
      (functionCount + 1) * entrySize <= tableSize - functions,
      format == .go1_2 || (names > 0 && names < units && units <= files && files < pcTables && pcTables < functions)
    else { return nil }
  }

  /// The size of an entry of the list of functions: where the code begins, and where its description is.
  var entrySize: UInt64 { isRelative ? 8 : 16 }

  /// Whether code and descriptions are given by 32-bit distances.
  var isRelative: Bool {
    switch format {
    case .go1_2, .go1_16: false
    case .go1_18, .go1_20: true
    }
  }
}
