import ProfileModel

/// A line of `/proc/PID/maps` (proc_pid_maps(5)).
package struct MemoryMapping: Equatable, Sendable {
  package let start: UInt64
  package let end: UInt64
  package let fileOffset: UInt64
  /// `major << 32 | minor` of the file's device; 0 without a file.
  package let device: UInt64
  package let inode: UInt64
  /// The path as the target sees it, `[vdso]` and the like, or nothing; ` (deleted)` is removed.
  package let path: String

  package init(start: UInt64, end: UInt64, fileOffset: UInt64, device: UInt64, inode: UInt64, path: String) {
    self.start = start
    self.end = end
    self.fileOffset = fileOffset
    self.device = device
    self.inode = inode
    self.path = path
  }

  /// Reads the executable mappings; lines of another form are passed over.
  package static func executable(inMaps bytes: [UInt8]) -> [MemoryMapping] {
    bytes.split(separator: UInt8(ascii: "\n")).compactMap { MemoryMapping(line: $0, isExecutable: true) }
  }

  /// The start, the device and the inode of a line, whatever its permissions.
  static func file(ofLine line: ArraySlice<UInt8>) -> (start: UInt64, device: UInt64, inode: UInt64)? {
    var scanner = ByteScanner(line)
    guard let start = scanner.hexadecimal(), scanner.skip("-"), scanner.hexadecimal() != nil, scanner.skip(" "),
      scanner.word() != nil, scanner.skip(" "), scanner.hexadecimal() != nil, scanner.skip(" "),
      let major = scanner.hexadecimal(), scanner.skip(":"), let minor = scanner.hexadecimal(), scanner.skip(" "),
      let inode = scanner.decimal()
    else { return nil }
    return (start, major << 32 | minor, inode)
  }

  /// Reads all mappings, whatever may be done with them.
  package static func all(inMaps bytes: [UInt8]) -> [MemoryMapping] {
    bytes.split(separator: UInt8(ascii: "\n")).compactMap { MemoryMapping(line: $0, isExecutable: false) }
  }

  /// - Parameter isExecutable: whether other mappings are passed over.
  private init?(line: ArraySlice<UInt8>, isExecutable: Bool) {
    // start-end perms offset major:minor inode            path
    var scanner = ByteScanner(line)
    guard let start = scanner.hexadecimal(), scanner.skip("-"), let end = scanner.hexadecimal(), scanner.skip(" "),
      let permissions = scanner.word(), permissions.count == 4,
      !isExecutable || permissions[permissions.startIndex + 2] == UInt8(ascii: "x"), scanner.skip(" "),
      let offset = scanner.hexadecimal(), scanner.skip(" "),
      let major = scanner.hexadecimal(), scanner.skip(":"), let minor = scanner.hexadecimal(), scanner.skip(" "),
      let inode = scanner.decimal(), start < end
    else { return nil }
    scanner.skipSpaces()
    self.init(
      start: start, end: end, fileOffset: offset, device: major << 32 | minor, inode: inode,
      path: Self.withoutMark(String(decoding: scanner.rest, as: UTF8.self)))
  }

  /// A path without what the kernel writes behind that of a deleted file.
  static func withoutMark(_ path: String) -> String {
    path.endsWithBytes(of: " (deleted)") ? String(decoding: path.utf8.dropLast(10), as: UTF8.self) : path
  }
}

/// Reads the numbers and words of a line of /proc.
struct ByteScanner {
  private(set) var rest: ArraySlice<UInt8>

  init(_ bytes: ArraySlice<UInt8>) { rest = bytes }

  mutating func skip(_ character: Unicode.Scalar) -> Bool {
    guard let first = rest.first, first == UInt8(ascii: character) else { return false }
    rest.removeFirst()
    return true
  }

  mutating func skipSpaces() {
    rest = rest.drop { $0 == UInt8(ascii: " ") }
  }

  mutating func word() -> ArraySlice<UInt8>? {
    let word = rest.prefix { $0 != UInt8(ascii: " ") }
    rest = rest[word.endIndex...]
    return word.isEmpty ? nil : word
  }

  mutating func hexadecimal() -> UInt64? { number(radix: 16) }

  mutating func decimal() -> UInt64? { number(radix: 10) }

  private mutating func number(radix: UInt64) -> UInt64? {
    var value: UInt64 = 0
    var count = 0
    while let byte = rest.first, let digit = Self.digit(byte), digit < radix {
      let (product, overflow) = value.multipliedReportingOverflow(by: radix)
      let (sum, carry) = product.addingReportingOverflow(digit)
      if overflow || carry { return nil }
      value = sum
      count += 1
      rest.removeFirst()
    }
    return count > 0 ? value : nil
  }

  private static func digit(_ byte: UInt8) -> UInt64? {
    switch byte {
    case UInt8(ascii: "0")...UInt8(ascii: "9"): UInt64(byte - UInt8(ascii: "0"))
    case UInt8(ascii: "a")...UInt8(ascii: "f"): UInt64(byte - UInt8(ascii: "a") + 10)
    case UInt8(ascii: "A")...UInt8(ascii: "F"): UInt64(byte - UInt8(ascii: "A") + 10)
    default: nil
    }
  }
}
