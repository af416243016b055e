package import Foundation

/// A file with the output that is expected.
package enum GoldenFile {
  /// There is no such file.
  package struct Missing: Error, CustomStringConvertible {
    package let description: String
  }

  /// What is different in some text, compared whole; nil where it equals the file. `SWPROF_UPDATE_GOLDEN=1` writes the
  /// file instead.
  package static func difference(_ text: String, from file: URL) throws -> String? {
    if ProcessInfo.processInfo.environment["SWPROF_UPDATE_GOLDEN"] == "1" {
      try Data(text.utf8).write(to: file)
      return nil
    }
    let name = file.lastPathComponent
    guard let expected = try? Data(contentsOf: file) else {
      throw Missing(description: "no golden file \(name); write it with SWPROF_UPDATE_GOLDEN=1")
    }
    let wanted = String(decoding: expected, as: UTF8.self).split(separator: "\n", omittingEmptySubsequences: false)
    let actual = text.split(separator: "\n", omittingEmptySubsequences: false)
    for (line, (left, right)) in zip(wanted, actual).enumerated() where !left.utf8.elementsEqual(right.utf8) {
      return "\(name):\(line + 1): expected '\(left)', got '\(right)'"
    }
    return Data(text.utf8) == expected ? nil : "\(name): lengths differ"
  }
}
