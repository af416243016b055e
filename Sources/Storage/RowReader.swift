import FoundationEssentials
import GRDB
import ProfileModel

/// Reads the columns of a row in order; a value of another type than the column's is an error, not a trap.
///
/// SQLite keeps to the types of a table when it writes, but believes what it finds in a file.
struct RowReader {
  struct Malformed: Error {
    let column: String
  }

  private let row: Row
  private var next = 0

  init(_ row: Row) { self.row = row }

  mutating func text() throws(Malformed) -> String {
    try text { $0 }
  }

  /// Reads a text that `convert` can make a value of.
  mutating func text<Value>(_ convert: (String) -> Value?) throws(Malformed) -> Value {
    try required { String.fromDatabaseValue($0).flatMap(convert) }
  }

  mutating func optionalText() throws(Malformed) -> String? {
    try optional { String.fromDatabaseValue($0) }
  }

  mutating func integer<Value: FixedWidthInteger>(as type: Value.Type = Value.self) throws(Malformed) -> Value {
    try integer { $0 }
  }

  /// Reads an integer that `convert` can make a value of.
  mutating func integer<Raw: FixedWidthInteger, Value>(_ convert: (Raw) -> Value?) throws(Malformed) -> Value {
    try required { Int64.fromDatabaseValue($0).flatMap(Raw.init(exactly:)).flatMap(convert) }
  }

  mutating func optionalInteger<Value: FixedWidthInteger>(as type: Value.Type = Value.self) throws(Malformed) -> Value?
  {
    try optional { Int64.fromDatabaseValue($0).flatMap(Value.init(exactly:)) }
  }

  /// A time of the wall clock; an implausible one is damage.
  mutating func time() throws(Malformed) -> WallTime {
    try integer { (nanoseconds: Int64) in
      let time = WallTime(nanoseconds: nanoseconds)
      return time.isPlausible ? time : nil
    }
  }

  mutating func optionalTime() throws(Malformed) -> WallTime? {
    if next < row.count, (row[next] as DatabaseValue).isNull {
      next += 1
      return nil
    }
    return try time()
  }

  /// An unsigned number that is stored by its bits.
  mutating func bits() throws(Malformed) -> UInt64 {
    UInt64(bitPattern: try integer())
  }

  mutating func bytes() throws(Malformed) -> [UInt8] {
    [UInt8](try required { Data.fromDatabaseValue($0) })
  }

  mutating func optionalBytes() throws(Malformed) -> [UInt8]? {
    try optional { Data.fromDatabaseValue($0) }.map { [UInt8]($0) }
  }

  private mutating func required<Value>(_ convert: (DatabaseValue) -> Value?) throws(Malformed) -> Value {
    let column = next
    next += 1
    guard column < row.count, let value = convert(row[column]) else { throw malformed(column) }
    return value
  }

  private mutating func optional<Value>(_ convert: (DatabaseValue) -> Value?) throws(Malformed) -> Value? {
    if next < row.count, (row[next] as DatabaseValue).isNull {
      next += 1
      return nil
    }
    return try required(convert)
  }

  private func malformed(_ column: Int) -> Malformed {
    Malformed(column: column < row.count ? Array(row.columnNames)[column] : "\(column)")
  }
}

/// Text as SQLite stores it: it ends at the first zero byte, which the names of a hostile program may hold.
struct StoredText: DatabaseValueConvertible {
  let text: String

  init(_ text: String) {
    self.text = text.utf8.contains(0) ? String(text.map { $0 == "\0" ? "\u{FFFD}" : $0 }) : text
  }

  init?(_ text: String?) {
    guard let text else { return nil }
    self.init(text)
  }

  var databaseValue: DatabaseValue { text.databaseValue }

  static func fromDatabaseValue(_ value: DatabaseValue) -> StoredText? {
    String.fromDatabaseValue(value).map { StoredText($0) }
  }
}
