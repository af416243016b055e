import Foundation

/// The program that is tested.
package enum Executable {
  /// There is none.
  package struct Missing: Error, CustomStringConvertible {
    package let description: String
  }

  /// The path of the executable beside the test bundle, or of the one that `SWPROF_BINARY` names.
  package static func find() throws -> String {
    if let path = ProcessInfo.processInfo.environment["SWPROF_BINARY"] { return URL(filePath: path).path }
    let bundle = URL(filePath: "/proc/self/exe").resolvingSymlinksInPath()
    let path = bundle.deletingLastPathComponent().appending(path: "swprof").path
    guard FileManager.default.isExecutableFile(atPath: path) else {
      throw Missing(description: "no swprof beside \(bundle.path); swift build")
    }
    return path
  }
}
