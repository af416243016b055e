import Foundation
import GoldenFiles
import Testing

/// Compares text with a file of `Fixtures`, whole; `SWPROF_UPDATE_GOLDEN=1` writes the file instead.
func expectGolden(_ text: String, _ name: String, sourceLocation: SourceLocation = #_sourceLocation) throws {
  let file = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "Fixtures/\(name)")
  let difference = try GoldenFile.difference(text, from: file)
  #expect(difference == nil, sourceLocation: sourceLocation)
}
