import Foundation
import Testing

/// Compares text with a file of `Fixtures`, whole; `SWPROF_UPDATE_GOLDEN=1` writes the file instead.
func expectGolden(_ text: String, _ name: String, sourceLocation: SourceLocation = #_sourceLocation) throws {
  let file = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "Fixtures/\(name)")
  if ProcessInfo.processInfo.environment["SWPROF_UPDATE_GOLDEN"] == "1" {
    try Data(text.utf8).write(to: file)
    return
  }
  let expected = try #require(
    try? Data(contentsOf: file), "no golden file \(name); write it with SWPROF_UPDATE_GOLDEN=1",
    sourceLocation: sourceLocation)
  let wanted = String(decoding: expected, as: UTF8.self).split(separator: "\n", omittingEmptySubsequences: false)
  let actual = text.split(separator: "\n", omittingEmptySubsequences: false)
  for (line, (left, right)) in zip(wanted, actual).enumerated() where !left.utf8.elementsEqual(right.utf8) {
    Issue.record("\(name):\(line + 1): expected '\(left)', got '\(right)'", sourceLocation: sourceLocation)
    return
  }
  #expect(Data(text.utf8) == expected, "\(name): lengths differ", sourceLocation: sourceLocation)
}
