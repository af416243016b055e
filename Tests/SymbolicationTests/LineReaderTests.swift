import Testing

@testable import Symbolication

@Suite struct LineReaderTests {
  private func lines(_ text: String, chunkSize: Int) -> [String] {
    var lines: [String] = []
    _ = LineReader.forEachLine(of: Array(text.utf8), chunkSize: chunkSize) { line in
      lines.append(line.text(0..<line.count))
      return true
    }
    return lines
  }

  @Test(arguments: [1, 2, 3, 5, 100])
  func `lines do not depend on the pieces they are read in`(chunkSize: Int) {
    #expect(lines("one\n\ntwo three\nfour", chunkSize: chunkSize) == ["one", "", "two three", "four"])
  }

  @Test(arguments: [100, 100_000])
  func `a long line is cut`(chunkSize: Int) {
    let found = lines(String(repeating: "x", count: 10_000) + "\nnext\n", chunkSize: chunkSize)
    #expect(found.map(\.utf8.count) == [LineReader.maximumLine, 4])
  }
}
