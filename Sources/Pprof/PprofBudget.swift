/// What a pprof message will unfold to, counted before it is decoded: a message of two bytes takes some fifty, and a number
/// of one byte takes eight.
struct PprofBudget {
  /// Samples, locations, functions and the like, with the messages within them and the texts.
  private var parts = 0
  private var numbers = 0
  private let partLimit: Int
  private let numberLimit: Int

  /// Honest messages have far more bytes each.
  private static let leastBytesPerPart = 4
  private static let freeParts = 1 << 16

  private enum Field {
    static let sample: UInt64 = 2
    static let location: UInt64 = 4
    static let comment: UInt64 = 13
    static let parts: Set<UInt64> = [1, 2, 3, 4, 5, 6]
    /// Of a sample.
    static let label: UInt64 = 3
    static let sampleNumbers: Set<UInt64> = [1, 2]
    /// Of a location.
    static let line: UInt64 = 4
  }

  /// Fails for a message that has too much in it, and for one that is no message.
  static func check(_ bytes: [UInt8], _ limits: PprofReader.Limits) throws(PprofError) {
    var budget = PprofBudget(bytes, limits)
    try budget.count(bytes)
  }

  private init(_ bytes: [UInt8], _ limits: PprofReader.Limits) {
    partLimit = min(limits.parts, Self.freeParts + bytes.count / Self.leastBytesPerPart)
    numberLimit = limits.numbers
  }

  private mutating func count(_ bytes: [UInt8]) throws(PprofError) {
    var position = 0
    while position < bytes.count {
      let field = try Self.field(bytes, &position, end: bytes.count)
      if field.number == Field.comment { try addNumbers(bytes, field) }
      guard field.wireType == 2, Field.parts.contains(field.number) else { continue }
      try addPart()
      if field.number == Field.sample || field.number == Field.location { try countWithin(bytes, field) }
    }
  }

  /// Counts what is in a sample or in a location.
  private mutating func countWithin(_ bytes: [UInt8], _ outer: PprofFields.Field) throws(PprofError) {
    var position = outer.start
    while position < outer.end {
      let field = try Self.field(bytes, &position, end: outer.end)
      if outer.number == Field.sample {
        if Field.sampleNumbers.contains(field.number) { try addNumbers(bytes, field) }
        if field.number == Field.label { try addPart() }
      } else if field.number == Field.line {
        try addPart()
      }
    }
  }

  private static func field(_ bytes: [UInt8], _ position: inout Int, end: Int) throws(PprofError) -> PprofFields.Field {
    guard let field = PprofFields.field(bytes, at: position), field.end <= end else { throw .notDecoded }
    position = field.end
    return field
  }

  private mutating func addPart() throws(PprofError) {
    parts += 1
    guard parts <= partLimit else { throw .tooManyParts(limit: partLimit) }
  }

  /// A number ends with a byte whose highest bit is not set.
  private mutating func addNumbers(_ bytes: [UInt8], _ field: PprofFields.Field) throws(PprofError) {
    for position in field.start..<field.end where bytes[position] < 0x80 { numbers += 1 }
    guard numbers <= numberLimit else { throw .tooManyNumbers(limit: numberLimit) }
  }
}
