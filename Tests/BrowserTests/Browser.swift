import Foundation
import Testing

/// A real Chromium without a window, driven by `driver.mjs`.
enum Browser {
  /// What is done in one page.
  struct Page: Encodable {
    var url: String
    var isScriptDisabled = false
    var isDark = false
    var width = 1280
    var steps: [Step] = []
  }

  enum Step: Encodable {
    case evaluate(String)
    case click(String)
    case key(String)
    /// What the next prompt is answered.
    case answer(String)
    case screenshot(String)

    func encode(to encoder: any Encoder) throws {
      var container = encoder.singleValueContainer()
      switch self {
      case .evaluate(let expression): try container.encode(["evaluate": expression])
      case .click(let selector): try container.encode(["click": selector])
      case .key(let name): try container.encode(["key": name])
      case .answer(let text): try container.encode(["answer": text])
      case .screenshot(let file): try container.encode(["screenshot": file])
      }
    }
  }

  struct Visit {
    let openMilliseconds: Double
    /// What each step came to; nil where that is nothing.
    let results: [Any?]
    /// Exceptions, messages, dialogs and requests: a good page has none.
    let problems: [String]

    func text(_ step: Int) -> String? { results[step] as? String }
    func number(_ step: Int) -> Double? { (results[step] as? NSNumber)?.doubleValue }
  }

  /// Visits pages one after the other, in one browser.
  static func visit(_ pages: [Page]) throws -> [Visit] {
    struct Job: Encodable {
      let chromium: String
      let pages: [Page]
    }
    let chromium = try #require(path(of: ["chromium", "chromium-browser"]), "no chromium; apt-get install chromium")
    let node = try #require(path(of: ["node", "nodejs"]), "no node; apt-get install nodejs")
    let driver = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "driver.mjs").path
    let process = Process()
    process.executableURL = URL(filePath: node)
    process.arguments = [driver]
    let (input, output) = (Pipe(), Pipe())
    process.standardInput = input
    process.standardOutput = output
    try process.run()
    try input.fileHandleForWriting.write(contentsOf: JSONEncoder().encode(Job(chromium: chromium, pages: pages)))
    try input.fileHandleForWriting.close()
    let lines = try (output.fileHandleForReading.readToEnd() ?? Data()).split(separator: UInt8(ascii: "\n"))
    process.waitUntilExit()
    try #require(process.terminationStatus == 0 && lines.count == pages.count, "the browser's driver failed")
    return try lines.map { line in
      let object = try #require(JSONSerialization.jsonObject(with: line) as? [String: Any])
      let results = try #require(object["results"] as? [Any])
      return Visit(
        openMilliseconds: (object["openMilliseconds"] as? NSNumber)?.doubleValue ?? 0,
        results: results.map { $0 is NSNull ? nil : $0 }, problems: object["problems"] as? [String] ?? [])
    }
  }

  private static func path(of names: [String]) -> String? {
    let folders = (ProcessInfo.processInfo.environment["PATH"] ?? "/usr/bin").split(separator: ":")
    return folders.lazy.flatMap { folder in names.map { "\(folder)/\($0)" } }
      .first(where: FileManager.default.isExecutableFile)
  }
}

/// Pages of one test, removed with their last reference.
final class Folder {
  let url: URL

  init() throws {
    url = FileManager.default.temporaryDirectory.appending(path: "swprof-pages-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: url, withIntermediateDirectories: false)
  }

  deinit { try? FileManager.default.removeItem(at: url) }

  /// Writes a page and returns its address.
  func page(_ text: String, _ name: String) throws -> String {
    let file = url.appending(path: name)
    try Data(text.utf8).write(to: file)
    return file.absoluteString
  }

  func path(_ name: String) -> String { url.appending(path: name).path }
}
