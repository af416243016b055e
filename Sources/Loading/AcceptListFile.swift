package import Comparison
import LinuxSystem

/// Reads the list of accepted regressions from a file.
package enum AcceptListFile {
  private static let sizeLimit = 64 << 20

  package static func read(_ path: String) throws(LoadingError) -> AcceptList {
    let text: String
    do { text = String(decoding: try OpenFile.examined(path).read(limit: sizeLimit), as: UTF8.self) } catch {
      throw LoadingError("cannot read '\(path)': \(error)", .notFound)
    }
    do { return try AcceptList(text) } catch {
      throw LoadingError(
        "\(path):\(error.line): expected 'YYYY-MM-DD FUNCTION # REASON', for example '2026-12-31 parse # a larger input'",
        .malformed)
    }
  }
}
