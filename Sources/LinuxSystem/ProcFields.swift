import Glibc

/// A file of /proc that is kept open and read again and again into one place: no path is looked up, nothing allocated.
package struct ProcBuffer {
  private var bytes: [UInt8]
  private var count = 0

  package init(capacity: Int = 4096) { bytes = [UInt8](repeating: 0, count: capacity) }

  /// Reads a file from its start, as far as there is room.
  ///
  /// - Returns: whether anything was read; a process that has gone is an error.
  package mutating func read(_ file: OpenFile) -> Bool {
    let capacity = bytes.count
    count = unsafe bytes.withUnsafeMutableBytes { unsafe pread(file.descriptor, $0.baseAddress, capacity, 0) }
    return count > 0
  }

  /// The numbers between spaces and line ends, negative ones and words as zero.
  ///
  /// - Parameters:
  ///   - offset: where to begin.
  ///   - fields: which of them, counted from 0, in ascending order.
  package func numbers(from offset: Int = 0, fields: [Int]) -> [UInt64] {
    var result: [UInt64] = []
    var (field, position) = (0, offset)
    while position < count, result.count < fields.count {
      let isWanted = fields[result.count] == field
      var number: UInt64 = 0
      while position < count, bytes[position] > UInt8(ascii: " ") {
        if isWanted, bytes[position] >= UInt8(ascii: "0"), bytes[position] <= UInt8(ascii: "9") {
          number = number &* 10 &+ UInt64(bytes[position] - UInt8(ascii: "0"))
        }
        position += 1
      }
      if isWanted { result.append(number) }
      field += 1
      position += 1
    }
    return result
  }

  /// Behind the last closing parenthesis and a space: where field 3 of proc_pid_stat(5) begins.
  package var endOfName: Int? {
    var position = count - 1
    while position >= 0 {
      if bytes[position] == UInt8(ascii: ")") { return position + 2 }
      position -= 1
    }
    return nil
  }

  package var text: String { String(decoding: bytes[..<max(0, count)], as: UTF8.self) }
}
