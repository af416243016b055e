import SeededRandom
import Testing

@testable import Runtimes

/// Tables and lines of one function, as `co_lnotab`, `co_linetable`, `dis` and `co_lines()` of three releases tell them.
struct PythonLineTableTests {
  struct Compiled: CustomTestStringConvertible, Sendable {
    let testDescription: String
    let format: PythonOffsets.LineFormat
    let firstLine: Int
    let table: String
    /// Lines, each with how many units in a row have it; 0 is none.
    let lines: [(line: Int, units: Int)]

    var bytes: [UInt8] {
      let digits = Array(table)
      return stride(from: 0, to: digits.count, by: 2).map { UInt8(String(digits[$0...($0 + 1)]), radix: 16)! }
    }
  }

  static let compiled = [
    Compiled(
      testDescription: "3.9", format: .pairs, firstLine: 101,
      table: "0002020102fe080306010401060102fe240302010a010e01167f007f002f060202fe",
      lines: [
        (103, 1), (104, 1), (102, 4), (105, 3), (106, 2), (107, 3), (108, 1), (106, 18), (109, 1), (110, 5), (111, 7),
        (112, 11), (413, 3), (415, 1), (413, 3),
      ]),
    Compiled(
      testDescription: "3.10", format: .ranges, firstLine: 101,
      table: "0202020108fe060304010601020106fe1cff028002040a010e010c01088002ff007f007f0630020206fe",
      lines: [
        (103, 1), (104, 1), (102, 4), (105, 3), (106, 2), (107, 3), (108, 1), (106, 3), (105, 14), (0, 1), (109, 1),
        (110, 5), (111, 7), (112, 6), (0, 4), (111, 1), (413, 3), (415, 1), (413, 3),
      ]),
    Compiled(
      testDescription: "3.13", format: .locations, firstLine: 101,
      table:
        "8000e00405d80405f305020c078061f206000a0bdc0a0b8841dc030480518334d80304f305020b068061f703000a0b8911f107020c07"
        + "f00e030309dc04058443f16209000b0cf305020a0de10a0b8051f303000203d90a0bf105020a0df00002030df76909000a0b8e11fbf4"
        + "0c000a0bf300010309dc0408fbf003010309fcf25c09020a0d",
      lines: [
        (101, 1), (103, 1), (104, 1), (102, 5), (105, 3), (106, 6), (107, 10), (108, 1), (106, 5), (105, 10), (102, 2),
        (109, 1), (110, 10), (415, 2), (413, 4), (415, 3), (414, 4), (415, 2), (413, 3), (105, 15), (0, 4), (111, 9),
        (112, 5), (0, 4), (111, 1), (0, 5), (413, 3),
      ]),
  ]

  @Test(arguments: compiled)
  func `each unit of the bytecode has the line that the interpreter tells`(_ compiled: Compiled) {
    let table = PythonLineTable(compiled.bytes, format: compiled.format, firstLine: compiled.firstLine)

    let lines = compiled.lines.flatMap { Array(repeating: $0.line, count: $0.units) }
    #expect(lines.indices.map { table.line(atUnit: $0) ?? 0 } == lines)
  }

  @Test(arguments: compiled.dropFirst())
  func `a unit behind the bytecode has no line`(_ compiled: Compiled) {
    let table = PythonLineTable(compiled.bytes, format: compiled.format, firstLine: compiled.firstLine)

    #expect(table.line(atUnit: compiled.lines.reduce(0) { $0 + $1.units }) == nil)
  }

  @Test func `any bytes are a table`() {
    var random = SplitMix(state: 17)
    for _ in 0..<3000 {
      let bytes = (0..<Int.random(in: 0..<80, using: &random)).map { _ in UInt8.random(in: 0...255, using: &random) }
      for format in [PythonOffsets.LineFormat.pairs, .ranges, .locations] {
        let table = PythonLineTable(bytes, format: format, firstLine: .random(in: -(1 << 31)..<1 << 31, using: &random))
        for unit in [0, 1, 100, 1 << 29] { _ = table.line(atUnit: unit) }
      }
    }
  }
}
